"""Reserving minutes while a job runs. Not a transition: it appends no event."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lib.jobs.api_models import FfmpegOptions, JobInput
from lib.jobs.lease import JOB, MINE, Lease, mine
from lib.platform import postgres


def reserve(
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
