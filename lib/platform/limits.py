"""How long a call to the database or Storage may take: short while a caller waits, else long.

Each application sets its limits at the start of a request. All other code (workers, tasks,
commands) has the long ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class WaitLimits:
    """Seconds."""

    connect: float
    """To get a database connection, counted from the start of the call."""
    database: float
    """The whole call, counted from its start."""
    storage: float
    """One answer of Storage; a failed request is sent a second time."""
    storage_connect: float
    """To get a connection to Storage."""
    storage_total: float | None
    """All waiting for Storage during one request to us; None for no limit."""


CALLER = WaitLimits(connect=3.5, database=4.0, storage=3.0, storage_connect=1.0, storage_total=7.0)
"""Somebody waits: the database answers or fails within 5 s, Storage within 8 s."""
BACKGROUND = WaitLimits(
    connect=15.0, database=120.0, storage=30.0, storage_connect=2.0, storage_total=None
)
"""120 s is also the limit that hosted Supabase sets for a statement."""


class Budget:
    """Seconds that may be spent on waiting for Storage, within those of `outer`."""

    def __init__(self, seconds: float, outer: Budget | None = None) -> None:
        self._seconds = seconds
        self._outer = outer
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """What is left; none, or less, when it is used up."""
        return min(self._seconds, self._outer.left) if self._outer else self._seconds

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Spends the time that the context takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._spend(time.monotonic() - began)

    def _spend(self, seconds: float) -> None:
        with self._lock:
            self._seconds -= seconds
        if self._outer:
            self._outer._spend(seconds)


_current: ContextVar[WaitLimits] = ContextVar("limits", default=BACKGROUND)
_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


def current() -> WaitLimits:
    """The limits of what runs now."""
    return _current.get()


def use(limits: WaitLimits) -> None:
    """Set the limits for what this thread does from now on, as a new request does."""
    _current.set(limits)
    _budget.set(Budget(limits.storage_total) if limits.storage_total else None)


def budget() -> Budget | None:
    """What may still be spent on waiting for Storage; None for no limit."""
    return _budget.get()


def allow_storage(seconds: float) -> None:
    """Let the current request wait so long for Storage in all, instead of its usual limit."""
    if _budget.get() is not None:
        _budget.set(Budget(seconds))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limits the waiting for Storage in the context."""
    token = _budget.set(Budget(seconds, _budget.get()))
    try:
        yield
    finally:
        _budget.reset(token)


State = tuple[WaitLimits, Budget | None]


def state() -> State:
    """What limits this thread, for another one that works for the same request."""
    return _current.get(), _budget.get()


def resume(state: State) -> None:
    """Limit this thread as that one."""
    _current.set(state[0])
    _budget.set(state[1])
