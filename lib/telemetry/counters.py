"""Totals that only grow, for the metrics, and what waits at this moment.

What was done stands in append-only tables. `app.count_up` adds what came since the last time to a
small table of counters, so that a scrape costs the same however long the record is, and nothing is
lost when old rows are rolled up or erased.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lib.platform import postgres, tally

if TYPE_CHECKING:
    from psycopg.types.json import Jsonb

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the latency histogram's buckets, as app.count_up has them."""
BATCH = 20_000
"""Rows of a table that one statement counts."""
SETTLED_SECONDS = 10
"""How old a row is when it counts: a row with a lower id may be written a little later."""
ALIVE_SECONDS = 60
"""A worker counts as alive for this long after its last heartbeat."""
SILENT_SECONDS = 120
"""A worker that held jobs at its last heartbeat, this long ago, counts as silent."""


def advance(
    seconds: float = 5, settled_seconds: float = SETTLED_SECONDS, *, wait: float | None = None
) -> bool:
    """Count what came since the last time, for at most about `seconds`; whether all was counted.

    `wait` is as in `postgres.rows`.
    """
    end = time.monotonic() + seconds
    while True:
        row = postgres.row(
            "select app.count_up(%(batch)s, make_interval(secs => %(settled)s)) as more",
            {"batch": BATCH, "settled": settled_seconds},
            wait=wait,
        )
        if row is None or not row["more"]:
            return True
        if time.monotonic() > end:
            return False


def totals() -> list[dict[str, Any]]:
    """The counters: name, labels, value."""
    return postgres.rows(
        "select name, labels, value::float8 as value from app.counters order by name, labels"
    )


@contextmanager
def unsaved() -> Iterator[Jsonb | None]:
    """The process's own counts for app.add_counts, or None; restored if the block fails.

    None is lost: counts whose write succeeded without an answer are written a second time.

    Raises what the block raises.
    """
    counts = tally.take()
    try:
        yield postgres.jsonb([count._asdict() for count in counts]) if counts else None
    except BaseException:
        tally.restore(counts)
        raise


def save(*, wait: float | None = None) -> None:
    """Write the process's own counts. Raises PostgresError."""
    with unsaved() as counts:
        if counts:
            postgres.rows("select app.add_counts(%(counts)s)", {"counts": counts}, wait=wait)


def count_request(method: str, route: str, status: int, milliseconds: float) -> None:
    """Count a call that could not be recorded, as app.count_up counts those that were."""
    bucket = sum(milliseconds > bound * 1000 for bound in BOUNDS)
    tally.add(
        "requests_unrecorded", method=method, route=route, status=str(status), bucket=str(bucket)
    )
    tally.add("request_milliseconds_unrecorded", milliseconds, route=route)


def workers() -> dict[str, float]:
    """What the heartbeats say, by name; a value that nobody reported is missing."""
    row = postgres.row(
        """
        select count(*) filter (where alive)::float8 as workers,
               count(*) filter (where leases > 0 and age > %(silent)s)::float8 as workers_silent,
               coalesce(sum(slots) filter (where alive), 0)::float8 as worker_slots,
               coalesce(sum(busy_slots) filter (where alive), 0)::float8 as worker_busy_slots,
               coalesce(sum(leases) filter (where alive), 0)::float8 as worker_leases,
               min(free_disk_bytes) filter (where alive)::float8 as worker_least_free_disk_bytes,
               min(age)::float8 as worker_newest_heartbeat_seconds,
               max(age) filter (where alive)::float8 as worker_oldest_heartbeat_seconds
          from (select *, age <= %(alive)s as alive
                  from (select h.*, extract(epoch from now() - seen_at) as age
                          from app.worker_heartbeats h) aged) h
        """,
        {"alive": ALIVE_SECONDS, "silent": SILENT_SECONDS},
    )
    return {name: float(value) for name, value in (row or {}).items() if value is not None}


def waiting() -> dict[str, float]:
    """What waits now, by name; ages in seconds, 0 for nothing. Pending jobs count to 100,000."""
    row = postgres.row(
        """
        select q.queue_length::float8 as queue_tickets,
               coalesce(q.oldest_msg_age_sec, 0)::float8 as queue_oldest_ticket_seconds,
               (select count(*) from (
                  select from app.jobs where status = 'pending' limit 100000) j)::float8
                 as jobs_pending,
               coalesce((select extract(epoch from now() - min(created_at)) from (
                  select created_at from app.jobs where status = 'pending'
                   order by turn, created_at, id limit 1000) j), 0)::float8
                 as jobs_oldest_pending_seconds,
               (select count(*) from app.jobs
                 where status = 'processing')::float8 as jobs_processing,
               (select count(*) from app.tasks
                 where ended_at is null and kind = 'mail')::float8 as mails_waiting,
               (select count(*) from app.tasks
                 where ended_at is null and kind = 'mail' and failures > 0)::float8
                 as mails_failing,
               (select count(*) from app.jobs
                 where status = 'processing' and attempt > 1)::float8 as jobs_retrying,
               coalesce((select max(attempt) from app.jobs
                 where status = 'processing'), 0)::float8 as jobs_most_attempts,
               coalesce((select extract(epoch from now() - min(started_at)) from app.jobs
                 where status = 'processing'), 0)::float8 as jobs_oldest_processing_seconds,
               coalesce((select extract(epoch from now() - min(due_at)) from app.tasks
                 where ended_at is null and due_at < now()), 0)::float8
                 as tasks_oldest_due_seconds
          from pgmq.metrics('jobs') q
        """
    )
    return {name: float(value) for name, value in (row or {}).items()}
