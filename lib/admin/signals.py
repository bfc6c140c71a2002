"""Signals of abuse: each one query over refused calls and new accounts, with its threshold.

They only point: what to do (`suspend`, or nothing) is the operator's to judge. Addresses are kept
for 30 days, and these queries look at less.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lib.admin.shown import Row
from lib.platform import postgres

HOURS = 24
"""How far back all of them look."""
MOST = 100


class Signal(NamedTuple):
    """A query and the least number of `calls` that it shows."""

    name: str
    least: int
    statement: str

    def rows(self) -> list[Row]:
        """What shows it, the strongest first."""
        return postgres.rows(self.statement, self.parameters())

    def parameters(self) -> dict[str, Any]:
        """Of the statement."""
        return {"hours": HOURS, "least": self.least, "most": MOST}


def _of_accounts(status: int) -> str:
    """Accounts with many calls that were answered with the status."""
    return f"""
        select account_id as account, count(*) as calls, min(at) as first, max(at) as last
          from app.request_log
         where status = {status} and at > now() - make_interval(hours => %(hours)s)
           and account_id is not null
         group by 1 having count(*) >= %(least)s order by calls desc limit %(most)s
    """  # noqa: S608 -- a number of ours; written out, so that the partial index is taken


BAD_CREDENTIALS = Signal(
    "bad credentials by address and hour",
    100,
    """
    select ip, date_trunc('hour', at) as hour, count(*) as calls, max(at) as last
      from app.request_log
     where status = 401 and at > now() - make_interval(hours => %(hours)s) and ip is not null
     group by 1, 2 having count(*) >= %(least)s order by calls desc limit %(most)s
    """,
)
"""Somebody tries keys, or a client lost its own."""

MANY_ACCOUNTS = Signal(
    "new accounts by address",
    4,
    """
    select l.ip, count(distinct a.id) as calls, min(a.created_at) as first,
           max(a.created_at) as last, (array_agg(distinct a.id))[1:10] as accounts
      from app.accounts a join app.request_log l on l.account_id = a.id
     where a.created_at > now() - make_interval(hours => %(hours)s) and a.guest_until is null
       and l.at > now() - make_interval(hours => %(hours)s) and l.ip is not null
     group by 1 having count(distinct a.id) >= %(least)s order by calls desc limit %(most)s
    """,
)
"""Free minutes, over and over. Sign-ups themselves are Auth's; here the accounts' calls count.
Visitors without an account of their own are limited by address."""

QUOTA_PROBING = Signal("creates against the quota's wall", 20, _of_accounts(402))
HAMMERING = Signal("calls beyond the rate", 200, _of_accounts(429))
HOSTILE_REQUESTS = Signal("requests refused for what they hold", 100, _of_accounts(400))
"""Somebody looks for a way around the rules."""

SIGNALS = (BAD_CREDENTIALS, MANY_ACCOUNTS, QUOTA_PROBING, HAMMERING, HOSTILE_REQUESTS)


def signals() -> dict[str, list[Row]]:
    """Every signal, by name."""
    return {signal.name: signal.rows() for signal in SIGNALS}
