"""A server of files as if it stood 30 ms away, behind a line of 12.5 MB/s (100 Mbit/s).

The model: all connections share the line, and take turns on it in pieces of 16 kB. A connection
costs a round trip before its first request is read, and each request one before its answer begins.
The kernel's buffer for what is not yet read is as small as it can be here; at the reader's end it
is as the reader has it. There is no slow start and no loss. Ranges, ETag and If-Range are answered.

`python -m bench.rigs.link FOLDER` serves in a process of its own, and prints the port.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from local.processes.children import Child, when_parent_ends

BYTES_PER_SECOND = 12.5e6
ROUND_TRIP = 0.030
PIECE_BYTES = 16 * 1024
CATCH_UP = 0.002
"""Seconds that a late piece makes up for: a sleep ends a little late, a line does not."""
COUNTS = "/counts"
"""Where to report what was sent, outside the simulated line."""


class Counts(NamedTuple):
    """What went over the line: bytes of bodies, and requests."""

    sent_bytes: int
    requests: int


class Link:
    """The far end of the line, in a process of its own, while the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._child = Child("bench.rigs.link", [str(folder)], dict(os.environ))
        self.port = int(self._child.ready())

    def url(self, name: str) -> str:
        """The address of a file of the folder."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def counts(self) -> Counts:
        """Of all that was sent so far."""
        with urllib.request.urlopen(self.url(COUNTS[1:])) as answer:  # noqa: S310 -- our own
            return Counts(*json.load(answer))

    def download(self, name: str, path: Path) -> None:
        """Fetch a file whole."""
        with urllib.request.urlopen(self.url(name)) as answer, path.open("wb") as file:  # noqa: S310
            while data := answer.read(256 * 1024):
                file.write(data)

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()


class _Line:
    """What all connections share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free = 0.0
        self.sent_bytes = self.requests = 0

    def take(self, count: int) -> None:
        """Wait until so many bytes have passed."""
        with self._lock:
            now = time.monotonic()
            self._free = through = max(self._free, now - CATCH_UP) + count / BYTES_PER_SECOND
        time.sleep(max(0.0, through - now))

    def count(self, *, sent_bytes: int = 0, requests: int = 0) -> None:
        """Note what went over."""
        with self._lock:
            self.sent_bytes += sent_bytes
            self.requests += requests


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    folder: Path
    line: _Line

    def setup(self) -> None:
        """The handshake takes one round trip."""
        super().setup()
        self._fresh = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE_BYTES)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """A file, or what is asked for of it."""
        if self.path == COUNTS:
            self._head(200, len(body := json.dumps([self.line.sent_bytes, self.line.requests])))
            self.wfile.write(body.encode())
            return
        time.sleep(ROUND_TRIP * (2 if self._fresh else 1))
        self._fresh = False
        self.line.count(requests=1)
        with suppress(OSError), (self.folder / Path(self.path).name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            tag = f'"{size}"'
            span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if span is None or self.headers.get("If-Range", tag) != tag:
                start, end = 0, size
                self._head(200, size, ETag=tag)
            else:
                start, end = int(span[1]), min(size, int(span[2] or size) + 1)
                stated = f"bytes {start}-{end - 1}/{size}"
                self._head(206, end - start, ETag=tag, Content_Range=stated)
            file.seek(start)
            while data := file.read(min(PIECE_BYTES, end - file.tell())):
                self.line.take(len(data))
                self.connection.sendall(data)
                self.line.count(sent_bytes=len(data))
            return
        self.close_connection = True

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response_only(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main(folder: str) -> None:
    """Serve until the parent stops us."""
    _Handler.folder, _Handler.line = Path(folder), _Line()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    when_parent_ends(server.shutdown)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main(sys.argv[1])
