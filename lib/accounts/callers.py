"""Who is calling: one statement finds the account, its plan and what the request names of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from lib.accounts import keys
from lib.platform import postgres, tokens


@dataclass(frozen=True)
class Plan:
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
    plan: Plan
    files: dict[str, dict[str, Any]]
    """The caller's own among the files asked for: uploads by object name, outputs by job id."""
    hits: int
    """The account's calls in this minute, this one included."""
    window_hits: int | None
    """The same of the window that was asked for."""
    window_seconds: int
    """Until the minute is over."""


class Unknown(Exception):
    """The credential is no key or token of any account."""


class Closed(Unknown):
    """It is one of an account that is being deleted, or whose login is gone."""


def identify(
    credential: str,
    *,
    objects: Sequence[str] = (),
    jobs: Sequence[UUID] = (),
    window: str | None = None,
) -> Caller:
    """The account behind an API key or a Supabase Auth token. Raises Unknown, Closed.

    `objects` are object names of uploads, `jobs` ids of completed jobs, to look up among the
    caller's own. The account's calls are counted by the minute; `window` names a route whose calls
    are also counted by themselves. One round trip.
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
        objects,
        jobs,
        ["all", *([window] if window else [])],
    )


def in_the_name_of(
    account_id: UUID, *, objects: Sequence[str] = (), jobs: Sequence[UUID] = ()
) -> Caller:
    """The account as if it called, for what the operator does for it; counts no call.

    Raises Unknown, Closed.
    """
    return _find(_BY_PERSON, {"person": account_id, "issued": None}, objects, jobs, [])


def _find(
    who: str,
    credential: dict[str, Any],
    objects: Sequence[str],
    jobs: Sequence[UUID],
    windows: list[str],
) -> Caller:
    found = postgres.row(
        _statement(who, bool(objects), bool(jobs)),
        credential | {"objects": list(objects), "jobs": list(jobs), "windows": windows},
    )
    if found is None:
        raise Unknown
    if found["closed"]:
        raise Closed
    hits = found["hits"] or {}
    return Caller(
        account_id=found["account_id"],
        key_id=found["key_id"],
        scopes=frozenset(found["scopes"]),
        suspended_for=found["suspended_for"],
        guest=found["guest"],
        plan=Plan(
            found["plan_name"],
            found["minutes_per_month"],
            found["max_input_bytes"],
            found["max_job_seconds"],
            found["requests_per_minute"],
        ),
        files={file["object_name"]: _with_moments(file) for file in found["files"]},
        hits=hits.get("all", 0),
        window_hits=hits.get(windows[1]) if len(windows) > 1 else None,
        window_seconds=max(1, found["window_seconds"]),
    )


def _with_moments(file: dict[str, Any]) -> dict[str, Any]:
    """JSON has no moments."""
    for name in ("expires_at", "deleted_at"):
        file[name] = datetime.fromisoformat(file[name]) if file[name] else None
    return file


def count_address(window: str, address: str, *, wait: float | None = None) -> tuple[int, int]:
    """Count a call from an address; its calls in this minute, and the seconds until it is over.

    `wait` is as in `postgres.rows`. Raises PostgresError.
    """
    row = postgres.row(
        """
        insert into app.rate_windows as w (subject, started_at, hits)
        values (%(subject)s, date_trunc('minute', now()), 1)
        on conflict (subject, started_at) do update set hits = w.hits + 1
        returning hits, 60 - floor(extract(second from now()))::integer as seconds
        """,
        {"subject": f"{window}:{address}"},
        wait=wait,
    )
    return (row["hits"], max(1, row["seconds"])) if row else (1, 60)


@cache
def _statement(who: str, with_uploads: bool, with_jobs: bool) -> str:
    """The one statement. It holds no more than is asked for: planning it is most of its cost."""
    files = " || ".join(
        ([_UPLOADS] if with_uploads else []) + ([_OUTPUTS] if with_jobs else []) or ["'[]'::jsonb"]
    )
    return f"""
        with who as ({who}), counted as ({_COUNTED})
        select who.key_id, who.account_id, who.closed, who.scopes, who.suspended_for,
               who.guest,
               p.name as plan_name, p.minutes_per_month, p.max_input_bytes, p.max_job_seconds,
               p.requests_per_minute,
               (select jsonb_object_agg(name, hits) from counted) as hits,
               60 - floor(extract(second from now()))::integer as window_seconds,
               {files} as files
          from who join app.plans p on p.id = who.plan_id
    """  # noqa: S608 -- all of these texts are ours


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

_UPLOADS = """
    (select coalesce(jsonb_agg(to_jsonb(file)), '[]') from (
       select u.object_name, u.probe, u.expires_at, u.deleted_at from app.uploads u
        where u.account_id = who.account_id and u.object_name = any(%(objects)s::text[])) file)
"""

_OUTPUTS = """
    (select coalesce(jsonb_agg(jsonb_build_object('object_name', j.id, 'probe', null,
              'expires_at', j.files_expire_at, 'deleted_at', j.files_deleted_at)), '[]')
       from app.jobs j
      where j.account_id = who.account_id and j.id = any(%(jobs)s::uuid[])
        and j.status = 'completed')
"""
