"""Whether the service can do its work: the database answers, Storage and the login are there.

Clients read the shape of /health-check (docs/contract.md, section 1).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec

from lib.files import records, sweep
from lib.files.stores import storage
from lib.platform import postgres, startup
from lib.platform.supabase import tokens
from lib.telemetry import counters

_STARTED = time.monotonic()
DATABASE_SECONDS = 2.0
"""With what the count of calls waits, less than the function's maxDuration."""


class Supabase(msgspec.Struct, omit_defaults=True):
    """How Supabase answers; `error` only when it does not."""

    ok: bool
    """Whether it answers."""
    status: int | msgspec.UnsetType = msgspec.UNSET
    """The HTTP status of its answer."""
    statusText: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815 -- the wire's name
    """The status in words."""
    connected: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether the database can be reached."""
    error: str | msgspec.UnsetType = msgspec.UNSET
    """What is wrong; absent if nothing is."""


class Login(msgspec.Struct, omit_defaults=True):
    """Whether people's tokens can be verified; `error` says why not, and what to do."""

    ok: bool
    """Whether tokens can be checked."""
    error: str | msgspec.UnsetType = msgspec.UNSET
    """What is wrong; absent if nothing is."""


class Media(msgspec.Struct):
    """What the worker that began last runs jobs with."""

    ffmpeg: str
    """The version of ffmpeg."""
    cage: list[str]
    """What holds ffmpeg: limits, dies-with-worker, landlock-files, landlock-tcp."""
    seen_at: str
    """When a worker last reported it, ISO 8601."""


class Operator(msgspec.Struct):
    """What only the operator sees."""

    file_overdue_seconds: float | None
    """How long the oldest expired file has been there too long; null when none is."""
    workers: int
    """Worker processes and function instances with a heartbeat in the last minute."""
    worker_slots: int
    """Jobs that the running workers can take at once."""
    worker_busy_slots: int
    """Jobs that run now."""
    last_heartbeat_seconds: float | None
    """Age of the newest heartbeat; null when there was none in the last hour."""
    least_free_disk_bytes: int | None
    """Of the disks that live workers write to."""
    warnings: list[str]
    """Settings that will stop working, with what to do."""


class Health(msgspec.Struct, omit_defaults=True):
    """Whether the service works, and what does not."""

    ok: bool
    """Whether everything works."""
    timestamp: str
    """When this was checked, ISO 8601."""
    uptime: float
    """Seconds since this instance started."""
    supabase: Supabase
    """The database and Storage."""
    login: Login
    """The login."""
    media: Media | None
    """Null until a worker has run a job."""
    operator: Operator | msgspec.UnsetType = msgspec.UNSET
    """With CRON_SECRET as the bearer."""


class Queue(msgspec.Struct):
    """Jobs that are not at their end."""

    waiting: int
    """Up to 100,000."""
    oldest_waiting_seconds: float
    """0 when none waits."""
    running: int
    """Jobs that run now."""


class Status(msgspec.Struct):
    """What the status page tells everybody."""

    ok: bool
    """Whether jobs are being worked on."""
    timestamp: str
    """When this was read, ISO 8601."""
    queue: Queue | None
    """Null when the database does not answer; so are the others."""
    last_sweep_at: str | None
    """When expired files were last looked for."""
    media: Media | None
    """The ffmpeg that workers run; null if no worker has reported."""


def status() -> Status:
    """Ask the database, Storage and Auth; never raises."""
    state, media = _state()
    queue: Queue | None = None
    swept: datetime | None = None
    try:
        now = counters.waiting()
        queue = Queue(
            int(now["jobs_pending"]),
            round(now["jobs_oldest_pending_seconds"], 1),
            int(now["jobs_processing"]),
        )
        swept = sweep.last()
    except postgres.PostgresError:
        state.ok = False
    return Status(
        ok=state.ok and _login().ok,
        timestamp=_stamp(datetime.now(UTC)),
        queue=queue,
        last_sweep_at=_stamp(swept) if swept else None,
        media=media,
    )


def health(*, for_operator: bool) -> Health:
    """Ask the database, Storage and Auth; never raises."""
    state, media = _state()
    login = _login()
    return Health(
        ok=state.ok and login.ok,
        timestamp=_stamp(datetime.now(UTC)),
        uptime=round(time.monotonic() - _STARTED, 3),
        supabase=state,
        login=login,
        media=media,
        operator=_operator() if for_operator else msgspec.UNSET,
    )


def _operator() -> Operator | msgspec.UnsetType:
    try:
        now = counters.workers()
        age = now.get("worker_newest_heartbeat_seconds")
        free = now.get("worker_least_free_disk_bytes")
        return Operator(
            file_overdue_seconds=records.oldest_overdue(),
            workers=int(now["workers"]),
            worker_slots=int(now["worker_slots"]),
            worker_busy_slots=int(now["worker_busy_slots"]),
            last_heartbeat_seconds=None if age is None else round(age, 1),
            least_free_disk_bytes=None if free is None else int(free),
            warnings=startup.warnings(),
        )
    except postgres.PostgresError:
        return msgspec.UNSET


def _login() -> Login:
    fault = tokens.fault()
    return Login(ok=True) if fault is None else Login(ok=False, error=fault)


def _state() -> tuple[Supabase, Media | None]:
    try:
        heartbeat = postgres.row(
            "select ffmpeg, cage, seen_at from app.worker_reports order by seen_at desc limit 1",
            wait=DATABASE_SECONDS,
        )
    except postgres.PostgresError:
        return Supabase(ok=False, error="The database does not answer."), None
    media = (
        Media(heartbeat["ffmpeg"], heartbeat["cage"], _stamp(heartbeat["seen_at"]))
        if heartbeat
        else None
    )
    try:
        status, text = storage.healthy()
    except storage.StorageError:
        return Supabase(ok=False, error="Storage does not answer."), media
    fine = status < 400
    return Supabase(ok=fine, status=status, statusText=text, connected=fine), media


def _stamp(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
