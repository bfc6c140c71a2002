"""Heartbeats of workers: one row for each process or function instance, for a person on call.

A worker calls `note` as often as it likes while it works or polls, and holds `leased` around each
job; the row is written every EVERY_SECONDS at most.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from lib.platform import log, postgres
from lib.platform.once import once
from lib.platform.settings import settings
from lib.telemetry import counters

EVERY_SECONDS = 10.0
KEPT_HOURS = 1
"""How long the row of a process that fell silent is kept."""
WAIT_SECONDS = 2.0
"""How long a heartbeat waits for a connection; it must not hold up the work."""


class _Process:
    """This process's heartbeat."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.started_at = datetime.now(UTC)
        self.lock = threading.Lock()
        self.leases = 0
        self.busy: Callable[[], int] | None = None
        self._written_at: float | None = None
        self._written_leases = 0

    def due(self) -> bool:
        """Whether to write now: after EVERY_SECONDS, or once the last job has ended."""
        now = time.monotonic()
        with self.lock:
            idle = self._written_leases > 0 and self.leases == 0
            recent = self._written_at is not None and now < self._written_at + EVERY_SECONDS
            if recent and not idle:
                return False
            self._written_at, self._written_leases = now, self.leases
            return True


def measure_slots(busy: Callable[[], int]) -> None:
    """Let heartbeats report `busy()` slots; by default each job with a lease uses a slot."""
    _process().busy = busy


def note() -> None:
    """Write a heartbeat if one is due. Never raises for the database or the disk."""
    process = _process()
    if not process.due():
        return
    slots = settings().worker_slots
    try:
        _write(process, process.busy() if process.busy else min(process.leases, slots), slots)
    except (postgres.PostgresError, OSError) as error:
        log.warning("heartbeat not written", error)


@contextmanager
def leased() -> Iterator[None]:
    """Around the work on a job whose lease this process holds."""
    process = _process()
    with process.lock:
        process.leases += 1
    try:
        note()
        yield
    finally:
        with process.lock:
            process.leases -= 1


def ended() -> None:
    """Delete the row of a process that stops normally. Never raises for the database."""
    try:
        counters.save(wait=WAIT_SECONDS)
        postgres.rows(
            "delete from app.worker_heartbeats where id = %(id)s",
            {"id": _process().id},
            wait=WAIT_SECONDS,
        )
    except postgres.PostgresError as error:
        log.warning("heartbeat not deleted", error)


def _write(process: _Process, busy: int, slots: int) -> None:
    values: dict[str, Any] = {
        "id": process.id,
        "started": process.started_at,
        "version": settings().version,
        "slots": slots,
        "busy": busy,
        "leases": process.leases,
        "free": shutil.disk_usage(tempfile.gettempdir()).free,
        "hours": KEPT_HOURS,
    }
    with counters.unsaved() as counts:
        more = ", app.add_counts(%(counts)s)" if counts else ""
        postgres.rows(_WRITE + more, values | {"counts": counts}, wait=WAIT_SECONDS)


_WRITE = """
    with forgotten as (
      delete from app.worker_heartbeats
       where id in (select id from app.worker_heartbeats
                     where seen_at < now() - make_interval(hours => %(hours)s) and id <> %(id)s
                     for update skip locked)
    ),
    written as (
      insert into app.worker_heartbeats
        (id, started_at, version, slots, busy_slots, leases, free_disk_bytes)
      values (%(id)s, %(started)s, %(version)s, %(slots)s, %(busy)s, %(leases)s, %(free)s)
      on conflict (id) do update
         set seen_at = now(), slots = excluded.slots, busy_slots = excluded.busy_slots,
             leases = excluded.leases, free_disk_bytes = excluded.free_disk_bytes
    )
    select set_config('synchronous_commit', 'off', true)
"""


@once
def _process() -> _Process:
    return _Process()
