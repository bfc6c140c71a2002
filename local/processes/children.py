"""Child processes that never outlive their parent, however the parent ends.

A child's standard input is a pipe that only its parent holds: when the parent stops it, or dies,
the pipe ends and the child goes. One that takes too long to stop is killed, by its parent or by
itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
STOP_SECONDS = 8


class Child:
    """A Python module run as a child process; it prints one line when it is ready."""

    def __init__(
        self,
        module: str,
        arguments: list[str],
        environment: dict[str, str],
        descriptors: Sequence[int] = (),
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops its children
            text=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ready(self) -> str:
        """Wait for the child's first line, and give it. Raises RuntimeError when it died."""
        assert self._process.stdout is not None  # noqa: S101 -- it was asked for above
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"a part of the stack did not start: exit {self._process.wait()}")
        return line

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ending(self) -> str:
        """How a process that is not alive has ended."""
        code = self._process.poll() or 0
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    def ask_to_stop(self) -> None:
        """Ask it to stop, without waiting."""
        if self._process.stdin:
            self._process.stdin.close()

    def stop(self) -> None:
        """Ask it to stop, and make it after a while."""
        self.ask_to_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def when_parent_ends(action: Callable[[], None]) -> None:
    """In a child: call `action` once the parent stops us or is gone, then end in bounded time."""

    def watch() -> None:
        sys.stdin.read()
        action()
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
