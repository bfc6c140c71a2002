"""Signals of abuse: queries over refused calls, failed jobs, uploads and new accounts, each with a
threshold.

They only point: whether to `suspend` is for the operator to judge (docs/operations.md). Addresses
are kept for 30 days, and these queries look at less.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lib.admin.output import Row
from lib.platform import postgres

HOURS = 24
"""How far back all of them look."""
MOST = 100


class Signal(NamedTuple):
    """A query and the least number of calls, jobs, accounts or bytes that it shows."""

    name: str
    least: int
    statement: str

    def rows(self) -> list[Row]:
        """The rows over the threshold, the largest first."""
        return postgres.rows(self.statement, self.parameters())

    def parameters(self) -> dict[str, Any]:
        """The statement's parameters."""
        return {"hours": HOURS, "least": self.least, "most": MOST}


def _of_accounts(status: int) -> str:
    """Accounts with many calls that were answered with the status."""
    return f"""
        select account_id as account, count(*) as calls, min(at) as first, max(at) as last
          from app.request_log
         where status = {status} and at > now() - make_interval(hours => %(hours)s)
           and account_id is not null
         group by 1 having count(*) >= %(least)s order by calls desc limit %(most)s
    """  # noqa: S608 -- a constant; written out, so that the partial index is taken


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

FAILING_JOBS = Signal(
    "failed jobs by account and hour",
    30,
    """
    select account_id as account, date_trunc('hour', updated_at) as hour, count(*) as jobs,
           max(updated_at) as last, mode() within group (order by error_category) as category
      from app.jobs
     where status = 'failed' and updated_at > now() - make_interval(hours => %(hours)s)
     group by 1, 2 having count(*) >= %(least)s order by jobs desc limit %(most)s
    """,
)
"""Somebody looks for a way around the rules at our cost, or a client retries without end."""

MANY_ATTEMPTS = Signal(
    "jobs of several attempts by account",
    5,
    """
    select account_id as account, count(*) as jobs, sum(attempt - 1) as further_attempts,
           max(updated_at) as last
      from app.jobs
     where attempt > 1 and updated_at > now() - make_interval(hours => %(hours)s)
     group by 1 having count(*) >= %(least)s order by jobs desc limit %(most)s
    """,
)
"""Jobs that end their workers: a file or command that takes too much, or a bug."""

SLOW_SOURCES = Signal(
    "slow sources by account",
    10,
    """
    select j.account_id as account, count(*) as jobs, min(j.updated_at) as first,
           max(j.updated_at) as last
      from app.jobs j
     where j.status = 'failed' and j.updated_at > now() - make_interval(hours => %(hours)s)
       and exists (select from app.job_events e where e.job_id = j.id and e.kind = 'failed'
                     and e.detail ->> 'reason' = 'slow')
     group by 1 having count(*) >= %(least)s order by jobs desc limit %(most)s
    """,
)
"""Inputs from servers that drip, which hold a place for as long as they can."""

TRIAL_ACCOUNTS = Signal(
    "trial accounts by network",
    3,
    """
    select case when network ~ '^[0-9a-f:]+/64$' then network(set_masklen(network::inet, 48))::text
                else network end as network,
           count(*) as accounts, min(created_at) as first, max(created_at) as last
      from app.guests
     where created_at > now() - make_interval(hours => %(hours)s)
     group by 1 having count(*) >= %(least)s order by accounts desc limit %(most)s
    """,
)
"""Free minutes without an account, over and over. IPv6 by the /48."""

UPLOAD_BYTES = Signal(
    "bytes of uploads kept by account",
    20 * 2**30,
    """
    select account_id as account, sum(coalesce(size_bytes, declared_bytes)) as bytes,
           count(*) as uploads, count(*) filter (where confirmed_at is null) as unconfirmed,
           min(created_at) as first
      from app.files
     where role = 'upload' and deleted_at is null
     group by 1 having sum(coalesce(size_bytes, declared_bytes)) >= %(least)s
     order by bytes desc limit %(most)s
    """,
)
"""Somebody uses us as a store of files. An upload that is not confirmed counts as declared."""

SIGNALS = (
    BAD_CREDENTIALS,
    MANY_ACCOUNTS,
    TRIAL_ACCOUNTS,
    QUOTA_PROBING,
    HAMMERING,
    HOSTILE_REQUESTS,
    FAILING_JOBS,
    MANY_ATTEMPTS,
    SLOW_SOURCES,
    UPLOAD_BYTES,
)


def signals() -> dict[str, list[Row]]:
    """The rows of every signal, by name."""
    return {signal.name: signal.rows() for signal in SIGNALS}
