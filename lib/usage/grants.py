"""Minutes given on top of a plan, and minutes given back."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from lib.platform import postgres


class Granted(NamedTuple):
    """Minutes that an account has of this month (UTC), beyond its plan."""

    period: str
    granted_minutes: Decimal


class Refunded(NamedTuple):
    """Minutes that a job gave back; `before` when it had done so earlier."""

    account_id: UUID
    minutes: Decimal
    before: bool


def grant(account_id: UUID, minutes: Decimal, *, reason: str, who: str) -> Granted | None:
    """Give an account minutes for this month (UTC), and log it; None for no account."""
    row = postgres.row(
        """
        with account as (select id from app.accounts where id = %(account)s),
        given as (
          insert into app.usage as u (account_id, period, granted_minutes)
          select id, date_trunc('month', now() at time zone 'utc')::date, %(minutes)s from account
          on conflict (account_id, period) do update
            set granted_minutes = u.granted_minutes + excluded.granted_minutes
          returning account_id, period, granted_minutes
        ),
        ledger as (
          insert into app.usage_ledger (account_id, period, kind, minutes)
          select account_id, period, 'grant', %(minutes)s from given
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, reason, detail)
          select %(who)s, 'grant', account_id, %(reason)s,
                 jsonb_build_object('minutes', %(minutes)s::numeric) from given
        )
        select to_char(period, 'YYYY-MM') as period, granted_minutes from given
        """,
        {"account": account_id, "minutes": minutes, "reason": reason, "who": who},
    )
    return Granted(**row) if row else None


def refund(job_id: UUID, *, reason: str, who: str) -> Refunded | None:
    """Give back what a job was charged, once, and log it; None for a job that was not charged."""
    row = postgres.row(
        """
        with charged as (
          select account_id, job_id, period, minutes from app.usage_ledger
           where job_id = %(job)s and kind = 'settle' and minutes > 0
        ),
        refunded as (
          insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
          select account_id, job_id, period, 'refund', minutes from charged
          on conflict (job_id) where kind = 'refund' do nothing
          returning account_id, job_id, period, minutes
        ),
        usage as (
          update app.usage u set used_minutes = greatest(0, u.used_minutes - r.minutes)
            from refunded r where u.account_id = r.account_id and u.period = r.period
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, job_id, reason, detail)
          select %(who)s, 'refund', account_id, job_id, %(reason)s,
                 jsonb_build_object('minutes', minutes) from refunded
        )
        select account_id, minutes, not exists (select from refunded) as before from charged
        """,
        {"job": job_id, "reason": reason, "who": who},
    )
    return Refunded(**row) if row else None
