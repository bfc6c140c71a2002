"""A server of files for URL inputs, which can also misbehave on demand."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rigs import quirks

PIECE_BYTES = 16 * 1024


class SourceServer:
    """Serves the files of a folder at /name, whole or by ranges, and:

    /whole/NAME knows no ranges, /changing?name=FILE has another ETag with each request,
    /redirect?to=URL answers 302, /drip sends a byte a second forever, /endless never stops,
    /lie?name=FILE states twice the length it sends, /status?code=N answers N, /hang accepts and
    says nothing, /quirk/MODE/NAME does what `tests.rigs.quirks` says. `hits` are the requested
    paths, `ranges` the Range header of each (or ""), `bytes_sent` counts the bytes of bodies. Every
    response comes `latency` seconds late, and no body faster than `bytes_per_second`; both can be
    set at any time.
    """

    def __init__(
        self, folder: Path, bytes_per_second: float | None = None, latency: float = 0.0
    ) -> None:
        self.folder = folder
        self.bytes_per_second = bytes_per_second
        self.latency = latency
        self.hits: list[str] = []
        self.ranges: list[str] = []
        self.bytes_sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.hits.append(self.path)
                outer.ranges.append(self.headers.get("Range", ""))
                if outer.bytes_per_second:  # else what is sent waits in the kernel's buffers
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE_BYTES)
                outer.answer(self)

            def handle(self) -> None:
                with suppress(ConnectionResetError):  # a client that has enough
                    super().handle()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._quirks = quirks.State()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._stopped = threading.Event()
        self._released = threading.Event()
        self._hanging = False
        self._count = threading.Lock()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        """The address of a path here."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def put(self, path: Path) -> str:
        """Offer a file; its address."""
        (self.folder / path.name).write_bytes(path.read_bytes())
        return self.url(path.name)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let /hang say nothing for a minute, until `release` or the end of the block."""
        self._hanging = True
        try:
            yield
        finally:
            self.release()
            self._hanging = False

    def release(self) -> None:
        """Let go of everyone who hangs."""
        self._released.set()
        self._released = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        if handler.path.startswith("/quirk/"):
            quirks.answer(handler, self.folder, self._quirks)
            return
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.lstrip("/")
        self._stopped.wait(self.latency)
        try:
            match name:
                case "redirect":
                    self._send(handler, 302, b"", {"Location": query["to"]})
                case "status":
                    self._send(handler, int(query["code"]), b"no")
                case "hang":
                    self._released.wait(60 if self._hanging else 20)
                case "drip" | "endless":
                    self._stream(handler, 1.0 if name == "drip" else 0)
                case "lie":
                    data = (self.folder / query["name"]).read_bytes()
                    self._send(handler, 200, data, {"Content-Length": str(len(data) * 2)})
                    handler.close_connection = True
                case "changing":
                    self._file(handler, self.folder / query["name"], f'"{len(self.hits)}"')
                case _:
                    file = self.folder / name.removeprefix("whole/")
                    if not file.is_file():
                        self._send(handler, 404, b"not here")
                    elif name.startswith("whole/"):
                        self._send(handler, 200, file.read_bytes())
                    else:
                        self._file(handler, file, f'"{file.stat().st_mtime_ns}"')
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def _file(self, handler: BaseHTTPRequestHandler, file: Path, tag: str) -> None:
        data = file.read_bytes()
        headers = {"Accept-Ranges": "bytes", "ETag": tag}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        if match is None or handler.headers.get("If-Range", tag) != tag:
            self._send(handler, 200, data, headers)
            return
        start = int(match[1])
        end = min(len(data), int(match[2]) + 1 if match[2] else len(data))
        if start >= end:
            self._send(handler, 416, b"", headers | {"Content-Range": f"bytes */{len(data)}"})
            return
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        self._send(handler, 206, data[start:end], headers)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        began = time.monotonic()
        for start in range(0, len(body), PIECE_BYTES):
            if self.bytes_per_second:
                due = began + start / self.bytes_per_second
                self._stopped.wait(max(0.0, due - time.monotonic()))
            self._write(handler, body[start : start + PIECE_BYTES])

    def _write(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        handler.wfile.write(data)
        with self._count:
            self.bytes_sent += len(data)

    def _stream(self, handler: BaseHTTPRequestHandler, pause: float) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        end = time.monotonic() + 20
        while time.monotonic() < end and not self._stopped.wait(pause):
            self._write(handler, b"x" if pause else b"x" * 65536)

    def __enter__(self) -> SourceServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
