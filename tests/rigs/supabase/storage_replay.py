"""Recorded exchanges with the real Storage server, sent again and compared.

What differs from one run to the next stands as a placeholder in the data: `{...}` in requests is
filled in, `<...>` in answers stands for any value of that kind.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import msgspec

from tests.rigs.supabase.storage_server import Running, user_token

DATA = Path(__file__).with_name("storage_exchanges.json")
TUS_HEADERS = (
    "Authorization, Content-Type, Location, Tus-Extension, Tus-Max-Size, Tus-Resumable,"
    " Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata,"
    " Upload-Offset, X-HTTP-Method-Override, X-Requested-With, X-Forwarded-Host,"
    " X-Forwarded-Proto, Forwarded,"
)
KINDS = {
    "<uuid>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<moment>": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "<date>": r"\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT",
    "<jwt>": r"[\w-]+\.[\w-]+\.[\w-]+",
    "<md5>": r"[0-9a-f]{32}",
    "<id>": r"[\w-]+",
    "<number>": r"\d+",
    "<tus headers>": re.escape(TUS_HEADERS),
}


class Exchange(msgspec.Struct):
    """A request, and what the real server answered."""

    number: int
    what: str
    request: dict[str, Any]
    answer: dict[str, Any]
    before: list[str] = []
    """SQL to run first."""


class LeftOut(msgspec.Struct):
    """An exchange that is not sent, and why."""

    number: int
    why: str


class Recording(msgspec.Struct):
    """All of them, in order."""

    source: str
    left_out: list[LeftOut]
    exchanges: list[Exchange]


def load() -> Recording:
    """Read the data."""
    return msgspec.json.decode(DATA.read_bytes(), type=Recording)


class Replay:
    """Sends exchanges in order, and remembers what later ones need of earlier answers."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._callers = {
            "secret": server.keys.secret,
            "publishable": server.keys.publishable,
            "user": user_token(server.keys),
            "expired-user": user_token(server.keys, -10),
        }
        self._known = {
            "token:expired-upload": self._token("media/u1/in/x.txt", "upload", seconds=-10),
            "token:expired-download": self._token("media/u1/out/o1.mp4", "download", seconds=-10),
            "token:forged": self._token("media/u1/in/x.txt", "upload", secret="f" * 40),
        }

    def run(self, exchange: Exchange) -> list[str]:
        """Send it; how the answer differs from the recorded one."""
        for statement in exchange.before:
            self._server.sql(statement)
        answer = self._send(exchange.request)
        self._remember(exchange, answer)
        return [
            f"{exchange.number} {exchange.what}: {fault}"
            for fault in self._faults(exchange.answer, answer)
        ]

    def _send(self, request: dict[str, Any]) -> httpx.Response:
        target = self._filled(request["target"])
        headers = {
            name: self._filled(value).encode() for name, value in request.get("headers", {}).items()
        }
        if caller := request.get("caller"):
            token = self._callers.get(caller, caller)
            headers |= {name: v.encode() for name, v in self._server.as_caller(token).items()}
        url = target if target.startswith("http") else self._server.url + target
        content: dict[str, Any] = {}
        if form := request.get("form"):
            name, body, kind = form["file"]
            content = {"data": form["fields"], "files": {"file": (name, _bytes(body), kind)}}
        elif body := request.get("body"):
            content = {"content": _bytes(body) if "chunks" not in body else _each(body["chunks"])}
        return self._server.http.request(request["method"], url, headers=headers, **content)

    def _remember(self, exchange: Exchange, answer: httpx.Response) -> None:
        if location := answer.headers.get("location"):
            self._known[f"location:{exchange.number}"] = location
        if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
            return
        body = answer.json() if answer.content else None
        if isinstance(body, dict) and (link := body.get("signedURL") or body.get("url")):
            token = parse_qs(urlsplit(str(link).replace("#", "")).query)["token"][0]
            self._known[f"token:{exchange.number}"] = token

    def _faults(self, recorded: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
        if answer.status_code != recorded["status"]:
            yield f"{answer.status_code}, not {recorded['status']}: {answer.text[:300]}"
        for name, value in recorded.get("headers", {}).items():
            got = answer.headers.get(name)
            if got is None or not _matches(self._filled(value), got):
                yield f"header {name} is {got!r}, not {value!r}"
        if "json" in recorded:
            if not answer.headers.get("content-type", "").startswith("application/json"):
                yield f"not JSON: {answer.headers.get('content-type')}"
            elif not _matches(recorded["json"], answer.json()):
                yield f"{answer.text}, not {recorded['json']}"
        if "text" in recorded and answer.text != recorded["text"]:
            yield f"{answer.text!r}, not {recorded['text']!r}"

    def _filled(self, text: str) -> str:
        known = self._known | {"url": self._server.url}
        return re.sub(r"\{([a-z]+(?::[\w-]+)?)\}", lambda match: known[match[1]], text)

    def _token(self, url: str, scope: str, *, seconds: int = 60, secret: str = "") -> str:
        now = int(time.time())
        claims = {"url": url, "scope": scope, "upsert": False, "iat": now, "exp": now + seconds}
        return jwt.encode(claims, secret or self._server.keys.storage_secret, algorithm="HS256")


def ramp(size: int) -> bytes:
    """Bytes that count from 0 to 255, again and again."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def _bytes(body: dict[str, Any]) -> bytes:
    return str(body["text"]).encode() if "text" in body else ramp(body["ramp"])


def _each(chunks: list[str]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.encode()


def _matches(recorded: Any, got: Any) -> bool:
    """Whether `got` is of the recorded shape: same keys and lengths, placeholders fitting."""
    if isinstance(recorded, dict):
        return (
            isinstance(got, dict)
            and recorded.keys() == got.keys()
            and all(_matches(value, got[name]) for name, value in recorded.items())
        )
    if isinstance(recorded, list):
        return (
            isinstance(got, list)
            and len(recorded) == len(got)
            and all(map(_matches, recorded, got))
        )
    if isinstance(recorded, str) and isinstance(got, str):
        pattern = "".join(
            KINDS.get(part, re.escape(part)) for part in re.split(r"(<[a-z0-9 ]+>)", recorded)
        )
        return re.fullmatch(pattern, got) is not None
    return type(recorded) is type(got) and bool(recorded == got)
