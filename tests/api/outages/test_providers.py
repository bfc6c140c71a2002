"""Functions whose Storage, Auth or Stripe is away or hangs: 503 with `Retry-After`, in time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest
from jwt import PyJWKClientConnectionError

from lib.platform.supabase.key_set import KeySet
from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account, Person

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there."""
UPLOAD = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 1000}


class Hanging:
    """A TCP proxy that takes the next `silent` connections and never answers them."""

    def __init__(self, url: str) -> None:
        self._upstream = ("127.0.0.1", urlsplit(url).port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.silent = 0
        self.accepted = 0
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._clients):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            self.accepted += 1
            if self.silent:
                self.silent -= 1
                continue
            server = socket.create_connection(self._upstream)
            self._clients.append(server)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, destination: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
    except OSError:
        return


def functions(stack: Stack, names: list[str], **settings: str) -> Child:
    environment = os.environ | stack.settings | settings
    return Child("tests.rigs.processes.functions", names, environment)


@pytest.fixture
def storage(stand_ins: Stack) -> Iterator[tuple[Hanging, str]]:
    """A proxy before Supabase, and functions that reach it through that alone."""
    proxy = Hanging(stand_ins.settings["SUPABASE_URL"])
    child = functions(stand_ins, ["api/files"], SUPABASE_URL=proxy.url)
    yield proxy, child.ready()
    child.stop()
    proxy.close()


def test_storage_is_asked_once_more(storage: tuple[Hanging, str], account: Account) -> None:
    proxy, url = storage
    proxy.silent = 1
    with api.connect(url, account.key) as client:
        assert client.post("/v1/upload/presigned-url", json=UPLOAD).status_code == 200
    assert proxy.accepted == 2


def test_storage_is_not_asked_a_third_time(storage: tuple[Hanging, str], account: Account) -> None:
    proxy, url = storage
    proxy.silent = 1000
    with api.connect(url, account.key) as client:
        unavailable(client.post("/v1/upload/presigned-url", json=UPLOAD))
    assert proxy.accepted == 2


def unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again" in answer.json()["error"]


def test_without_the_login_keys_still_work_and_tokens_get_503(
    stand_ins: Stack, account: Account, person: Person
) -> None:
    child = functions(stand_ins, ["api/account"], SUPABASE_URL=NOWHERE)
    try:
        url = child.ready()
        with api.connect(url, account.key) as client:
            assert client.get("/v1/account").status_code == 200
        with api.connect(url, person.token) as client:
            unavailable(client.get("/v1/account"))
            unavailable(client.delete("/v1/account/sessions"))
    finally:
        child.stop()


def test_without_stripe_a_purchase_gets_503(stand_ins: Stack, person: Person) -> None:
    child = functions(stand_ins, ["api/billing"], STRIPE_URL=NOWHERE)
    try:
        with api.connect(child.ready(), person.token) as client:
            unavailable(client.post("/v1/billing/checkout", json={"plan": "pro"}))
    finally:
        child.stop()


def test_bytes_that_break_off_are_a_storage_error() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(206)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 10)

        def log_message(self, *_: object) -> None:
            return

    command = """
from lib.files.stores import storage
with storage.stream("uploads", "a", 0) as chunks:
    try:
        list(chunks)
    except storage.StorageError:
        print("a storage error")
"""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = {
            "POSTGRES_URL": "postgresql://127.0.0.1:9/x",
            "SUPABASE_URL": f"http://127.0.0.1:{server.server_port}",
            "SUPABASE_SECRET_KEY": "k" * 40,
            "CRON_SECRET": "c" * 40,
            "API_URL": NOWHERE,
            "WORKER_URL": NOWHERE,
        }
        done = subprocess.run(
            [sys.executable, "-c", command],
            env=os.environ | settings,
            capture_output=True,
            text=True,
        )
        server.shutdown()
    assert done.stdout == "a storage error\n", done.stderr


def test_the_key_set_outlives_its_server(stand_ins: Stack) -> None:
    path = "/auth/v1/.well-known/jwks.json"
    body = httpx.get(f"{stand_ins.settings['SUPABASE_URL']}{path}", trust_env=False).content
    hits = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(time.monotonic())
            self.send_response(200 if len(hits) == 1 else 502)
            self.end_headers()
            self.wfile.write(body if len(hits) == 1 else b"<html>")

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}{path}"
        keys = KeySet(url)
        first = keys.get_jwk_set()
        for _ in range(3):
            second = keys.get_jwk_set(refresh=True)
            assert [key.key_id for key in second.keys] == [key.key_id for key in first.keys]
        assert len(hits) == 2  # a failed fetch is not repeated at once
        with pytest.raises(PyJWKClientConnectionError):
            KeySet(url).get_jwk_set()
        server.shutdown()
