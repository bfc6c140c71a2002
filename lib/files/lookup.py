"""The caller's own files in Storage, found by their whole gs:// address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from lib.files import addresses, names
from lib.platform import postgres


class StoredFile(NamedTuple):
    """A file of an account: an upload, or an output of a completed job."""

    probe: dict[str, Any] | None
    """What confirm found in an upload."""
    expires_at: datetime | None
    deleted_at: datetime | None
    label: str
    """What its owner calls it."""


def own_files(account_id: UUID, urls: Iterable[str]) -> dict[str, StoredFile]:
    """Those of `urls` that are files of the account, by their address.

    Addresses are compared whole: one that only means the same, such as one with an encoded or an
    extra segment, is not found. One round trip, or none when no address is a stored file's.
    """
    stored = [url for url in urls if addresses.parse(url)]
    if not stored:
        return {}
    rows = postgres.rows(
        """
        select f.address, f.probe, f.expires_at, f.deleted_at, f.filename
          from app.files f
         where f.account_id = %(account)s and f.address = any(%(addresses)s::text[])
        """,
        {"account": account_id, "addresses": stored},
    )
    return {
        row["address"]: StoredFile(
            row["probe"], row["expires_at"], row["deleted_at"], names.label(row["filename"])
        )
        for row in rows
    }
