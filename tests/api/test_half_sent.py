"""Requests that are never sent whole hold up nobody (one machine; Vercel reads them itself)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest

from local.processes.children import Child
from local.stack import Stack
from local.vercel.front import Front
from tests.rigs.accounts import Account

CONNECTIONS = 200
HALVES = {
    "nothing": b"",
    "head": b"GET /v1/transcodes HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "small body": b"POST /v1/try HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20\r\n\r\n{",
    "large body": b"POST /v1/try HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n"
    + b" " * 40_000,
    "chunks": b"POST /v1/support HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\n{",
}


@pytest.fixture(scope="module")
def functions(stack: Stack) -> Iterator[str]:
    child = Child(
        "tests.rigs.processes.functions",
        ["api/transcodes", "api/service", "api/account", "api/people"],
        os.environ | stack.settings,
    )
    yield child.ready()
    child.stop()


@pytest.mark.parametrize("half", HALVES)
def test_half_sent_requests_hold_up_nobody(functions: str, account: Account, half: str) -> None:
    place = urlsplit(functions)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection((place.hostname, place.port))
            stack.enter_context(connection).sendall(HALVES[half])
        answer = httpx.get(
            f"{functions}/v1/transcodes",
            headers={"Authorization": f"Bearer {account.key}"},
            timeout=10,
            trust_env=False,
        )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (
            "POST /v1/try HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4500001",
            413,
            "body_too_large",
        ),
        (f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'a' * 65_600}", 431, "headers_too_large"),
        ("GET / HTTP/9.1\r\nHost: 127.0.0.1\r\nContent-Length: x", 400, "invalid_request"),
    ],
)
def test_what_can_not_be_read_is_refused(
    functions: str, request_head: str, status: int, code: str
) -> None:
    place = urlsplit(functions)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request_head.encode() + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert json.loads(body)["code"] == code
    assert json.loads(body)["message"]


def _empty(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return []


def test_a_request_that_drips_is_cut_off() -> None:
    with Front(_empty, request_seconds=2) as front:
        place = urlsplit(front.url)
        with socket.create_connection((place.hostname, place.port), timeout=0.2) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n")
            for _ in range(150):
                try:
                    connection.sendall(b"x")
                    if not connection.recv(1):
                        return
                except TimeoutError:
                    continue
                except OSError:
                    return
    raise AssertionError("the connection lived on")
