"""Signals of abuse: each one query over refused calls and new accounts, with its threshold.

They only point: what to do (`suspend`, or nothing) is the operator's to judge. Addresses are kept
for 30 days, and these queries look at less.
"""

from __future__ import annotations

from collections.abc import Callable

from lib.admin.shown import Row
from lib.platform import postgres

HOURS = 24
"""How far back all of them look."""
BAD_CREDENTIALS = 100
"""Calls with a bad key or token from one address, within an hour."""
ACCOUNTS_PER_ADDRESS = 4
"""Accounts opened within HOURS and used from one address."""
QUOTA_REFUSALS = 20
"""Creates of one account that its minutes did not suffice for."""
RATE_REFUSALS = 200
"""Calls of one account beyond its plan's rate."""
HOSTILE_REQUESTS = 100
"""Requests of one account that were refused as such."""
MOST = 100


def signals() -> dict[str, list[Row]]:
    """Every signal, by name; the strongest first."""
    return {name: query() for name, query in SIGNALS.items()}


def bad_credentials() -> list[Row]:
    """Bursts of 401 from one address: somebody tries keys, or a client that lost its own."""
    return _rows(
        """
        select ip, date_trunc('hour', at) as hour, count(*) as calls, max(at) as last
          from app.request_log
         where status = 401 and at > now() - make_interval(hours => %(hours)s) and ip is not null
         group by 1, 2 having count(*) >= %(least)s
        """,
        BAD_CREDENTIALS,
    )


def many_accounts() -> list[Row]:
    """Many new accounts used from one address: free minutes, over and over."""
    return _rows(
        """
        select l.ip, count(distinct a.id) as calls, min(a.created_at) as first,
               max(a.created_at) as last, (array_agg(distinct a.id))[1:10] as accounts
          from app.accounts a
          join app.request_log l on l.account_id = a.id
           and l.at between a.created_at and a.created_at + make_interval(hours => %(hours)s)
         where a.created_at > now() - make_interval(hours => %(hours)s) and l.ip is not null
         group by 1 having count(distinct a.id) >= %(least)s
        """,
        ACCOUNTS_PER_ADDRESS,
    )


def quota_probing() -> list[Row]:
    """Accounts that go on creating jobs against the quota's wall."""
    return _refused(402, QUOTA_REFUSALS)


def hammering() -> list[Row]:
    """Accounts that go on calling beyond their rate."""
    return _refused(429, RATE_REFUSALS)


def hostile_requests() -> list[Row]:
    """Accounts whose requests are refused again and again: somebody looks for a way around."""
    return _rows(
        """
        select account_id as account, route, count(*) as calls, min(at) as first, max(at) as last
          from app.request_log
         where status = 400 and at > now() - make_interval(hours => %(hours)s)
           and method = 'POST' and account_id is not null
         group by 1, 2 having count(*) >= %(least)s
        """,
        HOSTILE_REQUESTS,
    )


def _refused(status: int, least: int) -> list[Row]:
    return _rows(
        f"""
        select account_id as account, count(*) as calls, min(at) as first, max(at) as last
          from app.request_log
         where status = {status} and at > now() - make_interval(hours => %(hours)s)
           and account_id is not null
         group by 1 having count(*) >= %(least)s
        """,  # noqa: S608 -- a number of ours; written out, so that the partial index is taken
        least,
    )


def _rows(query: str, least: int) -> list[Row]:
    return postgres.rows(
        f"{query} order by calls desc limit %(most)s",
        {"hours": HOURS, "least": least, "most": MOST},
    )


SIGNALS: dict[str, Callable[[], list[Row]]] = {
    "bad credentials by address": bad_credentials,
    "new accounts by address": many_accounts,
    "quota probing": quota_probing,
    "hammering beyond the rate": hammering,
    "hostile requests": hostile_requests,
}
