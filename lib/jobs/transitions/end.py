"""The end of a job: completed and charged, or failed and free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lib.files.output import StoredOutput
from lib.jobs.api_models import Category
from lib.jobs.lease import JOB, MINE, Lease, mine
from lib.jobs.receipt import Receipt
from lib.platform import postgres
from lib.platform.settings import settings

MAX_MESSAGE = 2000
BROKEN = (
    "Something went wrong on our side, and the job could not be finished. Nothing was charged: send"
    " the job again, and contact support if it fails again."
)


@dataclass(frozen=True)
class Ended:
    """A job that was ended by its lease."""

    queued_seconds: float
    """From its creation to its first attempt."""


def complete(
    lease: Lease,
    *,
    outputs: Sequence[StoredOutput],
    minutes: Decimal,
    output_seconds: float,
    processing_seconds: float,
    receipt: Receipt,
) -> Ended | None:
    """End the job as completed and charge it; None, and nothing done, if the lease is lost."""
    return _end(
        lease,
        {
            "status": "completed",
            "outputs": postgres.jsonb(list(outputs)),
            "minutes": minutes,
            "seconds": output_seconds,
            "processing": processing_seconds,
            "receipt": postgres.jsonb(receipt),
            "message": None,
            "category": "unknown",
            "reason": "",
        },
    )


def fail(lease: Lease, category: Category, message: str, reason: str = "") -> Ended | None:
    """End the job as failed, uncharged; None, and nothing done, if the lease is lost.

    `reason` is a short word for the check that failed, as in MediaError.
    """
    return _end(
        lease,
        {
            "status": "failed",
            "outputs": None,
            "minutes": Decimal(0),
            "seconds": None,
            "processing": None,
            "receipt": None,
            "message": _storable(message),
            "category": category,
            "reason": reason,
        },
    )


def abandon(lease: Lease) -> Ended | None:
    """End a job whose end can't be written by `fail`: the least that must be done for it.

    It writes nothing that comes from a caller. None if we have lost the lease.
    """
    row = postgres.row(
        _ABANDON,
        mine(lease) | {"message": BROKEN},
    )
    return Ended(row["queued"] or 0.0) if row else None


def _storable(message: str) -> str:
    """A sentence that a column of type text takes, whatever a file or ffmpeg put into it."""
    return message.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_MESSAGE]


def _end(lease: Lease, values: dict[str, Any]) -> Ended | None:
    row = postgres.row(
        _END,
        mine(lease)
        | values
        | {"kept": settings().output_hours * 3600, "expire_after": lease.expire_after},
    )
    return Ended(row["queued"] or 0.0) if row else None


_ABANDON = f"""
    with job as ({JOB}),
    mine as (delete from app.leases l using job where {MINE} returning job.*),
    ended as (
      update app.jobs j
         set status = 'failed', reserved_minutes = 0, billable_minutes = 0,
             error_category = 'unknown', error_message = %(message)s, updated_at = now()
        from mine m where j.id = m.id
      returning j.account_id, j.id, j.period, m.held,
                extract(epoch from j.started_at - j.created_at)::float8 as queued
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select account_id, id, period, 'release', held from ended
      on conflict do nothing
    ),
    usage as (
      update app.usage u set reserved_minutes = greatest(0, u.reserved_minutes - e.held)
        from ended e where u.account_id = e.account_id and u.period = e.period
    ),
    event as (
      insert into app.job_events (job_id, account_id, kind, detail)
      select id, account_id, 'failed', jsonb_build_object('reason', 'abandoned') from ended
    )
    select queued, pgmq.archive('jobs', %(ticket)s::bigint),
           app.send_ticket_of_waiting(account_id)
      from ended
"""  # noqa: S608 -- the texts are ours

_END = f"""
    with job as ({JOB}),
    mine as (delete from app.leases l using job where {MINE} returning job.*),
    ended as (
      update app.jobs j
         set status = %(status)s,
             billable_minutes = %(minutes)s, reserved_minutes = 0,
             duration_seconds = coalesce(%(seconds)s, duration_seconds),
             processing_seconds = %(processing)s, receipt = %(receipt)s::jsonb,
             progress = case when %(status)s = 'completed' then 100 else progress end,
             error_message = %(message)s, error_category = %(category)s,
             updated_at = now(),
             completed_at = case when %(status)s = 'completed' then now() end
        from mine m, app.accounts a where j.id = m.id and a.id = j.account_id
      returning j.account_id, j.id, j.period, j.inputs, j.completed_at, m.held,
                extract(epoch from j.started_at - j.created_at)::float8 as queued,
                least(%(kept)s, a.outputs_kept_seconds,
                      %(expire_after)s::integer) as output_seconds,
                -- What only this job reads goes with it, where its owner chose so.
                least(%(expire_after)s::integer,
                      case when a.inputs_kept_seconds = 0 then 0 end) as input_seconds
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select account_id, id, period,
             case when %(status)s = 'completed' then 'settle' else 'release' end,
             case when %(status)s = 'completed' then %(minutes)s else held end
        from ended
    ),
    usage as (
      update app.usage u
         set reserved_minutes = u.reserved_minutes - e.held,
             used_minutes = u.used_minutes + %(minutes)s
        from ended e where u.account_id = e.account_id and u.period = e.period
    ),
    event as (
      insert into app.job_events (job_id, account_id, kind, detail)
      select id, account_id, %(status)s,
             jsonb_strip_nulls(jsonb_build_object('reason', nullif(%(reason)s, '')))
        from ended
    )
    select queued, pgmq.archive('jobs', %(ticket)s::bigint),
           app.send_ticket_of_waiting(account_id),
           case when completed_at is not null then
             app.record_outputs(account_id, id, completed_at,
               now() + make_interval(secs => output_seconds), %(outputs)s::jsonb) end,
           case when input_seconds is not null then
             app.expire_inputs(account_id, id, inputs, input_seconds) end
      from ended
"""  # noqa: S608 -- the texts are ours
