"""What a call asks of the database, counted on the wire between the functions and Postgres."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from local import client as api
from local.children import Child
from local.stack import Stack
from tests.conftest import Account

SYNC, QUERY = b"S", b"Q"
"""The messages a client waits for an answer to (PostgreSQL's frontend/backend protocol)."""


class CountingProxy:
    """Passes connections on to Postgres and notes each wait for it, with the statement before."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.waits: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            threading.Thread(target=self._watch, args=(client, server), daemon=True).start()

    def _watch(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what the client says, message by message; the first has no type byte."""
        read = client.makefile("rb").read
        size = read(4)
        server.sendall(size + read(struct.unpack("!I", size)[0] - 4))
        statement = ""
        while kind := read(1):
            size = read(4)
            body = read(struct.unpack("!I", size)[0] - 4)
            if kind == b"P":
                statement = body.split(b"\0")[1].decode()
            if kind in (SYNC, QUERY):
                self.waits.append(statement)
            server.sendall(kind + size + body)
        server.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, destination: socket.socket) -> None:
    while data := source.recv(65536):
        destination.sendall(data)


@pytest.fixture(scope="module")
def counted(stack: Stack) -> Iterator[tuple[CountingProxy, str]]:
    """A proxy, and the address of functions that reach the database through it alone."""
    url = urlsplit(stack.settings["POSTGRES_URL"])
    folder = parse_qs(url.query)["host"][0]
    proxy = CountingProxy(next(str(path) for path in Path(folder).glob(".s.PGSQL.*[0-9]")))
    through = urlunsplit(
        url._replace(netloc=f"{url.username}@127.0.0.1:{proxy.port}", query="sslmode=disable")
    )
    child = Child(
        "tests.service.functions_process",
        ["api/transcodes"],
        os.environ | stack.settings | {"POSTGRES_URL": through},
    )
    yield proxy, child.ready()
    child.stop()
    proxy.close()


def test_create_and_get_take_two_round_trips(
    counted: tuple[CountingProxy, str], account: Account, clip: Path
) -> None:
    proxy, url = counted
    body = {"inputs": [{"url": account.upload(clip)}], "outputFormat": "mp4"}
    with api.connect(url, account.key) as client:
        job_id = api.call(client, "POST", "/v1/transcodes", body)["id"]  # opens the connections
        create = _waits(proxy, lambda: client.post("/v1/transcodes", json=body), 201)
        get = _waits(proxy, lambda: client.get(f"/v1/transcodes/{job_id}"), 200)
    for waits in (create, get):
        assert "app.api_keys" in waits[0]
        assert len(waits) == 2, waits
    assert "app.create_job" in create[1]


def _waits(proxy: CountingProxy, call: Callable[[], httpx.Response], status: int) -> list[str]:
    """The statements waited for in a call; its record, written when the answer is out, is apart."""
    time.sleep(0.3)  # let the call before end wholly
    proxy.waits.clear()
    assert call().status_code == status
    time.sleep(0.3)
    recorded = [each for each in proxy.waits if "app.request_log" in each]
    assert len(recorded) == 1
    return [each for each in proxy.waits if each not in recorded]
