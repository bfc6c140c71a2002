"""Workers: take jobs off the queue until there are none, or until little time is left."""

from __future__ import annotations

import threading

from lib.jobs import heartbeat, queue
from lib.jobs.process import Deadline, clean_leftover, process, remove_stale_folders
from lib.media import cage, ffmpeg
from lib.platform import log, wake
from lib.platform.once import once
from lib.platform.settings import settings

LEAST_SECONDS = 60
"""A job is not begun with less than this left before the platform's deadline."""

_wanted = threading.Event()


def drain(seconds: float | None = None, stop: threading.Event | None = None) -> int:
    """Run jobs until the queue is empty; the number of jobs taken.

    At most `settings().worker_slots` jobs run in one process: a call beyond these returns at once,
    and whoever holds a slot looks at the queue once more before leaving it. `seconds` is the time
    until the platform stops this process; `stop` ends the work early and gives the job back.
    """
    stop = stop or threading.Event()
    deadline = Deadline(seconds)
    taken = 0
    _wanted.set()
    while _wanted.is_set() and not stop.is_set() and _slots().acquire(blocking=False):
        try:
            _wanted.clear()
            while not stop.is_set() and deadline.left() > LEAST_SECONDS and _work(stop, deadline):
                taken += 1
        finally:
            _slots().release()
        heartbeat.note()
        if deadline.left() <= LEAST_SECONDS:
            if queue.pending():
                wake.worker()
            break
    return taken


def serve(stop: threading.Event, poll_seconds: float) -> None:
    """Work as a plain process until `stop` is set, looking at the queue every `poll_seconds`."""
    remove_stale_folders()
    threads = [
        threading.Thread(target=_serve_one, args=(stop, poll_seconds), name=f"worker-{number}")
        for number in range(settings().worker_slots)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heartbeat.ended()


def _serve_one(stop: threading.Event, poll_seconds: float) -> None:
    while not stop.is_set():
        drain(stop=stop)
        stop.wait(poll_seconds)


def _work(stop: threading.Event, deadline: Deadline) -> bool:
    """Take one job and bring it to its end; False when there was none or something failed."""
    try:
        claimed = queue.claim(settings().lease_seconds)
        match claimed:
            case None:
                return False
            case queue.Leftover():
                clean_leftover(claimed)
            case queue.Lease():
                _report()
                with heartbeat.leased():
                    process(claimed, stop, deadline)
        return True
    except Exception as error:  # whatever it was, the lease runs out and the job is tried again
        log.error("worker failed", error)
        return False


@once
def _report() -> bool:
    """Tell once what this process runs jobs with."""
    queue.report(ffmpeg.build(), cage.features())
    return True


@once
def _slots() -> threading.Semaphore:
    return threading.Semaphore(settings().worker_slots)
