"""Shares of the machine for running ffmpeg, lent to others while a job waits for its source.

A process runs as many jobs as it has slots. A job that waits for bytes lends its slot, so that
another job may start, and takes it back, in turn, when the bytes have come.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from lib.media.deadline import NEVER, Deadline

LEND_SECONDS = 0.3
"""How long a job waits for its source before it lends its slot."""
POLL_SECONDS = 0.25


def _never() -> bool:
    """A check that never says stop."""
    return False


class Slots:
    """The slots of a process: `count` of them, and at most `lent` more jobs that wait."""

    def __init__(self, count: int, lent: int) -> None:
        self._most_jobs = count + lent
        self._jobs = 0
        self.free = count
        self.changed = threading.Condition()
        """Guards everything here and in the slots."""
        self.queue: deque[object] = deque()
        """Those who wait for a slot they lent, the first one at the left."""
        self.lent: Counter[Hashable] = Counter()
        """How many jobs of an owner have lent their slot."""

    def take(self) -> Slot | None:
        """A slot for another job; None when there is none to spare."""
        with self.changed:
            if not self.free or self.queue or self._jobs >= self._most_jobs:
                return None
            self.free -= 1
            self._jobs += 1
            return Slot(self)

    def busy(self) -> bool:
        """Whether any job runs in this process, or waits."""
        return self._jobs > 0

    def lending(self, most: int) -> list[Hashable]:
        """The owners of `most` jobs or more that have lent their slot."""
        with self.changed:
            return [owner for owner, number in self.lent.items() if number >= most]

    def give_up(self) -> None:
        """Count one job less. The lock is held."""
        self._jobs -= 1


class Slot:
    """One job's slot: held from the start, lent and reclaimed, given up by `release`.

    The attributes are set once the job is known.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._occupied = True
        self._released = False
        self._lent_for: Hashable = None
        self.owner: Hashable = None
        """Whose job it is."""
        self.deadline: Deadline = NEVER
        """Paused while the job waits for its slot."""
        self.stopped: Callable[[], bool] = _never
        """Whether the job is not wanted any more; must return at once."""
        self.on_lend: Callable[[], None] = lambda: None
        """Called when another job may start."""

    @contextmanager
    def waiting(self, *, back: bool = True) -> Iterator[None]:
        """Lend the slot if the context takes longer than LEND_SECONDS.

        Afterwards wait until there is a slot again, unless it is not wanted `back`.
        """
        timer = threading.Timer(LEND_SECONDS, self.lend)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
        if back:
            self.regain()

    def lend(self) -> None:
        """Let another job have the slot."""
        with self._slots.changed:
            if not self._occupied or self._released:
                return
            self._occupied = False
            self._slots.free += 1
            self._lent_for = self.owner
            self._slots.lent[self.owner] += 1
            self._slots.changed.notify_all()
        self.on_lend()

    def regain(self, stopped: Callable[[], bool] = _never) -> None:
        """Wait for a free slot if this one is lent; return without it once `stopped`."""
        changed, queue = self._slots.changed, self._slots.queue
        with changed:
            if self._occupied or self._released:
                return
            self._not_lent()
            place = object()
            queue.append(place)
        try:
            with self.deadline.paused(), changed:
                while not (self._occupied or self._released or stopped() or self.stopped()):
                    if self._slots.free and queue[0] is place:
                        self._slots.free -= 1
                        self._occupied = True
                    else:
                        changed.wait(POLL_SECONDS)
        finally:
            with changed:
                queue.remove(place)
                changed.notify_all()

    def release(self) -> None:
        """Give the slot up for good."""
        with self._slots.changed:
            if self._released:
                return
            self._released = True
            self._slots.free += self._occupied
            self._occupied = False
            self._not_lent()
            self._slots.give_up()
            self._slots.changed.notify_all()

    def _not_lent(self) -> None:
        if self._lent_for is not None:
            self._slots.lent[self._lent_for] -= 1
            if not self._slots.lent[self._lent_for]:
                del self._slots.lent[self._lent_for]
            self._lent_for = None
