"""A way to Postgres that a test can close, as an outage of the database, and open again."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

from local.stack import Stack


class Gate:
    """Passes TCP connections on to the stack's Postgres while it is open."""

    def __init__(self, stack: Stack) -> None:
        self._stack_url = urlsplit(stack.settings["POSTGRES_URL"])
        folder = parse_qs(self._stack_url.query)["host"][0]
        self._upstream = next(str(path) for path in Path(folder).glob(".s.PGSQL.*[0-9]"))
        self._listener: socket.socket | None = None
        self._port = 0
        self._sockets: list[socket.socket] = []
        self.open()

    @property
    def url(self) -> str:
        """POSTGRES_URL through the gate."""
        place = f"{self._stack_url.username}@127.0.0.1:{self._port}"
        return urlunsplit(self._stack_url._replace(netloc=place, query="sslmode=disable"))

    def open(self) -> None:
        """Let connections through."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Cut all connections and refuse further ones."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            self._sockets += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
