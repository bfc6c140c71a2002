"""An account's minutes, set as if they had been used or granted."""

from __future__ import annotations

import uuid

from lib.platform import postgres
from tests.rigs.accounts import Account

MONTH = "date_trunc('month', now() at time zone 'utc')::date"


def account_id(account: Account) -> uuid.UUID:
    row = postgres.row("select id from app.accounts where email = %(it)s", {"it": account.email})
    assert row
    return uuid.UUID(str(row["id"]))


def use(account: Account, *, used: float = 0, granted: float = 0) -> None:
    postgres.rows(
        f"insert into app.usage (account_id, period, used_minutes, granted_minutes)"
        f" values (%(id)s, {MONTH}, %(used)s, %(granted)s) on conflict (account_id, period)"
        f" do update set used_minutes = excluded.used_minutes,"
        f" granted_minutes = excluded.granted_minutes",
        {"id": account_id(account), "used": used, "granted": granted},
    )
