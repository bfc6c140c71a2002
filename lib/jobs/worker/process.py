"""Brings a leased job to its end, or leaves it to be tried again."""

from __future__ import annotations

import errno
import threading
from typing import Any

from lib.files.stores import storage
from lib.jobs import transitions
from lib.jobs.api_models import Category
from lib.jobs.lease import Lease, Leftover
from lib.jobs.worker.attempt import Attempt
from lib.jobs.worker.cleanup import clean
from lib.jobs.worker.deadline import Clock, attempt_deadline, more_time
from lib.jobs.worker.folder import working_folder
from lib.jobs.worker.phases import Phases, log_end
from lib.jobs.worker.pulse import Pulse
from lib.media.deadline import Deadline
from lib.media.errors import Canceled, MediaError, NoSpace, OutOfTime, Refused, is_full
from lib.media.slots import Slot
from lib.platform import log
from lib.platform.settings import settings


def process(lease: Lease, stop: threading.Event, life: Deadline, slot: Slot) -> None:
    """Bring the job to its end, or leave it to be tried again.

    `life` is the time until the platform stops the process. `slot` is lent while the job waits for
    its sources. Raises nothing but what the database fails with when nothing can be written.
    """
    started = Phases()
    deadline = attempt_deadline(lease, life)
    try:
        if lease.attempt > settings().max_attempts:
            _give_up(lease, started)
        else:
            _run(lease, stop, deadline, slot, started)
    except MediaError as error:
        _end_badly(lease, started, error, deadline)
    except Refused as refused:  # accepted under earlier rules
        _end_badly(lease, started, MediaError("validation", str(refused), "refused"), deadline)
    except Exception as error:  # whatever it is, the job ends after a few attempts
        failure = _failure(error)
        if not isinstance(failure, NoSpace):
            log_failure(error, lease)
        _end_badly(lease, started, failure, deadline, retry=True)


def _run(
    lease: Lease, stop: threading.Event, deadline: Deadline, slot: Slot, started: Phases
) -> None:
    """One attempt. Raises MediaError, StorageError, PostgresError, OSError."""
    with working_folder() as folder, Pulse(lease, stop) as pulse:
        clock = Clock(pulse, deadline)
        attempt = Attempt(lease, clock, slot, folder, started)
        try:
            attempt.execute()
        except Canceled:
            if not pulse.stopped():
                raise attempt.out_of_time() from None
            if not pulse.lost.is_set():
                transitions.postpone(lease, 0)
        except OutOfTime:
            if deadline.passed:
                raise attempt.out_of_time() from None
            raise


def _failure(error: Exception) -> MediaError:
    """The error that a caller sees for an internal failure."""
    if is_full(error):
        failure: MediaError = NoSpace()
    elif isinstance(error, storage.StorageError):
        failure = MediaError(
            "storage",
            "The file store failed several times. Nothing was charged: send the job again.",
            "storage",
        )
    else:
        failure = MediaError("unknown", transitions.BROKEN, "internal")
    failure.__cause__ = error
    return failure


def _end_badly(
    lease: Lease, started: Phases, error: MediaError, deadline: Deadline, *, retry: bool = False
) -> None:
    """Give the job back where another attempt may do better, else end it as failed."""
    if isinstance(error, NoSpace):
        log_failure(error, lease)
    if lease.attempt < settings().max_attempts:
        if retry or error.category == "transient" or isinstance(error, NoSpace):
            transitions.postpone(lease, 2**lease.attempt)
            return
        timed_out = isinstance(error, OutOfTime) or error.category == "upload"
        if timed_out and deadline.left() < 1 and more_time(lease, deadline):
            transitions.postpone(lease, 0)
            return
    _fail(lease, started, error.category, str(error), error.reason)


def _give_up(lease: Lease, started: Phases) -> None:
    """End a job whose workers died too often."""
    _fail(
        lease,
        started,
        "transient",
        f"The job was interrupted {settings().max_attempts} times and was given up. Nothing"
        " was charged: send it again.",
        "interrupted",
    )
    try:
        clean(lease)
    except storage.StorageError as error:  # the sweep deletes what no job owns
        log.warning("outputs not removed", error, job_id=lease.job_id)


def log_failure(error: BaseException, lease: Lease | Leftover | None) -> None:
    """The line for what went wrong on our side, with the job it went wrong for."""
    each: BaseException | None = error
    while each is not None and not isinstance(each, OSError):
        each = each.__cause__ or each.__context__
    fields: dict[str, Any] = {} if each is None else {"errno": each.errno}
    if each is None and isinstance(error, NoSpace):  # ffmpeg met it, not we
        fields = {"errno": errno.ENOSPC}
    if lease is not None:
        fields |= {"job_id": lease.job_id, "account_id": lease.account_id}
    if isinstance(lease, Lease):
        fields["attempt"] = lease.attempt
    log.error("worker failed", error, **fields)


def _fail(
    lease: Lease, started: Phases, category: Category, message: str, reason: str = ""
) -> None:
    try:
        ended = transitions.fail(lease, category, message, reason)
    except Exception as error:  # what the failure says can't be stored: the job ends without it
        log_failure(error, lease)
        ended = transitions.abandon(lease)
    if ended:
        figures = {"category": category} | ({"reason": reason} if reason else {})
        log_end(lease, started, "failed", ended, **figures)
