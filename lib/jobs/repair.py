"""Putting right what a lost call or a lost message left waiting."""

from __future__ import annotations

from lib.platform import postgres, wake

HEAL = """
    with jobs_waiting as (
      select count(*) as number from (
        select from app.jobs where status = 'pending' limit 1000) waiting
    ),
    tickets as (
      select queue_length - (select count(*) from app.jobs where message_id is not null) as number
        from pgmq.metrics('jobs')
    ),
    sent as (
      select count(*) as number
        from jobs_waiting j, tickets t,
             generate_series(1, greatest(0, j.number - t.number)) missing,
             lateral pgmq.send('jobs', jsonb_build_object('healed', missing))
    ),
    windows as (
      delete from app.rate_windows where started_at < now() - interval '1 hour' returning 1
    ),
    tasks as (
      delete from app.tasks where ended_at < now() - interval '90 days'
    ),
    given_up as (
      update app.tasks
         set payload = jsonb_strip_nulls(jsonb_build_object('template', payload -> 'template'))
       where ended_at between now() - interval '90 days' and now() - interval '7 days'
         and error is not null and payload - 'template' <> '{}'
    )
    select j.number as waiting, t.number as tickets, s.number as sent,
           (select count(*) from windows) as windows_dropped
      from jobs_waiting j, tickets t, sent s
"""


def heal() -> dict[str, int]:
    """Wake a worker when anything waits. Safe at any time, twice, or at once.

    Returns counts: jobs waiting, tickets in the queue, tickets that were missing and sent anew.
    """
    found = postgres.row(HEAL) or {}
    if found.get("tickets") or found.get("waiting"):
        wake.worker()
    return {name: int(number) for name, number in found.items()}
