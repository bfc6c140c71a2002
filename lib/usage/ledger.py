"""The ledger of minutes: append only, and enough to recompute every balance.

A job's minutes are reserved (in one row or more), then settled, which charges them, or released.
A refund gives back what was settled; a grant adds to a month.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from lib.platform import postgres
from lib.platform.times import stamp
from lib.usage.months import month_of


class Entry(msgspec.Struct):
    """A row of the ledger."""

    at: str
    """When it happened, ISO 8601."""
    kind: Literal["reserve", "settle", "release", "refund", "grant"]
    """reserve holds a job's minutes; settle charges it and release gives what was held back;
    refund gives back what was charged; grant adds to the month."""
    minutes: float
    """How many minutes."""
    job_id: str | None
    """The job it belongs to; null for grants."""
    period: str
    """The month (UTC) it counts for, YYYY-MM."""


class Entries(msgspec.Struct):
    """A page of the ledger, newest first."""

    items: list[Entry]
    """The entries of this page."""
    page: int
    """The page's number, from 1."""
    limit: int
    """Entries a page."""
    total: int
    """Entries of the period."""


def entries(account_id: UUID, period: str | None, *, page: int, limit: int) -> Entries:
    """The account's ledger of the month `period` (YYYY-MM), by default this one.

    Raises Problem 400.
    """
    rows = postgres.rows(
        """
        with month as (
          select * from app.usage_ledger
           where account_id = %(account)s and period = %(period)s
        )
        select counted.total, e.*
          from (select count(*) as total from month) counted
          left join (select at, kind, minutes, job_id, to_char(period, 'YYYY-MM') as month
                       from month order by id desc limit %(limit)s offset %(offset)s) e on true
        """,
        {
            "account": account_id,
            "period": month_of(period),
            "limit": limit,
            "offset": (page - 1) * limit,
        },
    )
    items = [
        Entry(
            stamp(row["at"]),
            row["kind"],
            float(row["minutes"]),
            str(row["job_id"]) if row["job_id"] else None,
            row["month"],
        )
        for row in rows
        if row["at"] is not None
    ]
    return Entries(items, page, limit, rows[0]["total"])


class Difference(NamedTuple):
    """A month (UTC) whose balance is not what its ledger says."""

    account_id: UUID
    period: str
    balance: tuple[Decimal, Decimal, Decimal]
    """Used, reserved, granted minutes, as kept."""
    ledger: tuple[Decimal, Decimal, Decimal]
    """The same, recomputed."""


def differences(account_id: UUID | None = None) -> list[Difference]:
    """Balances that differ from their ledger, of one account or all. There should be none."""
    rows = postgres.rows(
        """
        with job as (
          select account_id, period, job_id,
                 sum(minutes) filter (where kind = 'reserve') as reserved,
                 coalesce(sum(minutes) filter (where kind = 'settle'), 0)
                   - coalesce(sum(minutes) filter (where kind = 'refund'), 0) as used,
                 coalesce(sum(minutes) filter (where kind = 'grant'), 0) as granted,
                 bool_or(kind in ('settle', 'release')) as ended
            from app.usage_ledger
           where %(account)s::uuid is null or account_id = %(account)s
           group by account_id, period, job_id
        ),
        computed as (
          select account_id, period, sum(used) as used, sum(granted) as granted,
                 coalesce(sum(reserved) filter (where not ended), 0) as reserved
            from job group by account_id, period
        ),
        kept as (
          select account_id, period, used_minutes as used, reserved_minutes as reserved,
                 granted_minutes as granted
            from app.usage where %(account)s::uuid is null or account_id = %(account)s
        )
        select account_id, to_char(period, 'YYYY-MM') as period,
               coalesce(k.used, 0) as used, coalesce(k.reserved, 0) as reserved,
               coalesce(k.granted, 0) as granted, coalesce(c.used, 0) as computed_used,
               coalesce(c.reserved, 0) as computed_reserved,
               coalesce(c.granted, 0) as computed_granted
          from kept k full join computed c using (account_id, period)
         where (coalesce(k.used, 0), coalesce(k.reserved, 0), coalesce(k.granted, 0))
               <> (coalesce(c.used, 0), coalesce(c.reserved, 0), coalesce(c.granted, 0))
         order by account_id, period
        """,
        {"account": account_id},
    )
    return [
        Difference(
            row["account_id"],
            row["period"],
            (row["used"], row["reserved"], row["granted"]),
            (row["computed_used"], row["computed_reserved"], row["computed_granted"]),
        )
        for row in rows
    ]
