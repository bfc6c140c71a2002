"""Auth's stand-in, served for tests: its Postgres, its mails, its clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx
import psycopg

from local import keys, postgres
from local.keys import StackKeys as Keys
from standins.http import hosts
from standins.http.server import Server
from standins.mail import MailSink
from standins.supabase import auth

VERSION = {"X-Supabase-Api-Version": "2024-01-01"}
LINK = re.compile(r"https?://\S+/verify\?\S+")


class Clock:
    """Moves a millisecond at each look, and further when told."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Rig:
    """A served stand-in, and a client of it that sends the publishable key."""

    url: str
    """Its address, without /auth/v1."""
    http: httpx.Client
    keys: Keys
    mail: MailSink
    clock: Clock
    folder: Path
    """Where the mails are."""

    def forget_mails(self) -> None:
        """Remove all mails."""
        for path in self.folder.glob("*.eml"):
            path.unlink()

    def post(
        self, path: str, body: object = None, bearer: str | None = None, **headers: str
    ) -> httpx.Response:
        """POST JSON below /auth/v1, as the stock clients do."""
        return self.call("POST", path, body, bearer, **headers)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        bearer: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Any call below /auth/v1, as the stock clients do it."""
        payload = VERSION | headers
        if bearer:
            payload["Authorization"] = f"Bearer {bearer}"
        return self.http.request(method, f"/auth/v1{path}", json=body, headers=payload)

    def sign_up(self, email: str, password: str = "correct horse 1") -> dict[str, Any]:
        """Sign up, follow the mailed link, sign in; the session."""
        assert self.post("/signup", {"email": email, "password": password}).status_code == 200
        assert self.follow(self.link(email)).status_code == 303
        return self.sign_in(email, password)

    def sign_in(self, email: str, password: str = "correct horse 1") -> dict[str, Any]:
        """Sign in; the session."""
        answer = self.post("/token?grant_type=password", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, token: str) -> httpx.Response:
        """Trade a refresh token."""
        return self.post("/token?grant_type=refresh_token", {"refresh_token": token})

    def text(self, email: str) -> str:
        """The text of the newest mail to an address."""
        for mail in self.mail.list():
            if mail.message["To"] == email:
                part = mail.message.get_body(("plain",))
                assert part
                return str(part.get_content())
        raise AssertionError(f"no mail to {email}")

    def link(self, email: str) -> httpx.URL:
        """The link in the newest mail to an address."""
        source = LINK.search(self.text(email))
        assert source
        return httpx.URL(source[0])

    def follow(self, link: httpx.URL) -> httpx.Response:
        """Open a mailed link, as a browser does: without any key."""
        return httpx.get(
            f"{self.url}{link.raw_path.decode()}", trust_env=False, follow_redirects=False
        )


@dataclass(frozen=True)
class Project:
    """A running Postgres and the keys of a project."""

    postgres_url: str
    keys: Keys

    def rows(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """What a statement gives, run as the superuser."""
        with psycopg.connect(self.postgres_url) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """A project of its own, its data below `folder`."""
    running = postgres.start(folder / "postgres")
    try:
        yield Project(running.url, keys.load(folder / "keys.json"))
    finally:
        running.stop()


@contextmanager
def serve(at: Project, folder: Path, **options: Any) -> Iterator[Rig]:
    """Serve Auth with these options of `create_app`; its mails go below `folder`."""
    mail, clock = MailSink(folder), Clock()
    server = Server(names=hosts.LOOPBACK | {"app.example.com"})  # of the recordings
    defaults: dict[str, Any] = {
        "public_url": f"{server.url}/auth/v1",
        "site_url": "http://127.0.0.1:3000",
        "clock": clock,
    }
    app = auth.create_app(
        postgres_url=at.postgres_url, keys=at.keys, mail=mail, **defaults | options
    )
    server.serve(_below_prefix(app))
    client = httpx.Client(
        base_url=server.url, headers={"apikey": at.keys.publishable}, trust_env=False, timeout=20
    )
    with client:
        try:
            yield Rig(server.url, client, at.keys, mail, clock, folder)
        finally:
            server.stop()


def _below_prefix(app: WSGIApplication) -> WSGIApplication:
    """Stands for the gateway: only /auth/v1 gets through, its path unchanged."""

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if environ["PATH_INFO"].startswith("/auth/v1/"):
            return app(environ, start_response)
        start_response("404 Not Found", [("Content-Length", "0")])
        return []

    return dispatch


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the error code of a refusal."""
    return answer.status_code, answer.json()["code"]
