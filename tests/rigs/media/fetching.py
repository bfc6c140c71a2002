"""Fetches of URL inputs, and servers that answer with given bytes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.media.errors import MediaError
from lib.media.fetch.connection import SLOWEST, Pace
from lib.media.fetch.ranges import never
from lib.media.fetch.retries import Patience
from lib.media.fetch.source import Fetched, open_url

BRISK = Patience(failures=3, pause=0.01)


def fetch(
    url: str,
    destination: Path,
    *,
    max_bytes: int,
    seconds: float,
    allow: tuple[str, ...] = (),
    canceled: Callable[[], bool] = never,
    pace: Pace = SLOWEST,
) -> Fetched:
    """Fetch the whole of a file."""
    with open_url(
        url, max_bytes=max_bytes, seconds=seconds, allow=allow, canceled=canceled, pace=pace,
        patience=BRISK,
    ) as remote:  # fmt: skip
        return remote.save(destination)


def get(
    url: str,
    folder: Path,
    *,
    max_bytes: int = 10**6,
    seconds: float = 10,
    allow: tuple[str, ...] = (),
) -> Fetched:
    """Fetch into a folder."""
    return fetch(url, folder / "input0", max_bytes=max_bytes, seconds=seconds, allow=allow)


def refused(url: str, folder: Path, **limits: object) -> MediaError:
    """The error of a fetch that must fail."""
    with pytest.raises(MediaError) as error:
        get(url, folder, **limits)  # type: ignore[arg-type]
    assert "token=" not in str(error.value)
    assert "127.0.0.1" not in str(error.value)
    return error.value


@contextmanager
def answering(*parts: bytes, pause: float = 0) -> Iterator[int]:
    """A port that answers each connection with these bytes, whatever is asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop_event = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        stop_event.wait(pause)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop_event.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def resetting() -> Iterator[int]:
    """A port that resets each connection once a request came."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
