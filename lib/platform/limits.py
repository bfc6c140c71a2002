"""How long a call to the database or Storage may take: short while a caller waits, else long.

Each application sets its limits at the start of a request. All other code (workers, tasks,
commands) has the long ones.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds."""

    connect: float
    """To get a database connection, counted from the start of the call."""
    database: float
    """The whole call, counted from its start."""
    storage: float
    """One answer of Storage; a failed request is sent a second time."""


CALLER = Limits(connect=3.5, database=4.0, storage=3.0)
"""Somebody waits: the database answers or fails within 5 s, Storage within 8 s."""
BACKGROUND = Limits(connect=15.0, database=120.0, storage=30.0)
"""120 s is also the limit that hosted Supabase sets for a statement."""

_current: ContextVar[Limits] = ContextVar("limits", default=BACKGROUND)


def current() -> Limits:
    """The limits of what runs now."""
    return _current.get()


def use(limits: Limits) -> None:
    """Set the limits for what this thread does from now on."""
    _current.set(limits)
