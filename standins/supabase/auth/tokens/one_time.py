"""One-time tokens: what mailed links and codes are checked against. Only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from standins.supabase.auth.database import Connection

Kind = Literal[
    "confirmation_token",
    "recovery_token",
    "email_change_token_new",
    "email_change_token_current",
    "reauthentication_token",
]
LIFETIME = timedelta(hours=1)
"""As hosted."""
PKCE_PREFIX = "pkce_"


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(10**6):06}"


def token_hash(address: str, code: str) -> str:
    """What stands in a link: the hash of address and code, so that either proves the mail."""
    return hashlib.sha224(f"{address}{code}".encode()).hexdigest()


def store(
    connection: Connection, user_id: UUID, kind: Kind, token_hash: str, address: str, now: datetime
) -> None:
    """Keep a token; an earlier one of its kind is worth nothing from now on."""
    connection.execute(
        "insert into auth.one_time_tokens"
        " (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)"
        " values (%(id)s, %(user_id)s, %(kind)s, %(hashed)s, %(address)s, %(now)s, %(now)s)"
        " on conflict (user_id, token_type) do update set token_hash = excluded.token_hash,"
        " relates_to = excluded.relates_to, created_at = excluded.created_at,"
        " updated_at = excluded.updated_at",
        {
            "id": uuid4(),
            "user_id": user_id,
            "kind": kind,
            "hashed": token_hash,
            "address": address,
            "now": now,
        },
    )


def take(
    connection: Connection, kinds: Sequence[Kind], token_hash: str, now: datetime
) -> tuple[UUID, Kind] | None:
    """Spend a live token: its user and kind; None when there is none.

    A token that was made for PKCE is found with and without its prefix.
    """
    row = connection.execute(
        "delete from auth.one_time_tokens where token_type::text = any(%s)"
        " and token_hash = any(%s) and created_at > %s returning user_id, token_type",
        (list(kinds), [token_hash, f"{PKCE_PREFIX}{token_hash}"], now - LIFETIME),
    ).fetchone()
    return (row[0], row[1]) if row else None


def clear(connection: Connection, user_id: UUID, kinds: Sequence[Kind] | None = None) -> None:
    """Forget a user's tokens: all, or those of some kinds."""
    connection.execute(
        "delete from auth.one_time_tokens where user_id = %s"
        " and (%s::text[] is null or token_type::text = any(%s))",
        (user_id, list(kinds) if kinds else None, list(kinds) if kinds else None),
    )
