"""Who is calling: one statement finds the account and its plan, and counts the call."""

from __future__ import annotations

from dataclasses import dataclass
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
    windows = ["all", *([window] if window else [])]
    return _find(key_hash=key_hash, person=person, issued=issued, windows=windows)


def in_the_name_of(account_id: UUID) -> Caller:
    """The account as if it called, for what the operator does for it; counts no call.

    Raises Unknown, Closed.
    """
    return _find(key_hash=None, person=account_id, issued=None, windows=[])


def _find(
    *, key_hash: bytes | None, person: UUID | None, issued: int | None, windows: list[str]
) -> Caller:
    row = postgres.row(
        "select * from app.identify(%(hash)s, %(person)s, %(issued)s, %(windows)s::text[])",
        {"hash": key_hash, "person": person, "issued": issued, "windows": windows},
    )
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
