"""A server of files for URL inputs, which can also misbehave on demand."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


class SourceServer:
    """Serves the files of a folder at /name, and:

    /redirect?to=URL answers 302, /drip sends a byte a second for ever, /endless never stops,
    /lie?name=FILE states twice the length it sends, /status?code=N answers N, /hang accepts and
    says nothing. `hits` are the paths asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hits: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.hits.append(self.path)
                outer.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._stopped = threading.Event()

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

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.lstrip("/")
        try:
            match name:
                case "redirect":
                    self._send(handler, 302, b"", {"Location": query["to"]})
                case "status":
                    self._send(handler, int(query["code"]), b"no")
                case "hang":
                    self._stopped.wait(20)
                case "drip" | "endless":
                    self._stream(handler, 1.0 if name == "drip" else 0)
                case "lie":
                    data = (self.folder / query["name"]).read_bytes()
                    self._send(handler, 200, data, {"Content-Length": str(len(data) * 2)})
                    handler.close_connection = True
                case _:
                    file = self.folder / name
                    if not file.is_file():
                        self._send(handler, 404, b"not here")
                    else:
                        self._send(handler, 200, file.read_bytes())
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

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
        handler.wfile.write(body)

    def _stream(self, handler: BaseHTTPRequestHandler, pause: float) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        end = time.monotonic() + 20
        while time.monotonic() < end and not self._stopped.wait(pause):
            handler.wfile.write(b"x" if pause else b"x" * 65536)

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
        self._server.shutdown()
        self._server.server_close()
