"""Who is calling: one statement finds the account and its plan, and counts the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lib.accounts import keys
from lib.platform import postgres
from lib.platform.supabase import tokens
from lib.usage.plan_limits import within_storage


@dataclass(frozen=True)
class AccountPlan:
    """The limits of the caller's plan, as the database has them."""

    name: str
    minutes_per_month: int
    max_input_bytes: int
    max_job_seconds: int
    requests_per_minute: int


@dataclass(frozen=True)
class Caller:
    """An authenticated account; `key_id` is None for a signed-in person."""

    account_id: UUID
    key_id: UUID | None
    scopes: frozenset[str]
    """What the key may do: jobs, read; all of it for a person."""
    suspended_for: str | None
    """Why the account may not work; None when it may."""
    guest: bool
    """Whether it is a visitor's, who has no account of a person."""
    plan: AccountPlan
    hits: int
    """The account's calls in this minute, this one included."""
    window_hits: int | None
    """The same of the window that was asked for."""
    window_seconds: int
    """Until the minute ends."""


class Unknown(Exception):
    """The credential belongs to no account."""


class Closed(Unknown):
    """It is one of an account that is being deleted, or whose login is gone."""


def identify(credential: str, *, window: str | None = None) -> Caller:
    """The account behind an API key or a Supabase Auth token. Raises Unknown, Closed.

    The account's calls are counted by the minute; `window` names a route whose calls are also
    counted by themselves. One round trip.
    """
    key_hash: bytes | None = None
    person: UUID | None = None
    issued = 0
    if credential.count(".") == 2 and not credential.startswith(keys.PREFIX):
        try:
            person, issued = tokens.subject(credential)
        except tokens.TokenRefused as error:
            raise Unknown from error
    else:
        key_hash = keys.digest(credential)
    return _find(
        _BY_KEY if key_hash else _BY_PERSON,
        {"hash": key_hash, "person": person, "issued": issued},
        ["all", *([window] if window else [])],
    )


def in_the_name_of(account_id: UUID) -> Caller:
    """The account as if it called, for what the operator does for it; counts no call.

    Raises Unknown, Closed.
    """
    return _find(_BY_PERSON, {"person": account_id, "issued": None}, [])


def _find(who: str, credential: dict[str, Any], windows: list[str]) -> Caller:
    row = postgres.row(_STATEMENT.format(who=who), credential | {"windows": windows})
    if row is None:
        raise Unknown
    if row["closed"]:
        raise Closed
    hits = row["hits"] or {}
    return Caller(
        account_id=row["account_id"],
        key_id=row["key_id"],
        scopes=frozenset(row["scopes"]),
        suspended_for=row["suspended_for"],
        guest=row["guest"],
        plan=AccountPlan(
            row["plan_name"],
            row["minutes_per_month"],
            within_storage(row["max_input_bytes"]),
            row["max_job_seconds"],
            row["requests_per_minute"],
        ),
        hits=hits.get("all", 0),
        window_hits=hits.get(windows[1]) if len(windows) > 1 else None,
        window_seconds=max(1, row["window_seconds"]),
    )


_BY_KEY = """
    select k.id as key_id, k.scopes, a.id as account_id, a.plan_id,
           a.guest_until is not null as guest,
           a.closed_at is not null as closed,
           case when a.suspended_at is not null then coalesce(a.suspended_for, '') end
             as suspended_for
      from app.api_keys k join app.accounts a on a.id = k.account_id
     where k.hash = %(hash)s and k.revoked_at is null
       and (k.expires_at is null or k.expires_at > now())
"""

_BY_PERSON = """
    select null::uuid as key_id, array['jobs', 'read'] as scopes, id as account_id, plan_id,
           closed_at is not null as closed, guest_until is not null as guest,
           case when suspended_at is not null then coalesce(suspended_for, '') end as suspended_for
      from app.accounts
     where id = %(person)s
       and (sessions_ended_at is null or %(issued)s::bigint is null
            or to_timestamp(%(issued)s::bigint) >= date_trunc('second', sessions_ended_at))
"""

_COUNTED = """
    insert into app.rate_windows as w (subject, started_at, hits)
    select name || ':' || account_id, date_trunc('minute', now()), 1
      from who, unnest(%(windows)s::text[]) as name
     where not who.closed
    on conflict (subject, started_at) do update set hits = w.hits + 1
    returning split_part(subject, ':', 1) as name, hits
"""

_STATEMENT = f"""
    with who as ({{who}}), counted as ({_COUNTED})
    select who.key_id, who.account_id, who.closed, who.scopes, who.suspended_for, who.guest,
           p.name as plan_name, p.minutes_per_month, p.max_input_bytes, p.max_job_seconds,
           p.requests_per_minute,
           (select jsonb_object_agg(name, hits) from counted) as hits,
           60 - floor(extract(second from now()))::integer as window_seconds
      from who join app.plans p on p.id = who.plan_id
"""  # noqa: S608 -- all of these texts are ours
