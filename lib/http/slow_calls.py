"""Calls that may take seconds: bounded per account, and by how many threads they hold at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from lib.accounts import rates
from lib.accounts.callers import Caller
from lib.platform import log
from lib.platform.errors import Problem
from lib.platform.postgres import PostgresError

RETRY_SECONDS = 5


class SlowCallKind(NamedTuple):
    """A kind of slow call, counted by itself."""

    name: str
    at_once: int
    """Calls of one account."""
    seconds: int
    """How long one takes at most; after a crash, its place is free again then."""


LOOK = SlowCallKind("look", 2, 60)
"""validate and ffprobe."""
CONFIRM = SlowCallKind("confirm", 6, 60)


class _Threads:
    """The threads of this process that slow calls hold."""

    LIMIT = 16
    """Half of the threads that serve the API on one machine (local/processes/web.py)."""
    GUESTS = 8
    """Of visitors, all together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all = 0
        self._guests = 0

    @contextmanager
    def place(self, *, guest: bool) -> Iterator[None]:
        """One of them. Raises Problem 503 when none is left."""
        with self._lock:
            if self._all >= self.LIMIT or (guest and self._guests >= self.GUESTS):
                raise Problem(
                    "busy",
                    "We are looking into as many files as we can right now. Wait"
                    f" {RETRY_SECONDS} seconds and try again.",
                    headers={"Retry-After": str(RETRY_SECONDS)},
                )
            self._all += 1
            self._guests += guest
        try:
            yield
        finally:
            with self._lock:
                self._all -= 1
                self._guests -= guest


_threads = _Threads()


@contextmanager
def slow_call(caller: Caller, kind: SlowCallKind) -> Iterator[None]:
    """Hold one of the places for slow calls while the block runs.

    The account's places are rows in the database, so that they count across instances. Raises
    Problem 429 when the account has none left, 503 when this process has none.
    """
    with _threads.place(guest=caller.guest):
        call_id = rates.begin_slow_call(caller.account_id, kind.name, kind.at_once, kind.seconds)
        if call_id is None:
            raise Problem(
                "too_many_slow_calls",
                f"This account is already running {kind.at_once} calls of this kind. Wait for one"
                " to end, then try again.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        try:
            yield
        finally:
            _end(call_id)


def _end(call_id: UUID) -> None:
    try:
        rates.end_slow_call(call_id)
    except PostgresError as error:  # the row's own time ends the call
        log.error("slow call not ended", error)
