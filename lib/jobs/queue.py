"""The queue, pgmq: a message is a ticket for one job, its visibility timeout is the lease.

A ticket names no job. Whoever reads one takes the pending job whose turn is next, so that one
account's thousand jobs wait for each other and not for the others (start-time fair queueing). The
job keeps the ticket's id while it is leased; a ticket that comes back, because its worker fell
silent, brings the same job back. There are always at least as many unbound tickets as pending
jobs, so a pending job is always found. The tickets of jobs that wait for their own account, which
runs as many as its plan allows, rest for a while; the end of such a job sends a further ticket.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from lib import models
from lib.jobs.api_models import Category, JobInput, JobOutput
from lib.jobs.receipt import Receipt
from lib.jobs.requests import OUTDATED, expire_after, stored_request
from lib.media.errors import MediaError
from lib.media.request.models import TranscodeRequest
from lib.platform import postgres
from lib.platform.settings import settings
from lib.usage.plan_limits import within_storage

MAX_MESSAGE = 2000


@dataclass(frozen=True)
class Lease:
    """A job that a worker has leased; `attempt` guards everything the worker writes."""

    job_id: UUID
    account_id: UUID
    attempt: int
    ticket: int
    raw_request: Any
    """As it is stored: an old one may not be what is accepted today."""
    raw_inputs: Any
    reserved_minutes: Decimal
    max_input_bytes: int
    max_output_bytes: int
    max_job_seconds: int
    plan_name: str
    minutes_per_month: int

    @property
    def request(self) -> TranscodeRequest:
        """The request. Raises MediaError when it is not valid any more."""
        request = stored_request(self.raw_request)
        if request is None:
            raise MediaError("validation", OUTDATED)
        return request

    @property
    def inputs(self) -> list[JobInput]:
        """The inputs as the job shows them."""
        return models.convert(self.raw_inputs, list[JobInput])

    @property
    def expire_after(self) -> int | None:
        """Seconds that the caller wants the files kept, at most MAX_EXPIRE_AFTER."""
        return expire_after(self.raw_request)


@dataclass(frozen=True)
class Leftover:
    """A ticket whose job has ended without its worker, which may have left files behind."""

    job_id: UUID
    account_id: UUID
    ticket: int


@dataclass(frozen=True)
class Ended:
    """A job that was ended by its lease."""

    queued_seconds: float
    """From its creation to its first attempt."""


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
            return _lease(row)
        if row["ended_id"] is not None:
            return Leftover(row["ended_id"], row["ended_account"], row["ticket"])


def drop(leftover: Leftover) -> None:
    """Forget the ticket of an ended job, once what it left behind is gone."""
    postgres.rows(
        """
        with unbound as (
          update app.jobs set message_id = null where message_id = %(ticket)s
        )
        select pgmq.archive('jobs', %(ticket)s::bigint)
        """,
        {"ticket": leftover.ticket},
    )


def beat(lease: Lease, lease_seconds: int, progress: float | None) -> bool:
    """Renew the lease and store the progress in percent; False if we have lost the lease."""
    return (
        postgres.row(
            f"""
            with mine as (
              update app.jobs
                 set progress = coalesce(%(progress)s, progress),
                     lease_until = now() + make_interval(secs => %(lease)s)
               where {MINE}
              returning 1
            )
            select pgmq.set_vt('jobs', %(ticket)s::bigint, %(lease)s::integer) from mine
            """,  # noqa: S608
            mine(lease) | {"lease": lease_seconds, "progress": progress},
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
        f"""
            with before as (
              select id, reserved_minutes as held from app.jobs where {MINE} for update
            ),
            ended as (
              update app.jobs j
                 set status = 'failed', reserved_minutes = 0, billable_minutes = 0,
                     error_category = 'unknown', error_message = %(message)s, updated_at = now(),
                     message_id = null, lease_until = null
                from before b where j.id = b.id
              returning j.account_id, j.id, j.period, b.held,
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
              insert into app.job_events (job_id, kind, detail)
              select id, 'failed', jsonb_build_object('reason', 'abandoned') from ended
            )
            select queued, pgmq.archive('jobs', %(ticket)s::bigint),
                   app.send_ticket_of_waiting(account_id)
              from ended
            """,  # noqa: S608
        mine(lease) | {"message": BROKEN},
    )
    return Ended(row["queued"] or 0.0) if row else None


BROKEN = (
    "Something went wrong on our side, and the job could not be finished. Nothing was charged: send"
    " the job again, and contact support if it fails again."
)


def _storable(message: str) -> str:
    """A sentence that a column of type text takes, whatever a file or ffmpeg put into it."""
    return message.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_MESSAGE]


def postpone(lease: Lease, seconds: int) -> None:
    """Give the job back, to be tried again after `seconds`."""
    postgres.rows(
        f"""
        with mine as (
          update app.jobs set lease_until = now() + make_interval(secs => %(seconds)s)
           where {MINE}
          returning id
        ),
        event as (
          insert into app.job_events (job_id, kind, detail)
          select id, 'retried', jsonb_build_object('attempt', %(attempt)s::integer) from mine
        )
        select pgmq.set_vt('jobs', %(ticket)s::bigint, %(seconds)s::integer) from mine
        """,  # noqa: S608
        mine(lease) | {"seconds": seconds},
    )


def report(ffmpeg: str, cage: list[str]) -> None:
    """Note what this worker runs jobs with, for the health report."""
    postgres.rows(
        """
        insert into app.worker_reports (ffmpeg, cage) values (%(ffmpeg)s, %(cage)s)
        on conflict (ffmpeg, cage) do update set seen_at = now()
        """,
        {"ffmpeg": ffmpeg, "cage": cage},
    )


def pending() -> bool:
    """Whether any job waits, or lost its worker."""
    found = postgres.row(
        """
        select exists (select from app.jobs where status = 'pending')
            or exists (select from app.jobs
                        where status = 'processing' and lease_until <= now()) as any
        """
    )
    return bool(found and found["any"])


def _end(lease: Lease, values: dict[str, Any]) -> Ended | None:
    row = postgres.row(
        f"""
            with before as (
              select id, reserved_minutes as held from app.jobs where {MINE} for update
            ),
            ended as (
              update app.jobs j
                 set status = %(status)s, outputs = %(outputs)s::jsonb,
                     billable_minutes = %(minutes)s, reserved_minutes = 0,
                     duration_seconds = coalesce(%(seconds)s, duration_seconds),
                     processing_seconds = %(processing)s, receipt = %(receipt)s::jsonb,
                     progress = case when %(status)s = 'completed' then 100 else progress end,
                     error_message = %(message)s, error_category = %(category)s,
                     updated_at = now(), message_id = null, lease_until = null,
                     completed_at = case when %(status)s = 'completed' then now() end,
                     files_expire_at = case when %(status)s = 'completed' then
                       now() + make_interval(secs => least(
                         %(kept)s, a.outputs_kept_seconds, %(expire_after)s::integer))
                       end
                from before b, app.accounts a where j.id = b.id and a.id = j.account_id
              returning j.account_id, j.id, j.period, j.inputs, b.held,
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
              insert into app.job_events (job_id, kind, detail)
              select id, %(status)s,
                     jsonb_strip_nulls(jsonb_build_object('reason', nullif(%(reason)s, '')))
                from ended
            )
            select queued, pgmq.archive('jobs', %(ticket)s::bigint),
                   app.send_ticket_of_waiting(account_id)
              from ended
            """,  # noqa: S608
        mine(lease)
        | values
        | {"kept": settings().output_hours * 3600, "expire_after": lease.expire_after},
    )
    return Ended(row["queued"] or 0.0) if row else None


def _lease(row: dict[str, Any]) -> Lease:
    return Lease(
        job_id=row["id"],
        account_id=row["account_id"],
        attempt=row["attempt"],
        ticket=row["ticket"],
        raw_request=row["request"],
        raw_inputs=row["inputs"],
        reserved_minutes=row["reserved_minutes"],
        max_input_bytes=within_storage(row["max_input_bytes"]),
        max_output_bytes=within_storage(row["max_output_bytes"]),
        max_job_seconds=row["max_job_seconds"],
        plan_name=row["plan_name"],
        minutes_per_month=row["minutes_per_month"],
    )


def mine(lease: Lease) -> dict[str, Any]:
    """The values of MINE's parameters."""
    return {"id": lease.job_id, "attempt": lease.attempt, "ticket": lease.ticket}


MINE = "id = %(id)s and attempt = %(attempt)s and status = 'processing'"
"""The condition under which a worker may still write to its job."""
