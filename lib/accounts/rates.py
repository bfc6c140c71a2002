"""Counts of calls by address, and how many slow calls an account may have at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from lib.platform import postgres

WIDER = 4
"""How many times the limit of a /64 applies to the /48 around it."""
FORGET_SECONDS = 10
"""How often a process deletes old counts."""
WAIT_SECONDS = 2.0
"""How long that waits for a connection: without the database it is done another time."""
KEPT_MINUTES = 60
"""How long a count is kept; the privacy policy promises about an hour."""


class Network(NamedTuple):
    """A network whose calls are counted, and how many times the usual limit it may make."""

    name: str
    share: int = 1


def count(
    window: str, networks: Sequence[Network], *, wait: float | None = None
) -> tuple[int, int]:
    """Count a call from each of the networks of an address.

    Returns the calls of this minute and the seconds until it ends. The calls of a wider network are
    divided by its share, and the largest number counts. `wait` is as in `postgres.rows`. Raises
    PostgresError.
    """
    row = postgres.row(
        """
        with counted as (
          insert into app.rate_windows as w (subject, started_at, hits)
          select subject, date_trunc('minute', now()), 1
            from unnest(%(subjects)s::text[]) as subject
          on conflict (subject, started_at) do update set hits = w.hits + 1
          returning subject, hits
        )
        select max(ceil(c.hits::numeric / s.share))::integer as hits,
               60 - floor(extract(second from now()))::integer as seconds
          from counted c
          join unnest(%(subjects)s::text[], %(shares)s::integer[]) as s (subject, share)
            using (subject)
        """,
        {
            "subjects": [f"{window}:{each.name}" for each in networks],
            "shares": [each.share for each in networks],
        },
        wait=wait,
    )
    return (row["hits"], max(1, row["seconds"])) if row else (1, 60)


def begin_slow_call(account_id: UUID, kind: str, limit: int, seconds: int) -> UUID | None:
    """Note that an account begins a slow call; None when `limit` of this kind are running.

    The note counts for `seconds` at most, so that a process that dies blocks nobody for longer.
    Raises PostgresError.
    """
    row = postgres.row(
        "select app.begin_slow_call(%(account)s, %(kind)s, %(limit)s, %(seconds)s) as id",
        {"account": account_id, "kind": kind, "limit": limit, "seconds": seconds},
    )
    call_id: UUID | None = row["id"] if row else None
    return call_id


def end_slow_call(call_id: UUID) -> None:
    """Note that a slow call has ended. Raises PostgresError."""
    postgres.rows("delete from app.slow_calls where id = %(id)s", {"id": call_id})


_forgotten_at = float("-inf")


def forget_old() -> None:
    """Delete old counts, at most every FORGET_SECONDS in this process.

    Any call does this once its response is out, so that the counts go in time where no clock runs.
    Raises PostgresError.
    """
    global _forgotten_at
    if time.monotonic() - _forgotten_at < FORGET_SECONDS:
        return
    _forgotten_at = time.monotonic()
    postgres.rows(
        """
        with calls as (delete from app.slow_calls where until < now())
        delete from app.rate_windows
         where started_at < now() - make_interval(mins => %(minutes)s)
        """,
        {"minutes": KEPT_MINUTES},
        wait=WAIT_SECONDS,
    )


def drop_old() -> int:
    """Delete the counts of windows that began more than an hour ago; how many."""
    return len(
        postgres.rows(
            "delete from app.rate_windows where started_at < now() - interval '1 hour' returning 1"
        )
    )
