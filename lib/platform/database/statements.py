"""Statements of this process, for the metrics: errors, slow ones, and how many run now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib.platform import tally

if TYPE_CHECKING:
    import psycopg

SLOW_SECONDS = 1.0
"""A statement that took longer counts as slow; so does the wait for a connection."""

_POOL_TIMEOUTS = ("PoolTimeout", "TooManyRequests")
_TIMEOUTS = ("TimedOut", "QueryCanceled")

_lock = threading.Lock()
_running = 0


def running() -> int:
    """Statements of this process that run now, or wait for a connection."""
    return _running


@contextmanager
def watched() -> Iterator[None]:
    """Around one statement, with the wait for its connection."""
    global _running
    import psycopg

    began = time.monotonic()
    with _lock:
        _running += 1
    try:
        yield
    except psycopg.Error as error:
        count(error)
        raise
    finally:
        with _lock:
            _running -= 1
        if time.monotonic() - began >= SLOW_SECONDS:
            tally.add("database_slow")


def count(error: psycopg.Error) -> None:
    """Count an error of a connection or of the server; a statement's own faults are not counted."""
    if (kind := _kind(error)) is not None:
        tally.add("database_errors", kind=kind)


def _kind(error: psycopg.Error) -> str | None:
    name, code = type(error).__name__, error.sqlstate
    if name in _POOL_TIMEOUTS:
        return "pool_timeout"
    if name in _TIMEOUTS:
        return "timeout"
    if code is None:
        import psycopg

        away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return "connection" if away else None
    if code.startswith("08"):
        return "connection"
    if code.startswith("40"):
        return "deadlock"
    return "server" if code.startswith(("53", "57", "58", "XX")) else None
