"""Restarts the processes of a stack when they end by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

from local.processes.children import Child

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that ran for so long counts as healthy again."""


class Supervisor:
    """Starts one process of the stack, and starts it again when it ends.

    `start` starts the process and returns its child, which prints a line when it is ready.
    """

    def __init__(self, name: str, start: Callable[[], Child]) -> None:
        self.name = name
        self._start = start
        self._child = start()
        self._started_at = time.monotonic()
        self._wait = 0.0
        self._next_at = 0.0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def ready(self) -> str:
        """Wait for the first line, and return it. Raises RuntimeError when the process died."""
        return self._child.ready()

    def ask_to_stop(self) -> None:
        """Ask it to stop, without waiting."""
        self._child.ask_to_stop()

    def stop(self) -> None:
        """Stop it for good."""
        self._child.stop()

    def restart_ended(self) -> str | None:
        """Start the process again if it has ended; a sentence about it, or None.

        The first restart is at once; each further one waits twice as long, up to half a minute.
        """
        if self._child.alive():
            return None
        now = time.monotonic()
        if now - self._started_at > STEADY_SECONDS:
            self._wait = 0.0
        if now < self._next_at:
            return None
        self._wait = min(LONGEST_WAIT_SECONDS, max(FIRST_WAIT_SECONDS, self._wait * 2))
        ended = self._child.ending()
        self._child.stop()
        self._child = self._start()
        self._started_at = time.monotonic()
        try:
            self._child.ready()
        except RuntimeError:
            self._next_at = time.monotonic() + self._wait
            return (
                f"{self.name} ended ({ended}) and did not start again; next try in {self._wait:g} s"
            )
        self._next_at = time.monotonic() + self._wait
        return f"{self.name} ended ({ended}) and was started again"
