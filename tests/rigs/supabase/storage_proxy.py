"""A proxy before Storage that answers chosen requests badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

Fault = Literal["hang", "drip", "drop", "error"]
"""No answer; a byte of the body each 0.1 s; an end in the middle of the body; 503."""


class StorageProxy:
    """Passes requests on, except those whose path has `match` in it while `left` is not 0."""

    def __init__(self, upstream: str) -> None:
        self._released = threading.Event()
        self._match = ""
        self._fault: Fault = "hang"
        self.left = 0
        """How many more requests are answered badly."""
        self.seen: list[str] = []
        """Method and path of each request."""
        self._client = httpx.Client(base_url=upstream, timeout=60, trust_env=False)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                with suppress(OSError):
                    outer._answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextmanager
    def answering(self, match: str, fault: Fault, times: int = 1_000_000) -> Iterator[None]:
        """Answer the next `times` requests that have `match` in their path so."""
        self._match, self._fault, self.left = match, fault, times
        self.seen.clear()
        try:
            yield
        finally:
            self.left = 0

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.seen.append(f"{handler.command} {handler.path}")
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        bad = self.left > 0 and self._match in handler.path
        self.left -= bad
        if bad and self._fault == "hang":
            self._released.wait(120)
            handler.close_connection = True
            return
        headers = {name: value for name, value in handler.headers.items() if name != "Host"}
        answer = self._client.request(
            handler.command, handler.path, headers=headers, content=body or None
        )
        content = answer.content
        handler.send_response(503 if bad and self._fault == "error" else answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if bad and self._fault == "drop":
            handler.wfile.write(content[: len(content) // 2])
            handler.close_connection = True
        elif bad and self._fault == "drip":
            for byte in content:
                handler.wfile.write(bytes([byte]))
                if self._released.wait(0.1):
                    return
        elif handler.command != "HEAD":
            handler.wfile.write(content)
