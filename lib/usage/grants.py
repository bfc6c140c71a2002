"""Minutes granted on top of a plan, and minutes refunded; SQL functions write them."""

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
    """Minutes refunded for a job; `before` when they had been refunded earlier."""

    account_id: UUID
    minutes: Decimal
    before: bool


def grant(account_id: UUID, minutes: Decimal, *, reason: str, who: str) -> Granted | None:
    """Grant an account minutes for this month (UTC), and log it; None for no account."""
    row = postgres.row(
        """
        with granted as (
          select * from app.grant_minutes(%(account)s, %(minutes)s)
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, reason, detail)
          select %(who)s, 'grant', account_id, %(reason)s,
                 jsonb_build_object('minutes', %(minutes)s::numeric) from granted
        )
        select to_char(period, 'YYYY-MM') as period, granted_minutes from granted
        """,
        {"account": account_id, "minutes": minutes, "reason": reason, "who": who},
    )
    return Granted(**row) if row else None


def refund(job_id: UUID, *, reason: str, who: str) -> Refunded | None:
    """Refund what a job was charged, once, and log it; None for a job that was not charged."""
    row = postgres.row(
        """
        with refund as (
          select * from app.refund_job(%(job)s)
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, job_id, reason, detail)
          select %(who)s, 'refund', account_id, %(job)s, %(reason)s,
                 jsonb_build_object('minutes', minutes) from refund where refunded
        )
        select account_id, minutes, not refunded as before from refund
        """,
        {"job": job_id, "reason": reason, "who": who},
    )
    return Refunded(**row) if row else None
