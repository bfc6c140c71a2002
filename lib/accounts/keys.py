"""API keys: `ffm_` and 32 random bytes, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.times import stamp, stamp_or_none

PREFIX = "ffm_"
MOST = 100
"""Keys that an account may have at a time."""
Scope = Literal["jobs", "read"]
_ALL: tuple[Scope, ...] = ("jobs", "read")
_COLUMNS = "id, label, scopes, starts_with, created_at, last_used_at, expires_at"


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What to make: `jobs` makes and reads, `read` only reads."""

    label: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """Your name for the key."""
    expires_at: datetime | None = None
    """When it expires, ISO 8601; never if left out."""
    scopes: list[Scope] = msgspec.field(default_factory=lambda: list(_ALL))
    """What the key may do."""


class Rename(msgspec.Struct, forbid_unknown_fields=True):
    """A key's new label."""

    label: Annotated[str, msgspec.Meta(max_length=100)]
    """The new label."""


class Key(msgspec.Struct):
    """A key as its owner sees it."""

    id: str
    """The key's id."""
    label: str
    """Your name for the key."""
    scopes: list[Scope]
    """What the key may do."""
    starts_with: str
    """Its first letters, to tell it from others."""
    created_at: str
    """When it was created, ISO 8601."""
    last_used_at: str | None
    """To the minute."""
    expires_at: str | None
    """When it expires; null for never."""


class Created(Key):
    """A key that was just made; this is the only time it is shown."""

    key: str
    """The key itself. It is shown only this once."""


class Keys(msgspec.Struct):
    """An account's keys, those revoked left out, newest first."""

    items: list[Key]
    """The keys."""


def create(account_id: UUID, request: NewKey) -> Created:
    """Make a key. Raises Problem 400 for a time in the past, no scope, or too many keys."""
    if not request.scopes:
        raise Problem("invalid_request", "`scopes` must hold jobs, read or both.")
    expires = request.expires_at
    if expires is not None:
        expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
        if expires <= datetime.now(UTC):
            raise Problem("invalid_request", "`expires_at` must be in the future.")
    key = PREFIX + secrets.token_urlsafe(32)
    row = postgres.row(
        f"""
        insert into app.api_keys (account_id, hash, label, scopes, starts_with, expires_at)
        select %(account)s, %(hash)s, %(label)s, %(scopes)s, %(starts)s, %(expires)s
         where (select count(*) from app.api_keys
                 where account_id = %(account)s and revoked_at is null) < %(most)s
        returning {_COLUMNS}
        """,  # noqa: S608 -- the columns are ours
        {
            "account": account_id,
            "hash": digest(key),
            "label": request.label,
            "scopes": sorted(set(request.scopes)),
            "starts": first_letters(key),
            "expires": expires,
            "most": MOST,
        },
    )
    if row is None:
        raise Problem(
            "key_limit", f"An account has at most {MOST} keys. Revoke one that is not used."
        )
    return Created(**msgspec.structs.asdict(_key(row)), key=key)


def list_keys(account_id: UUID) -> Keys:
    """The account's keys."""
    rows = postgres.rows(
        f"""
        select {_COLUMNS} from app.api_keys
         where account_id = %(account)s and revoked_at is null order by created_at desc, id
        """,  # noqa: S608
        {"account": account_id},
    )
    return Keys([_key(row) for row in rows])


def rename(account_id: UUID, key_id: str, request: Rename) -> Key:
    """Give a key another label. Raises Problem 404."""
    row = postgres.row(
        f"""
        update app.api_keys set label = %(label)s
         where id = %(id)s and account_id = %(account)s and revoked_at is null
        returning {_COLUMNS}
        """,  # noqa: S608
        {"label": request.label, "id": _parse_id(key_id), "account": account_id},
    )
    if row is None:
        raise _unknown()
    return _key(row)


def revoke(account_id: UUID, key_id: str) -> None:
    """End a key at once. Raises Problem 404."""
    row = postgres.row(
        """
        update app.api_keys set revoked_at = now()
         where id = %(id)s and account_id = %(account)s and revoked_at is null
        returning id
        """,
        {"id": _parse_id(key_id), "account": account_id},
    )
    if row is None:
        raise _unknown()


def first_letters(key: str) -> str:
    """The first letters of a key, which tell it from others and open nothing."""
    return key[: len(PREFIX) + 4]


def digest(key: str) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


def _key(row: dict[str, Any]) -> Key:
    return Key(
        id=str(row["id"]),
        label=row["label"],
        scopes=row["scopes"],
        starts_with=row["starts_with"],
        created_at=stamp(row["created_at"]),
        last_used_at=stamp_or_none(row["last_used_at"]),
        expires_at=stamp_or_none(row["expires_at"]),
    )


def _parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Exception:
    return Problem("key_not_found", "There is no key of yours with this id.")
