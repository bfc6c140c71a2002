"""Objects in Storage that no row of app.files knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lib.files.addresses import SCHEME, Address
from lib.files.stores.storage import BUCKETS, OUTPUTS
from lib.platform import postgres


def find(batch: int, hours: int) -> list[Address]:
    """Objects that no row knows: `hours` old, or of an account that is gone."""
    values = {"batch": batch, "hours": hours, "buckets": list(BUCKETS)}
    return _addresses(postgres.rows(_ORPHANS, values))


def find_late(batch: int) -> list[Address]:
    """Objects of uploads that were deleted before the bytes came: their links still worked."""
    return _addresses(postgres.rows(_LATE, {"batch": batch}))


def record_deletions(files: Sequence[Address]) -> None:
    """Record the deletion of orphans.

    Of an account that is gone nothing is recorded but that a file was there.
    """
    postgres.rows(
        _DELETED,
        {
            "buckets": [file.bucket for file in files],
            "keys": [file.key for file in files],
        },
    )


def _addresses(rows: list[dict[str, Any]]) -> list[Address]:
    return [Address(row["bucket_id"], row["name"]) for row in rows]


_OF_AN_ACCOUNT = """
    exists (
      select from app.accounts a
       where a.id = case when split_part(o.name, '/', 1) ~ '^[0-9a-f-]{36}$'
                      then split_part(o.name, '/', 1)::uuid end)
"""

# What arrives for an account that is gone, by a link it was given before, gets no row any more. A
# running job may be storing an output; an export that is not stored has no time to expire yet.
_ORPHANS = f"""
    select o.bucket_id, o.name from storage.objects o
     where o.bucket_id = any(%(buckets)s::text[])
       and (o.created_at < now() - make_interval(hours => %(hours)s) or not {_OF_AN_ACCOUNT})
       and not exists (
         select from app.files f
          where f.address = '{SCHEME}' || o.bucket_id || '/' || o.name
            and f.deleted_at is null and f.expires_at is not null)
       and not (o.bucket_id = '{OUTPUTS}' and exists (
         select from app.jobs j
          where j.id = case when split_part(o.name, '/', 2) ~ '^[0-9a-f-]{{36}}$'
                         then split_part(o.name, '/', 2)::uuid end
            and j.status in ('pending', 'processing')))
     limit %(batch)s
"""  # noqa: S608 -- the texts are ours

_LATE = """
    select o.bucket_id, o.name
      from app.files f join storage.objects o on o.bucket_id = f.bucket and o.name = f.key
     where f.role = 'upload' and f.deleted_at > now() - interval '1 day'
     limit %(batch)s
"""

_DELETED = f"""
    insert into app.deletions (bucket, key, reason)
    select o.bucket, case when {_OF_AN_ACCOUNT} then o.name else '-' end, 'orphan'
      from unnest(%(buckets)s::text[], %(keys)s::text[]) as o (bucket, name)
"""  # noqa: S608
