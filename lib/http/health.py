"""Whether the service can do its work: the database answers and Supabase is there."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec

from lib.platform import postgres, storage

_STARTED = time.monotonic()


class Supabase(msgspec.Struct, omit_defaults=True):
    """How Supabase answers; `error` only when it does not."""

    ok: bool
    status: int | msgspec.UnsetType = msgspec.UNSET
    statusText: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815 -- the wire's name
    connected: bool | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class Health(msgspec.Struct):
    """The answer of /health-check (contract, route 23)."""

    ok: bool
    timestamp: str
    uptime: float
    """Seconds since this instance started."""
    supabase: Supabase


def health() -> Health:
    """Ask the database and Storage; never raises."""
    return Health(
        ok=(state := _supabase()).ok,
        timestamp=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        uptime=round(time.monotonic() - _STARTED, 3),
        supabase=state,
    )


def _supabase() -> Supabase:
    try:
        postgres.row("select 1 as one")
    except postgres.PostgresError:
        return Supabase(ok=False, error="The database does not answer.")
    try:
        status, text = storage.healthy()
    except storage.StorageError:
        return Supabase(ok=False, error="Storage does not answer.")
    return Supabase(ok=status < 400, status=status, statusText=text, connected=status < 400)
