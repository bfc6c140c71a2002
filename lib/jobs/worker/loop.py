"""Workers: take jobs off the queue until there are none, or until little time is left."""

from __future__ import annotations

import threading
import time

from lib.jobs import queue, transitions
from lib.jobs.lease import Lease, Leftover
from lib.jobs.worker.cleanup import clean_leftover
from lib.jobs.worker.process import log_failure, process
from lib.media import scratch
from lib.media.deadline import NEVER, Deadline
from lib.media.run import ffmpeg, sandbox
from lib.media.slots import Slot, Slots
from lib.platform import startup, wake
from lib.platform.once import once
from lib.platform.settings import settings
from lib.telemetry import heartbeat

LEAST_SECONDS = 60
"""A job is not started with less than this left before the platform's deadline."""
JOBS_WAITING = 12
"""Jobs of a process that may wait for their sources, besides those that have a slot."""
ACCOUNT_JOBS_WAITING = 3
"""With so many jobs of an account waiting, a process starts no further job of that account."""
STALE_SECONDS = 600
"""How often a worker looks for temporary folders of processes that were killed."""

_look_again = threading.Event()
"""Set when somebody wants the queue to be looked at."""


def drain(seconds: float | None = None, stop: threading.Event | None = None) -> int:
    """Run jobs until the queue is empty; the number of jobs taken.

    At most `settings().worker_slots` jobs run in one process at once, and some more that wait for
    their sources: a call beyond these returns at once, and whoever holds a slot looks at the queue
    again before leaving it. `seconds` is the time until the platform stops this process; `stop`
    ends the work early and gives the job back.
    """
    deadline = NEVER if seconds is None else Deadline(seconds)
    crew = _Crew(stop or threading.Event(), deadline)
    _look_again.set()
    crew.work()
    crew.join()
    heartbeat.note()
    if deadline.left() <= LEAST_SECONDS and queue.pending():
        wake.worker()
    return crew.jobs_run


def busy() -> bool:
    """Whether this process runs a job, whose thread will look for further work when it ends."""
    return _slots().busy()


def serve(stop: threading.Event, poll_seconds: float) -> None:
    """Work as a plain process until `stop` is set, looking at the queue every `poll_seconds`."""
    startup.warn()
    crew = _Crew(stop, NEVER)
    cleaned = float("-inf")
    while not stop.is_set():
        if time.monotonic() - cleaned > STALE_SECONDS:
            scratch.remove_stale()
            cleaned = time.monotonic()
        for _ in range(_slots().free):
            crew.start()
        heartbeat.note()
        stop.wait(poll_seconds)
    crew.join()
    heartbeat.ended()


class _Crew:
    """Threads that run jobs: one for each slot, and another one when a slot is lent."""

    def __init__(self, stop: threading.Event, deadline: Deadline) -> None:
        self.jobs_run = 0
        self._stop = stop
        self._deadline = deadline
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Work in another thread as well."""
        thread = threading.Thread(target=self.work, name="worker", daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            thread.start()
            self._threads.append(thread)

    def join(self) -> None:
        """Wait until all threads have ended."""
        while True:
            with self._lock:
                running = [each for each in self._threads if each.is_alive()]
            if not running:
                return
            running[0].join()

    def work(self) -> None:
        """Run jobs while there are any, a slot, and time."""
        while self._may_start() and (slot := _slots().take()):
            slot.on_lend = self.start
            try:
                _look_again.clear()
                worked = _work(self._stop, self._deadline, slot)
            finally:
                slot.release()
            with self._lock:
                self.jobs_run += worked
            if not worked and not _look_again.is_set():
                return

    def _may_start(self) -> bool:
        return not self._stop.is_set() and self._deadline.left() > LEAST_SECONDS


def _work(stop: threading.Event, deadline: Deadline, slot: Slot) -> bool:
    """Take one job and bring it to its end, good or bad; False when there was none to take."""
    claimed: Lease | Leftover | None = None
    try:
        claimed = transitions.claim(
            settings().lease_seconds, _slots().lending(ACCOUNT_JOBS_WAITING)
        )
        match claimed:
            case Leftover():
                clean_leftover(claimed)
            case Lease():
                _report()
                with heartbeat.leased():
                    process(claimed, stop, deadline, slot)
    except Exception as error:  # whatever it was, the lease runs out and the job is tried again
        log_failure(error, claimed)
    return claimed is not None


@once
def _report() -> bool:
    """Tell once what this process runs jobs with."""
    queue.report(ffmpeg.build(), sandbox.features())
    return True


@once
def _slots() -> Slots:
    count = settings().worker_slots
    slots = Slots(count, JOBS_WAITING)
    heartbeat.measure_slots(lambda: count - slots.free)
    return slots
