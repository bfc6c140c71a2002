"""Putting right what a lost call or a lost message left waiting."""

from __future__ import annotations

from lib.accounts import rates
from lib.outbox import tasks
from lib.platform import postgres, wake

REPAIR = """
    with jobs_waiting as (
      select count(*) as number from (
        select from app.jobs where status = 'pending' limit 1000) waiting
    ),
    tickets as (
      select queue_length - (select count(*) from app.leases) as number
        from pgmq.metrics('jobs')
    ),
    sent as (
      select count(*) as number
        from jobs_waiting j, tickets t,
             generate_series(1, greatest(0, j.number - t.number)) missing,
             lateral pgmq.send('jobs', jsonb_build_object('healed', missing))
    )
    select j.number as waiting, t.number as tickets, s.number as sent
      from jobs_waiting j, tickets t, sent s
"""


def repair() -> dict[str, int]:
    """Wake a worker when anything waits. Safe at any time, twice, or at once.

    Also deletes old rate windows and tasks. Returns counts: jobs waiting, tickets in the queue,
    missing tickets that were sent again, rate windows deleted.
    """
    counts = postgres.row(REPAIR) or {}
    tasks.forget_old()
    counts["windows_dropped"] = rates.drop_old()
    if counts.get("tickets") or counts.get("waiting"):
        wake.worker()
    return {name: int(number) for name, number in counts.items()}
