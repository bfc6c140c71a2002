"""Waiting for a condition: tests never depend on how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

PATIENCE_SECONDS = 60.0
"""How long a busy machine may take for what a quiet one does at once."""
POLL_SECONDS = 0.05


def eventually(
    condition: Callable[[], Value], *, seconds: float = PATIENCE_SECONDS, hold: float = 0.0
) -> Value:
    """The first true value of `condition`, asked again and again.

    With `hold`, it must stay true for so many seconds, for what might still arrive late. Raises
    AssertionError with the last value after `seconds`.
    """
    end = time.monotonic() + seconds
    since: float | None = None
    while True:
        value = condition()
        now = time.monotonic()
        since = (since or now) if value else None
        if since is not None and now - since >= hold:
            return value
        assert now < end, f"not true within {seconds} s, last value: {value!r}"
        time.sleep(POLL_SECONDS)
