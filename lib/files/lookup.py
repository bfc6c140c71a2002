"""The caller's own files in Storage, found by their whole gs:// address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from lib.files import addresses, names
from lib.files.stores.storage import OUTPUTS, UPLOADS
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
    parsed = [address for address in map(addresses.parse, urls) if address]
    if not parsed:
        return {}
    uploads = [each.object_name for each in parsed if each.bucket == UPLOADS]
    outputs = [each for each in parsed if each.job_id]
    statement = " union all ".join(
        ([_UPLOADS] if uploads else []) + ([_OUTPUTS] if outputs else [])
    )
    if not statement:
        return {}
    rows = postgres.rows(
        statement,
        {
            "account": account_id,
            "uploads": uploads,
            "jobs": [each.job_id for each in outputs],
            "outputs": [str(each) for each in outputs],
        },
    )
    return {
        row["url"]: StoredFile(
            row["probe"], row["expires_at"], row["deleted_at"], names.label(row["label"])
        )
        for row in rows
    }


_UPLOADS = f"""
    select 'gs://{UPLOADS}/' || u.object_name as url, u.probe, u.expires_at, u.deleted_at,
           u.filename as label
      from app.uploads u
     where u.account_id = %(account)s and u.object_name = any(%(uploads)s::text[])
"""  # noqa: S608 -- the bucket's name is ours

_OUTPUTS = f"""
    select output ->> 'url' as url, null::jsonb as probe, j.files_expire_at as expires_at,
           j.files_deleted_at as deleted_at, output ->> 'filename' as label
      from app.jobs j, jsonb_array_elements(j.outputs) output
     where j.account_id = %(account)s and j.id = any(%(jobs)s::uuid[]) and j.status = 'completed'
       and output ->> 'url' like 'gs://{OUTPUTS}/%%' and output ->> 'url' = any(%(outputs)s::text[])
"""  # noqa: S608
