"""API keys: `ffm_` and 32 random bytes, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from uuid import UUID

from lib.platform import postgres

PREFIX = "ffm_"


def create(account_id: UUID, label: str) -> tuple[dict[str, Any], str]:
    """Make a key for the account. Returns its row (id, label, created_at) and the key itself."""
    key = PREFIX + secrets.token_urlsafe(32)
    made = postgres.row(
        """
        insert into app.api_keys (account_id, hash, label)
        values (%(account)s, %(hash)s, %(label)s)
        returning id, label, created_at
        """,
        {"account": account_id, "hash": digest(key), "label": label},
    )
    assert made is not None  # noqa: S101 -- insert … returning gives a row or raises
    return made, key


def digest(key: str) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hashlib.sha256(key.encode()).digest()
