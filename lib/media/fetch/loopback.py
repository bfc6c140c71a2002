"""A server for ffmpeg alone: one file, on this machine's own address, behind a secret path.

ffmpeg reads a remote source here, in the ranges it likes, and needs no other network. What it does
not ask for is not fetched.
"""

from __future__ import annotations

import hmac
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from lib.media.fetch.ranges import RangeFile

MAX_CONNECTIONS = 8
PLACE_SECONDS = 5.0
"""How long a further connection waits: one that ffmpeg has just closed may not have ended here."""
PIECE_BYTES = 64 * 1024
SEND_BUFFER_BYTES = 128 * 1024
"""Small: what waits in it for ffmpeg has been fetched, and may not be wanted."""


@contextmanager
def serve(file: RangeFile) -> Iterator[str]:
    """The http address under which ffmpeg reads the file, while the context lasts.

    When the file can't be read the connection is cut, which ffmpeg may take for the end of it: ask
    `file.error` before ffmpeg's outcome is believed. The file is left open.
    """
    server = _Server(file)
    try:
        yield server.url
    finally:
        server.close()


class _Server:
    """Accepts connections, and keeps what is to be ended."""

    def __init__(self, file: RangeFile) -> None:
        self.file = file
        self.path = f"/{secrets.token_urlsafe(24)}"
        self.stopping = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._address = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self._address[1]}{self.path}"
        self._open: dict[socket.socket, threading.Thread] = {}
        self._changed = threading.Condition()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """End all connections; every thread has ended when it returns."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()
        with suppress(OSError), socket.create_connection(self._address):
            pass  # wakes the acceptor, on every system
        self._acceptor.join()
        self._listener.close()
        with self._changed:
            threads = list(self._open.values())
            for connection in self._open:
                with suppress(OSError):  # ffmpeg ended it already
                    connection.shutdown(socket.SHUT_RDWR)
        self.file.wake()
        for thread in threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, address = self._listener.accept()
            with self._changed:
                self._changed.wait_for(self._may_go_on, PLACE_SECONDS)
                if self.stopping or len(self._open) >= MAX_CONNECTIONS:
                    connection.close()
                else:
                    thread = threading.Thread(
                        target=self._answer, args=(connection, address), daemon=True
                    )
                    self._open[connection] = thread
                    thread.start()
            if self.stopping:
                return

    def _may_go_on(self) -> bool:
        return self.stopping or len(self._open) < MAX_CONNECTIONS

    def _answer(self, connection: socket.socket, address: Any) -> None:
        try:
            with suppress(OSError):  # ffmpeg has closed it
                _Handler(connection, address, self)  # type: ignore[arg-type]
        finally:
            with self._changed:
                del self._open[connection]
                connection.close()
                self._changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: _Server  # type: ignore[assignment]

    def do_GET(self) -> None:
        """The file, or the part of it that is asked for."""
        span = self._begin()
        if span is not None:
            self._send(*span)

    def do_HEAD(self) -> None:
        """As GET, the head only."""
        self._begin()

    def _begin(self) -> tuple[int, int] | None:
        """Send the head; the span [start, end) of bytes that are to follow."""
        if not hmac.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(404)
            return None
        size = self.server.file.size
        header = self.headers.get("Range", "")
        match = re.fullmatch(r"bytes=([0-9]{1,18})-([0-9]{0,18})", header)
        start = int(match[1]) if match else 0
        end = min(size, int(match[2]) + 1 if match and match[2] else size)
        if match and start >= end:
            self._head(416, 0, f"bytes */{size}")
            return None
        self._head(206 if match else 200, end - start, f"bytes {start}-{end - 1}/{size}")
        return start, end

    def _head(self, status: int, length: int, content_range: str) -> None:
        self.send_response_only(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        if status != 200:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def _send(self, start: int, end: int) -> None:
        """Raises OSError when the connection has ended."""
        while start < end:
            try:
                data = self.server.file.read(
                    start, min(PIECE_BYTES, end - start), stopped=self._is_over
                )
            except Exception:  # `file.error` has it
                self.close_connection = True
                return
            self.connection.sendall(data)
            start += len(data)

    def _is_over(self) -> bool:
        """Whether nobody waits for more."""
        if self.server.stopping:
            return True
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Whatever is wrong with a request: there is nothing here."""
        self.close_connection = True
        self.send_response_only(404)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the path is a secret."""
