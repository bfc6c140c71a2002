"""The time that is left for a piece of work, shared by all of its steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Deadline:
    """Ends `seconds` from now (None: never), and not after `outer`, the deadline around it.

    The clock of `seconds` can be paused, for waiting that is not the work's fault; `outer` is not
    paused with it.
    """

    def __init__(self, seconds: float | None, outer: Deadline | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._outer = outer
        self._lock = threading.Lock()
        self._pauses = 0
        self._paused_at = 0.0
        self.seconds = self.left()
        """The time there was at the start."""
        own = float("inf") if seconds is None else seconds
        self.cut_short = self.seconds < own - 0.01
        """Whether `outer` ends before `seconds` have passed."""

    def left(self) -> float:
        """Seconds left; infinite without a deadline, 0 or less once it has passed."""
        outer = float("inf") if self._outer is None else self._outer.left()
        if self._end is None:
            return outer
        with self._lock:
            now = self._paused_at if self._pauses else time.monotonic()
            return min(outer, self._end - now)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.left() <= 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock of `seconds`. Several threads may pause it at once."""
        with self._lock:
            if not self._pauses:
                self._paused_at = time.monotonic()
            self._pauses += 1
        try:
            yield
        finally:
            with self._lock:
                self._pauses -= 1
                if not self._pauses and self._end is not None:
                    self._end += time.monotonic() - self._paused_at


NEVER = Deadline(None)
"""No deadline."""
