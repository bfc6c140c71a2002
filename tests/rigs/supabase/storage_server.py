"""A Storage stand-in of a test's own: a fresh database on a shared server, a folder, a port."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
from psycopg.conninfo import make_conninfo

from local import keys
from local.postgres import Postgres
from standins.http import hosts
from standins.http.server import Server
from standins.supabase import BOOTSTRAP, storage
from standins.supabase.gateway import create_gateway

USER = "8705699e-ced2-44e3-aa72-575e9b0af9b9"


@dataclass(frozen=True)
class Running:
    """A running stand-in."""

    url: str
    root: Path
    postgres_url: str
    keys: keys.StackKeys
    http: httpx.Client

    @property
    def base(self) -> str:
        """The address of the routes."""
        return f"{self.url}/storage/v1"

    def as_caller(self, token: str | None = None) -> dict[str, str]:
        """Headers of a caller, by default the server-side key."""
        token = token or self.keys.secret
        return {"apikey": token, "Authorization": f"Bearer {token}"}

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner of all."""
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def bucket(self, **columns: Any) -> str:
        """A bucket made as a migration makes it; its id."""
        name = f"b-{uuid.uuid4()}"
        values = {"public": False, "file_size_limit": None, "allowed_mime_types": None} | columns
        self.sql(
            "insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)"
            " values (%s, %s, %s, %s, %s)",
            *(name, name, *values.values()),
        )
        return name

    def upload_link(self, bucket: str, key: str, **headers: str) -> str:
        """A link that takes the object's bytes."""
        signed = self.http.post(
            f"{self.base}/object/upload/sign/{bucket}/{key}", headers=self.as_caller() | headers
        )
        return self.base + str(signed.raise_for_status().json()["url"])

    def download_link(self, bucket: str, key: str) -> str:
        """A link that serves the object."""
        signed = self.http.post(
            f"{self.base}/object/sign/{bucket}/{key}",
            headers=self.as_caller(),
            json={"expiresIn": 60},
        )
        return self.base + str(signed.raise_for_status().json()["signedURL"])

    def files(self) -> list[Path]:
        """Every file on disk."""
        return [path for path in self.root.rglob("*") if path.is_file()]


def user_token(result: keys.StackKeys, seconds: int = 600, **claims: Any) -> str:
    """A user's access token, as Auth signs it."""
    answer = {
        "sub": USER,
        "role": "authenticated",
        "aud": "authenticated",
        "exp": int(time.time()) + seconds,
    }
    headers = {"kid": result.user_token_kid}
    return jwt.encode(answer | claims, result.user_token_key, algorithm="ES256", headers=headers)


def fresh_database(postgres: Postgres) -> str:
    """A database of its own on the server, prepared as at every start; its address."""
    name = f"s{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    url = make_conninfo(postgres.url, dbname=name)
    with psycopg.connect(url, autocommit=True) as connection:
        for script in BOOTSTRAP:
            connection.execute(script.read_text().encode())
    return url


@contextmanager
def running(postgres_url: str, folder: Path, *, gateway: bool = True) -> Iterator[Running]:
    """Serve the stand-in from `folder`, behind the gateway or bare."""
    stack_keys = keys.load(folder / "keys.json")
    served = Server(threads=8, names=hosts.LOOPBACK | {"app.example.com"})  # of the recordings
    app = storage.create_app(
        postgres_url=postgres_url,
        root=folder / "files",
        keys=stack_keys,
        public_url=f"{served.url}/storage/v1",
    )
    served.serve(create_gateway(_no_auth, app) if gateway else app)
    try:
        with httpx.Client(trust_env=False, timeout=30) as http:
            yield Running(served.url, folder / "files", postgres_url, stack_keys, http)
    finally:
        served.stop()


def _no_auth(_: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "4")])
    return [b"null"]
