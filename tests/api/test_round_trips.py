"""What a call asks of the database, counted on the wire between the functions and Postgres."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account

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
        "tests.rigs.processes.functions",
        ["api/transcodes"],
        os.environ | stack.settings | {"POSTGRES_URL": through},
    )
    yield proxy, child.ready()
    child.stop()
    proxy.close()


def test_a_call_takes_one_round_trip_to_authenticate_and_one_to_work(
    counted: tuple[CountingProxy, str], account: Account, clip: Path
) -> None:
    """A create that names stored files takes one more, which looks up all of them."""
    proxy, url = counted
    stored = [{"url": account.upload(clip)}, {"url": account.upload(clip)}]
    body: dict[str, Any] = {"inputs": stored, "outputFormat": "mp4"}
    remote = body | {"inputs": [{"url": "https://media.example.com/a.mp4"}]}
    with api.connect(url, account.key) as client:
        job_id = api.call(client, "POST", "/v1/transcodes", body)["id"]  # opens the connections
        create = _waits(proxy, lambda: client.post("/v1/transcodes", json=body), 201)
        create_remote = _waits(proxy, lambda: client.post("/v1/transcodes", json=remote), 201)
        get = _waits(proxy, lambda: client.get(f"/v1/transcodes/{job_id}"), 200)
        unknown = _waits(proxy, lambda: client.post("/v1/transcodes", json={}), 400)
    for waits in (create, create_remote, get, unknown):
        assert "app.identify" in waits[0]
    assert len(create) == 3, create
    assert "app.files" in create[1]
    assert "app.create_job" in create[2]
    assert len(create_remote) == 2, create_remote
    assert "app.create_job" in create_remote[1]
    assert len(get) == 2, get
    assert len(unknown) == 1, unknown


def _waits(proxy: CountingProxy, call: Callable[[], httpx.Response], status: int) -> list[str]:
    """The statements waited for in a call, without those that run once the response is out."""
    time.sleep(0.3)  # let the call before end wholly
    proxy.waits.clear()
    assert call().status_code == status
    time.sleep(0.3)
    recorded = [each for each in proxy.waits if "app.request_log" in each]
    assert len(recorded) == 1
    later = [*recorded, *(each for each in proxy.waits if "delete from app.rate_windows" in each)]
    return [each for each in proxy.waits if each not in later]
