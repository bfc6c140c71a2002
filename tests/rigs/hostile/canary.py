"""What hostile input must never reach: files outside the job's folder, and our servers."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[3]
PASSWD = Path("/etc/passwd")
SYSTEM_MARKER = b"root:x:0:0"
"""What /etc/passwd begins with."""


class Canary:
    """A file with a marker that must never show, and listeners that nobody may ever call.

    The server answers HTTP with the marker, so that a follower also gives itself away in an output.
    `stray` begins the names of files that the cases try to have written.
    """

    def __init__(self, folder: Path) -> None:
        self.marker = f"CANARY{secrets.token_hex(12)}".encode()
        self.stray = f"stray{secrets.token_hex(6)}"
        self.folder = folder
        self.file = folder / "secret.txt"
        self.file.write_bytes(self.marker * 40)
        self.calls: list[str] = []
        self._passwd = _digest(PASSWD)
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._tcp.getsockname()[1])
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._listeners = [self._tcp]
        with contextlib.suppress(OSError):  # a machine may have no IPv6
            listener = socket.create_server(("::1", self.port), family=socket.AF_INET6)
            self._listeners.append(listener)

    @property
    def url(self) -> str:
        """The address of the server that nobody may call."""
        return f"http://127.0.0.1:{self.port}/secret.mp4"

    def assert_untouched(self) -> None:
        """Nothing called, nothing written, nothing changed."""
        assert self.calls == []
        assert self.file.read_bytes() == self.marker * 40
        assert [path.name for path in self.folder.iterdir()] == [self.file.name]
        assert _digest(PASSWD) == self._passwd
        for folder in (ROOT, Path(tempfile.gettempdir())):
            assert list(folder.glob(f"{self.stray}*")) == []

    def assert_hidden(self, data: bytes) -> None:
        """No secret stands in `data`."""
        assert self.marker not in data
        assert SYSTEM_MARKER not in data

    def __enter__(self) -> Canary:
        for listener in self._listeners:
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (*self._listeners, self._udp):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            each.close()

    def _serve(self, listener: socket.socket) -> None:
        body = self.marker
        answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            self.calls.append(f"tcp from {peer}")
            with connection:
                connection.settimeout(1)
                try:
                    connection.recv(4096)
                    connection.sendall(answer + body)
                except OSError:
                    continue

    def _receive(self) -> None:
        while True:
            try:
                data, peer = self._udp.recvfrom(4096)
            except OSError:
                return
            if not data:  # our own shutdown
                return
            self.calls.append(f"udp from {peer}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
