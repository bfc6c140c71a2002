"""Accounts as the operator sees them; suspending and resuming. Looking is logged too."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lib.accounts import keys
from lib.admin.output import Refused, Row
from lib.jobs import cancel
from lib.platform import postgres

MOST = 20
"""Accounts that one search shows."""
SUSPENDED = "The account was suspended."
"""The message of jobs canceled by a suspension, as in app.cancel_job_of_suspended."""


def find(term: str, *, who: str) -> list[Row]:
    """The accounts behind an address (or a part of one), an account's or a job's id, or a key.

    A key is given by its first letters, or whole.
    """
    return postgres.rows(
        f"""
        with found as (
          select a.id, a.email, a.name, a.plan_id, a.created_at, a.suspended_at
            from app.accounts a where {_condition(term)} order by a.created_at limit %(most)s
        ),
        logged as (
          insert into app.operator_log (who, act, account_id) select %(who)s, 'find', id from found
        )
        select id as account, email, name, plan_id as plan, created_at as opened,
               suspended_at as suspended
          from found
        """,  # noqa: S608 -- the conditions are ours
        {
            "term": term,
            "hash": keys.digest(term),
            "starts": term[:8],
            "who": who,
            "most": MOST,
        },
    )


def show(account_id: UUID, *, who: str) -> dict[str, list[Row]]:
    """All that support needs of an account: plan, limits, usage by month, keys, states of jobs."""
    row = postgres.row(
        """
        with account as (select * from app.accounts where id = %(id)s),
        logged as (
          insert into app.operator_log (who, act, account_id)
          select %(who)s, 'show', id from account
        )
        select
          json_build_object(
            'account', a.id, 'email', a.email, 'name', a.name, 'plan', p.name,
            'opened', a.created_at, 'closed', a.closed_at,
            'suspended', a.suspended_at, 'suspended_for', a.suspended_for) as account,
          json_build_object(
            'minutes_per_month', p.minutes_per_month, 'max_input_bytes', p.max_input_bytes,
            'max_output_bytes', p.max_output_bytes, 'max_job_seconds', p.max_job_seconds,
            'jobs_at_once', p.jobs_at_once, 'requests_per_minute', p.requests_per_minute) as limits,
          (select coalesce(json_agg(u order by u.period desc), '[]') from (
             select to_char(period, 'YYYY-MM') as period, used_minutes, reserved_minutes,
                    granted_minutes
               from app.usage where account_id = a.id order by period desc limit 12) u) as usage,
          (select coalesce(json_agg(k order by k.created_at), '[]') from (
             select id as key, starts_with, label, scopes, created_at, last_used_at, expires_at,
                    revoked_at
               from app.api_keys where account_id = a.id) k) as keys,
          (select coalesce(json_agg(j order by j.status), '[]') from (
             select status, count(*) as jobs, max(updated_at) as last
               from app.jobs where account_id = a.id group by 1) j) as jobs
          from account a join app.plans p on p.id = a.plan_id
        """,
        {"id": account_id, "who": who},
    )
    if row is None:
        raise unknown()
    return {
        name: [value] if isinstance(value, dict) else value
        for name, value in row.items()
        if value is not None
    }


def suspend(account_id: UUID, *, reason: str, who: str) -> int:
    """Refuse all further calls of the account with the reason and cancel its jobs, uncharged.

    Returns the number of jobs canceled. Raises Refused. Safe to repeat: a second call cancels what
    the first one left. The account is suspended in a transaction of its own, because a create locks
    the month's usage before the account; app.cancel_job_of_suspended covers creates under way.
    """
    _change(
        account_id,
        "suspend",
        "suspended_at = coalesce(a.suspended_at, now()), suspended_for = %(reason)s",
        reason=reason,
        who=who,
    )
    return cancel.cancel_all(account_id, SUSPENDED, "account_suspended")


def resume(account_id: UUID, *, reason: str, who: str) -> None:
    """Let a suspended account work again; its canceled jobs stay canceled. Raises Refused."""
    _change(
        account_id, "resume", "suspended_at = null, suspended_for = null", reason=reason, who=who
    )


def unknown() -> Refused:
    """There is no such account."""
    return Refused("There is no account with this id. Look for it with: find ADDRESS")


def _change(account_id: UUID, act: str, values: str, *, reason: str, who: str) -> None:
    parameters: dict[str, Any] = {"id": account_id, "act": act, "reason": reason, "who": who}
    row = postgres.row(
        f"""
        with before as (
          select id, suspended_at from app.accounts where id = %(id)s for update
        ),
        changed as (
          update app.accounts a set {values} from before b
           where a.id = b.id and (%(act)s = 'suspend' or b.suspended_at is not null)
          returning a.id
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, reason)
          select %(who)s, %(act)s, id, %(reason)s from changed
        )
        select exists (select from changed) as done from before
        """,  # noqa: S608
        parameters,
    )
    if row is None:
        raise unknown()
    if not row["done"]:
        raise Refused("This account is not suspended.")


def _condition(term: str) -> str:
    try:
        UUID(term)
    except ValueError:
        pass
    else:
        return "a.id = %(term)s or a.id = (select account_id from app.jobs where id = %(term)s)"
    if term.startswith(keys.PREFIX):
        return """a.id in (select account_id from app.api_keys
                           where hash = %(hash)s or (starts_with <> '' and starts_with = %(starts)s
                             and length(%(term)s) <= 8))"""
    return "position(lower(%(term)s) in lower(a.email)) > 0"
