"""What an account used of its plan: by month, by day, by kind of job."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from lib import models
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.times import stamp
from lib.usage.plan_limits import limited


class Day(msgspec.Struct):
    """A day (UTC) on which jobs were charged."""

    date: str
    """The day, as 2026-11-23."""
    minutes: float
    """Minutes charged."""
    jobs: int
    """Jobs that were charged."""


class Kind(msgspec.Struct):
    """What one kind of job came to."""

    job_type: str
    """The kind of job."""
    minutes: float
    """Minutes charged."""
    jobs: int
    """Jobs that were charged."""


class Usage(msgspec.Struct):
    """A month (UTC) of an account."""

    period: str
    """YYYY-MM."""
    minutes_limit: float
    """Of the plan, and granted on top."""
    minutes_used: float
    """Minutes charged this month."""
    minutes_reserved: float
    """Held for jobs under way."""
    minutes_left: float
    """Minutes left this month."""
    resets_at: str
    """When the next month begins, ISO 8601."""
    days: list[Day]
    """Usage by day."""
    kinds: list[Kind]
    """Usage by kind of job."""
    limits: dict[str, int]
    """Of the plan as it is now."""


def usage(account_id: UUID, period: str | None) -> Usage:
    """The month `period` (YYYY-MM), by default this one. Raises Problem 400."""
    month = month_of(period)
    row = postgres.row(
        """
        with charged as (
          select l.at, l.minutes, j.job_type
            from app.usage_ledger l left join app.jobs j on j.id = l.job_id
           where l.account_id = %(account)s and l.period = %(period)s and l.kind = 'settle'
             and not exists (
               select from app.usage_ledger r where r.job_id = l.job_id and r.kind = 'refund')
        )
        select p.minutes_per_month + coalesce(u.granted_minutes, 0) as total,
               coalesce(u.used_minutes, 0) as used, coalesce(u.reserved_minutes, 0) as reserved,
               p.max_input_bytes, p.max_output_bytes, p.max_job_seconds, p.jobs_at_once,
               p.requests_per_minute,
               (select coalesce(jsonb_agg(d order by d.date), '[]') from (
                  select (at at time zone 'utc')::date as date, sum(minutes)::float8 as minutes,
                         count(*) as jobs
                    from charged group by 1) d) as days,
               (select coalesce(jsonb_agg(k order by k.job_type), '[]') from (
                  select coalesce(job_type, 'transcode') as job_type,
                         sum(minutes)::float8 as minutes, count(*) as jobs
                    from charged group by 1) k) as kinds
          from app.accounts a join app.plans p on p.id = a.plan_id
          left join app.usage u on u.account_id = a.id and u.period = %(period)s
         where a.id = %(account)s
        """,
        {"account": account_id, "period": month},
    )
    assert row is not None  # noqa: S101 -- the caller was just found by this id
    total, used, reserved = (float(row[name]) for name in ("total", "used", "reserved"))
    limits = ("max_input_bytes", "max_output_bytes", "max_job_seconds", "jobs_at_once",
              "requests_per_minute")  # fmt: skip
    return Usage(
        period=f"{month:%Y-%m}",
        minutes_limit=total,
        minutes_used=used,
        minutes_reserved=reserved,
        minutes_left=round(max(0.0, total - used - reserved), 4),
        resets_at=stamp(datetime(month.year + month.month // 12, month.month % 12 + 1, 1,
                                 tzinfo=UTC)),
        days=models.convert(row["days"], list[Day]),
        kinds=models.convert(row["kinds"], list[Kind]),
        limits=limited({name: int(row[name]) for name in limits}),
    )  # fmt: skip


def month_of(period: str | None) -> date:
    if period is None:
        return datetime.now(UTC).date().replace(day=1)
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", period):
        raise Problem("invalid_request", "`period` must be a month such as 2026-11.")
    return date(int(period[:4]), int(period[5:]), 1)
