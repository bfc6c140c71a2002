"""The transitions of a job's life, and the only module that writes them.

Each function is one statement in one transaction. It changes the job's status, the month's usage
and the ledger together and appends one event to app.job_events (except a reservation, which is not
a transition). What workers write is guarded by the attempt number of their lease.

Creating, claiming and canceling are SQL functions: app.create_job, app.claim_job, app.cancel_jobs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from lib.jobs.api_models import Category, FfmpegOptions, JobInput, JobOutput
from lib.jobs.lease import JOB, MINE, Lease, Leftover, lease_of, mine
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


def accept(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Reserve the minutes, store the job and send its ticket.

    The row has id, status and retry_after: status `pending`; `failed` when the plan's minutes do
    not suffice; `limited`, with nothing stored, while too many of the account's jobs fail. None for
    a closed account.
    """
    return postgres.row(
        """
        select id, status, retry_after from app.create_job(
          %(id)s, %(account)s, %(limit)s, %(minutes)s, %(known)s, %(seconds)s, %(request)s,
          %(format)s, %(inputs)s, %(metadata)s, %(lane)s)
        """,
        values,
    )


def claim(lease_seconds: int, skip: Sequence[Hashable] = ()) -> Lease | Leftover | None:
    """Take the next job, or None when there is nothing to do.

    Jobs of the accounts `skip` are left to other workers.
    """
    while True:
        row = postgres.row(
            "select * from app.claim_job(%(lease)s, %(skip)s::uuid[])",
            {"lease": lease_seconds, "skip": list(skip)},
        )
        if row is None:
            return None
        if row["id"] is not None:
            return lease_of(row)
        if row["ended_id"] is not None:
            return Leftover(row["ended_id"], row["ended_account"], row["ticket"])


def cancel(
    account_id: UUID, job_id: UUID | None, message: str, most: int, columns: str = "id"
) -> list[dict[str, Any]]:
    """Cancel the job, or `most` of the account's jobs, that have not ended; nothing is charged.

    The jobs show `message` to their owner. Returns `columns` of the canceled jobs.
    """
    return postgres.rows(
        f"""
        select {columns} from app.cancel_jobs(%(account)s, %(id)s, %(message)s, %(most)s)
        """,  # noqa: S608 -- the columns are ours
        {"account": account_id, "id": job_id, "message": message, "most": most},
    )


def cancel_for_operator(
    job_id: UUID, message: str, *, reason: str, who: str
) -> dict[str, Any] | None:
    """Cancel any account's job that has not ended, and log it as the act of `who`.

    The row has account_id, the status that the job had, and canceled; None for no such job.
    """
    return postgres.row(
        """
        with job as (
          select id, account_id, status from app.jobs where id = %(job)s
        ),
        canceled as (
          select c.id, c.account_id from job,
                 lateral app.cancel_jobs(job.account_id, job.id, %(message)s, 1) c
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, job_id, reason)
          select %(who)s, 'cancel', account_id, id, %(reason)s from canceled
        )
        select job.account_id, job.status, exists (select from canceled) as canceled from job
        """,
        {"job": job_id, "message": message, "reason": reason, "who": who},
    )


def describe(
    lease: Lease,
    *,
    inputs: list[JobInput],
    options: FfmpegOptions,
    minutes: Decimal,
    seconds: float,
) -> bool:
    """Store what became known of the job before ffmpeg runs, and reserve what is still missing.

    False, with nothing changed, when the month's minutes do not suffice or we have lost the lease.
    """
    return _reserve(
        lease,
        minutes,
        "inputs = %(inputs)s::jsonb, ffmpeg_options = %(options)s::jsonb,"
        " duration_seconds = %(seconds)s,",
        {
            "inputs": postgres.jsonb(inputs),
            "options": postgres.jsonb(options),
            "seconds": seconds,
        },
    )


def extend(lease: Lease, minutes: Decimal) -> bool:
    """Hold `minutes` for the job, if it holds less.

    False, with nothing changed, when they are not left or we have lost the lease.
    """
    return _reserve(lease, minutes)


