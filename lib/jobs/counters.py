"""Totals that only grow, for the metrics, and what waits at this moment.

What was done stands in append-only tables. `app.count_up` adds what came since the last time to a
small table of counters, so that a scrape costs the same however long the record is, and nothing is
lost when old rows are rolled up or erased.
"""

from __future__ import annotations

import time
from typing import Any

from lib.platform import postgres

BATCH = 20_000
"""Rows of a table that one statement counts."""
SETTLED_SECONDS = 10
"""How old a row is when it counts: a row with a lower id may be written a little later."""


def advance(seconds: float = 5, settled_seconds: float = SETTLED_SECONDS) -> bool:
    """Count what came since the last time, for at most about `seconds`; whether all was counted."""
    end = time.monotonic() + seconds
    while True:
        row = postgres.row(
            "select app.count_up(%(batch)s, make_interval(secs => %(settled)s)) as more",
            {"batch": BATCH, "settled": settled_seconds},
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
               (select count(*) from app.jobs where message_id is not null
                   and status = 'processing')::float8 as jobs_processing,
               (select count(*) from app.tasks
                 where ended_at is null and kind = 'mail')::float8 as mails_waiting,
               (select count(*) from app.tasks
                 where ended_at is null and kind = 'mail' and failures > 0)::float8
                 as mails_failing,
               coalesce((select extract(epoch from now() - min(due_at)) from app.tasks
                 where ended_at is null and due_at < now()), 0)::float8
                 as tasks_oldest_due_seconds
          from pgmq.metrics('jobs') q
        """
    )
    return {name: float(value) for name, value in (row or {}).items()}
