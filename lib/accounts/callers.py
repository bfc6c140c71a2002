"""Who is calling: one statement finds the account, its plan and what the request names of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Caller:
    """An authenticated account; `key_id` is None for a signed-in person."""

    account_id: UUID
    key_id: UUID | None
    plan: Plan
    files: dict[str, dict[str, Any]]
    """The caller's own among the files asked for: uploads by object name, outputs by job id."""
    rate_hits: int | None
    """Calls in this minute's window, this one included, when a window was asked for."""


class Unknown(Exception):
    """The credential is no key or token of any account."""


def identify(
    credential: str,
    *,
    objects: Sequence[str] = (),
    jobs: Sequence[UUID] = (),
    window: str | None = None,
) -> Caller:
    """The account behind an API key or a Supabase Auth token. Raises Unknown.

    `objects` are object names of uploads, `jobs` ids of completed jobs, to look up among the
    caller's own; `window` names a route whose calls are counted by the minute and key. One round
    trip.
    """
    key_hash: bytes | None = None
    person: UUID | None = None
    if credential.count(".") == 2 and not credential.startswith(keys.PREFIX):
        try:
            person = tokens.subject(credential)
        except tokens.TokenRefused as error:
            raise Unknown from error
    else:
        key_hash = keys.digest(credential)
    found = postgres.row(
        _statement(
            _BY_KEY if key_hash else _BY_PERSON, bool(objects), bool(jobs), window is not None
        ),
        {
            "hash": key_hash,
            "person": person,
            "objects": list(objects),
            "jobs": list(jobs),
            "window": window,
        },
    )
    if found is None:
        raise Unknown
    return Caller(
        account_id=found["account_id"],
        key_id=found["key_id"],
        plan=Plan(
            found["plan_name"],
            found["minutes_per_month"],
            found["max_input_bytes"],
            found["max_job_seconds"],
        ),
        files={file["object_name"]: file for file in found["files"]},
        rate_hits=found["rate_hits"],
    )


@cache
def _statement(who: str, with_uploads: bool, with_jobs: bool, with_window: bool) -> str:
    """The one statement. It holds no more than is asked for: planning it is most of its cost."""
    counted = f", counted as ({_COUNTED})" if with_window else ""
    files = " || ".join(
        ([_UPLOADS] if with_uploads else []) + ([_OUTPUTS] if with_jobs else []) or ["'[]'::jsonb"]
    )
    return f"""
        with who as ({who}){counted}
        select who.key_id, who.account_id, p.name as plan_name,
               p.minutes_per_month, p.max_input_bytes, p.max_job_seconds,
               {"(select hits from counted)" if with_window else "null::integer"} as rate_hits,
               {files} as files
          from who join app.plans p on p.id = who.plan_id
    """  # noqa: S608 -- all of these texts are ours


_BY_KEY = """
    select k.id as key_id, a.id as account_id, a.plan_id
      from app.api_keys k join app.accounts a on a.id = k.account_id
     where k.hash = %(hash)s and k.revoked_at is null
       and (k.expires_at is null or k.expires_at > now())
"""

_BY_PERSON = """
    select null::uuid as key_id, id as account_id, plan_id
      from app.accounts where id = %(person)s
"""

_COUNTED = """
    insert into app.rate_windows as w (subject, started_at, hits)
    select %(window)s || ':' || coalesce(key_id, account_id), date_trunc('minute', now()), 1
      from who
    on conflict (subject, started_at) do update set hits = w.hits + 1
    returning hits
"""

_UPLOADS = """
    (select coalesce(jsonb_agg(to_jsonb(file)), '[]') from (
       select u.object_name, u.probe from app.uploads u
        where u.account_id = who.account_id and u.object_name = any(%(objects)s::text[])) file)
"""

_OUTPUTS = """
    (select coalesce(jsonb_agg(jsonb_build_object('object_name', j.id, 'probe', null)), '[]')
       from app.jobs j
      where j.account_id = who.account_id and j.id = any(%(jobs)s::uuid[])
        and j.status = 'completed')
"""