def _reserve(
    lease: Lease, minutes: Decimal, columns: str = "", values: dict[str, Any] | None = None
) -> bool:
    """One statement that reserves up to `minutes` and sets `columns` of the job, or does nothing.

    `columns` is SQL of this module, with its parameters in `values`.
    """
    return (
        postgres.row(
            f"""
            with job as ({JOB}),
            mine as (select job.* from job, app.leases l where {MINE} for update of l),
            reserved as (
              update app.usage u
                 set reserved_minutes = u.reserved_minutes + greatest(%(minutes)s - m.held, 0)
                from mine m
               where u.account_id = m.account_id and u.period = m.period
                 and (%(minutes)s <= m.held
                      or u.used_minutes + u.reserved_minutes - m.held + %(minutes)s
                           <= %(limit)s + u.granted_minutes)
              returning m.*
            ),
            ledger as (
              insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
              select account_id, id, period, 'reserve', %(minutes)s - held
                from reserved where %(minutes)s > held
            )
            update app.jobs j
               set {columns} reserved_minutes = greatest(%(minutes)s, r.held)
              from reserved r where j.id = r.id
            returning j.id
            """,  # noqa: S608 -- the texts are ours
            mine(lease) | {"minutes": minutes, "limit": lease.minutes_per_month} | (values or {}),
        )
        is not None
    )


def complete(
    lease: Lease,
    *,
    output: JobOutput,
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
            "outputs": postgres.jsonb([output]),
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


def postpone(lease: Lease, seconds: int) -> None:
    """Give the job back, to be tried again after `seconds`."""
    postgres.rows(
        f"""
        with job as ({JOB}),
        mine as (
          update app.leases l set lease_until = now() + make_interval(secs => %(seconds)s)
            from job where {MINE}
          returning job.id, job.account_id
        ),
        event as (
          insert into app.job_events (job_id, account_id, kind, detail)
          select id, account_id, 'retried', jsonb_build_object('attempt', %(attempt)s::integer)
            from mine
        )
        select pgmq.set_vt('jobs', %(ticket)s::bigint, %(seconds)s::integer) from mine
        """,  # noqa: S608
        mine(lease) | {"seconds": seconds},
    )


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
         set status = %(status)s, outputs = %(outputs)s::jsonb,
             billable_minutes = %(minutes)s, reserved_minutes = 0,
             duration_seconds = coalesce(%(seconds)s, duration_seconds),
             processing_seconds = %(processing)s, receipt = %(receipt)s::jsonb,
             progress = case when %(status)s = 'completed' then 100 else progress end,
             error_message = %(message)s, error_category = %(category)s,
             updated_at = now(),
             completed_at = case when %(status)s = 'completed' then now() end,
             files_expire_at = case when %(status)s = 'completed' then
               now() + make_interval(secs => least(
                 %(kept)s, a.outputs_kept_seconds, %(expire_after)s::integer))
               end
        from mine m, app.accounts a where j.id = m.id and a.id = j.account_id
      returning j.account_id, j.id, j.period, j.inputs, m.held,
                extract(epoch from j.started_at - j.created_at)::float8 as queued,
                %(expire_after)s::integer as expire_after,
                case when a.inputs_kept_seconds = 0 then 0 end as at_once
    ),
    -- What only this job reads goes with it, where its owner chose so.
    inputs as (
      update app.uploads u
         set expires_at = least(u.expires_at,
           now() + make_interval(secs => least(e.expire_after, e.at_once)))
        from ended e
       where u.account_id = e.account_id
         and coalesce(e.expire_after, e.at_once) is not null
         and u.object_name in (
           select replace(i ->> 'url', 'gs://uploads/', '')
             from jsonb_array_elements(e.inputs) i)
         and not exists (
           select from app.jobs other
            where other.account_id = e.account_id and other.id <> e.id
              and other.status in ('pending', 'processing')
              and other.inputs @> jsonb_build_array(jsonb_build_object(
                    'url', 'gs://uploads/' || u.object_name)))
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
           app.send_ticket_of_waiting(account_id)
      from ended
"""  # noqa: S608 -- the texts are ours
