"""Counts that a process keeps in memory until the database takes them.

They survive a database outage: whoever next writes to the database successfully writes them too
(lib/telemetry/counters.py). They are lost with their process, but the log has a line for each.
Labels are words of our own, never what a caller sent.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

MAX_KEYS = 1_000
"""Different names and labels that one process counts apart; further ones count without labels."""

_lock = threading.Lock()
_counts: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}


class Count(NamedTuple):
    """One count, as app.add_counts takes it."""

    name: str
    labels: dict[str, str]
    value: float


def add(name: str, value: float = 1, **labels: str) -> None:
    """Add to a count."""
    key = (name, tuple(sorted(labels.items())))
    with _lock:
        if key not in _counts and len(_counts) >= MAX_KEYS:
            key = (name, ())
        _counts[key] = _counts.get(key, 0) + value


def pending() -> bool:
    """Whether there is anything to write."""
    return bool(_counts)


def snapshot() -> list[Count]:
    """The counts that are not written yet."""
    with _lock:
        return [Count(name, dict(labels), value) for (name, labels), value in _counts.items()]


def take() -> list[Count]:
    """Remove and return the counts that are not written yet: the caller writes or restores them."""
    with _lock:
        counts = [Count(name, dict(labels), value) for (name, labels), value in _counts.items()]
        _counts.clear()
    return counts


def restore(counts: list[Count]) -> None:
    """Put back counts that could not be written."""
    for count in counts:
        add(count.name, count.value, **count.labels)
