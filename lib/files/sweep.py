"""Deletes files that have expired or belong to nobody.

Each step works in batches that are claimed, so that it may run twice, at once, or not for a week:
a batch that was claimed and not finished is due again a little later. A file that can't be deleted
is tried again, ever later, until it is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lib.files import addresses
from lib.files.stores import storage
from lib.files.stores.storage import EXPORTS, OUTPUTS, UPLOADS, StorageError
from lib.platform import postgres

BATCH = 500
CLAIM_SECONDS = 120
"""How long a batch is left to the sweep that claimed it."""
UNCONFIRMED_HOURS = 2
"""An upload's link works for so long; what is not confirmed by then is deleted."""
ORPHAN_HOURS = 24
"""Newer objects may still get a row, or belong to a running attempt."""


class Swept(msgspec.Struct):
    """Counts of what a sweep did."""

    uploads: int = 0
    outputs: int = 0
    exports: int = 0
    failed: int = 0
    """Files that could not be deleted just now."""
    orphans: int = 0
    """Objects without a row."""
    missing: int = 0
    """Rows whose object was not there any more."""
    guests: int = 0
    """Guests whose hour has ended; tasks erase their accounts."""
    addresses_dropped: int = 0
    calls_rolled_up: int = 0
    finished: bool = False
    """Whether nothing was left; else another run goes on."""


Step = Callable[[Swept], int]
"""Handles one batch and adds to the counts; returns how many rows it handled."""


def sweep(seconds: float, further: Sequence[Step] = ()) -> Swept:
    """Delete for at most about `seconds`, then run `further` steps.

    Raises nothing that Storage causes.
    """
    end = time.monotonic() + seconds
    swept = Swept()
    steps = (_uploads, _unconfirmed, _outputs, _exports, _orphans, _late, _missing)
    for step in (*steps, *further):
        while step(swept) == BATCH:
            if time.monotonic() > end:
                return swept
    swept.finished = swept.failed == 0
    postgres.rows(
        "insert into app.last_sweep (ended_at) values (now())"
        " on conflict (one) do update set ended_at = now()"
    )
    return swept


def oldest_overdue() -> float | None:
    """Seconds since the oldest expired file that is still there should have gone; None for none."""
    row = postgres.row(
        """
        select extract(epoch from now() - least(
          (select min(expires_at) from app.uploads where deleted_at is null),
          (select min(files_expire_at) from app.jobs
            where files_expire_at is not null and files_deleted_at is null),
          (select min(expires_at) from app.exports where deleted_at is null)))::float8 as seconds
        """
    )
    return row["seconds"] if row and row["seconds"] and row["seconds"] > 0 else None


def last() -> datetime | None:
    """When a sweep came to its end last; None before the first."""
    row = postgres.row("select ended_at from app.last_sweep")
    return row["ended_at"] if row else None


def delete_now(rows: list[dict[str, Any]], reason: str) -> bool:
    """Delete claimed files, of rows with kind, id, account_id and names; False when that failed."""
    names: dict[str, list[str]] = {bucket: [] for bucket in _DELETED_FILES}
    for row in rows:
        names[row["bucket"]] += row["names"]
    try:
        for bucket, objects in names.items():
            storage.remove(bucket, objects)
    except StorageError:
        return False
    for bucket, statement in _DELETED_FILES.items():
        of_bucket = [row for row in rows if row["bucket"] == bucket]
        if of_bucket:
            postgres.rows(
                statement,
                {
                    "ids": [row["id"] for row in of_bucket],
                    "bucket": bucket,
                    "names": [name for row in of_bucket for name in row["names"]],
                    "accounts": [row["account_id"] for row in of_bucket for _ in row["names"]],
                    "reason": reason,
                },
            )
    return True


def _uploads(swept: Swept) -> int:
    return _delete_uploads(
        postgres.rows(_DUE_UPLOADS, {"batch": BATCH, "claim": CLAIM_SECONDS}), swept
    )


def _unconfirmed(swept: Swept) -> int:
    """Uploads that nobody confirmed, and those that are larger than their link was asked for."""
    values = {"batch": BATCH, "claim": CLAIM_SECONDS, "hours": UNCONFIRMED_HOURS}
    return _delete_uploads(postgres.rows(_UNCONFIRMED, values), swept)


def _delete_uploads(rows: list[dict[str, Any]], swept: Swept) -> int:
    for row in rows:
        row |= {"bucket": UPLOADS, "names": [row["object_name"]]}
    swept.uploads += _delete(rows, swept)
    return len(rows)


def _outputs(swept: Swept) -> int:
    rows = postgres.rows(_DUE_OUTPUTS, {"batch": BATCH, "claim": CLAIM_SECONDS})
    for row in rows:
        outputs = [addresses.parse(output["url"]) for output in row["outputs"] or ()]
        row |= {"bucket": OUTPUTS, "names": [each.object_name for each in outputs if each]}
    swept.outputs += _delete(rows, swept)
    return len(rows)


def _exports(swept: Swept) -> int:
    rows = postgres.rows(_DUE_EXPORTS, {"batch": BATCH, "claim": CLAIM_SECONDS})
    for row in rows:
        row |= {"bucket": EXPORTS, "names": [row["object_name"]]}
    swept.exports += _delete(rows, swept)
    return len(rows)


def _delete(rows: list[dict[str, Any]], swept: Swept) -> int:
    """Delete a batch; one by one when the batch fails, so that one bad file holds up no other."""
    if not rows:
        return 0
    if delete_now(rows, "expired"):
        return len(rows)
    done = 0
    for row in rows:
        if delete_now([row], "expired"):
            done += 1
        else:
            swept.failed += 1
            if swept.failed >= 3 and done == 0:  # Storage is away: all are due again later
                break
    return done


def _orphans(swept: Swept) -> int:
    """Objects that no row knows: of uploads never recorded, of attempts that were lost."""
    return _delete_orphans(postgres.rows(_ORPHANS, {"batch": BATCH, "hours": ORPHAN_HOURS}), swept)


def _late(swept: Swept) -> int:
    """Objects of uploads that were deleted before the bytes came: their links still worked."""
    return _delete_orphans(postgres.rows(_LATE, {"batch": BATCH}), swept)


def _delete_orphans(rows: list[dict[str, Any]], swept: Swept) -> int:
    try:
        for bucket in _DELETED_FILES:
            names = [row["name"] for row in rows if row["bucket_id"] == bucket]
            storage.remove(bucket, names)
            postgres.rows(_RECORD, {"bucket": bucket, "names": names})
    except StorageError:
        swept.failed += len(rows)
        return 0
    swept.orphans += len(rows)
    return len(rows)


def _missing(swept: Swept) -> int:
    rows = postgres.rows(_MISSING, {"batch": BATCH})
    swept.missing += len(rows)
    return len(rows)


# A claimed row is due again after a while that doubles with each try, a day at most.
_LATER = """
    now() + make_interval(secs => least(86400, %(claim)s * power(2, least(sweep_tries, 10))))
"""

_DUE = """
    with due as (
      select id from {table}
       where {deleted} is null and {expires} <= now() and sweep_at <= now()
       order by {expires} limit %(batch)s for update skip locked
    )
    update {table} t set sweep_at = {later}, sweep_tries = sweep_tries + 1
      from due where t.id = due.id
    returning t.id, t.account_id, t.{files}
"""

_DUE_UPLOADS = _DUE.format(
    table="app.uploads", deleted="deleted_at", expires="expires_at", files="object_name",
    later=_LATER,
)  # fmt: skip
_DUE_EXPORTS = _DUE.format(
    table="app.exports", deleted="deleted_at", expires="expires_at", files="object_name",
    later=_LATER,
)  # fmt: skip
_DUE_OUTPUTS = _DUE.format(
    table="app.jobs", deleted="files_deleted_at", expires="files_expire_at", files="outputs",
    later=_LATER,
)  # fmt: skip

# What an unfinished job reads is left to it.
_UNCONFIRMED = f"""
    with due as (
      select u.id from app.uploads u
       where u.confirmed_at is null and u.deleted_at is null and u.sweep_at <= now()
         and (u.created_at < now() - make_interval(hours => %(hours)s)
              or exists (select from storage.objects o
                          where o.bucket_id = 'uploads' and o.name = u.object_name
                            and (o.metadata ->> 'size')::bigint > u.declared_bytes))
         and not exists (select from app.jobs j
                          where j.account_id = u.account_id
                            and j.status in ('pending', 'processing')
                            and j.inputs @> jsonb_build_array(jsonb_build_object(
                                  'url', 'gs://uploads/' || u.object_name)))
       order by u.created_at limit %(batch)s for update skip locked
    )
    update app.uploads t set sweep_at = {_LATER}, sweep_tries = sweep_tries + 1
      from due where t.id = due.id
    returning t.id, t.account_id, t.object_name
"""  # noqa: S608

_RECORDED = """
    recorded as (
      insert into app.deletions (account_id, bucket, object_name, reason)
      select account, %(bucket)s, name, %(reason)s
        from unnest(%(accounts)s::uuid[], %(names)s::text[]) as each (account, name)
    )
"""

_UPLOADS_GONE = f"""
    with {_RECORDED}
    update app.uploads set deleted_at = now(), expires_at = least(expires_at, now())
     where id = any(%(ids)s::uuid[]) and deleted_at is null
"""  # noqa: S608

_OUTPUTS_GONE = f"""
    with {_RECORDED}
    update app.jobs set files_deleted_at = now(), files_expire_at = least(files_expire_at, now())
     where id = any(%(ids)s::uuid[]) and files_deleted_at is null
"""  # noqa: S608

_EXPORTS_GONE = f"""
    with {_RECORDED}
    update app.exports set deleted_at = now()
     where id = any(%(ids)s::uuid[]) and deleted_at is null
"""  # noqa: S608

_DELETED_FILES = {UPLOADS: _UPLOADS_GONE, OUTPUTS: _OUTPUTS_GONE, EXPORTS: _EXPORTS_GONE}
"""What is noted of files that were deleted, for each bucket."""

_OF_AN_ACCOUNT = """
    exists (
      select from app.accounts a
       where a.id = case when split_part({name}, '/', 1) ~ '^[0-9a-f-]{{36}}$'
                      then split_part({name}, '/', 1)::uuid end)
"""

# Of an account that is gone nothing is recorded but that a file was there.
_RECORD = f"""
    insert into app.deletions (bucket, object_name, reason)
    select %(bucket)s, case when {_OF_AN_ACCOUNT.format(name="name")} then name else '-' end,
           'orphan'
      from unnest(%(names)s::text[]) as name
"""  # noqa: S608 -- the texts are ours

# What arrives for an account that is gone, by a link it was given before, gets no row any more.
_ORPHANS = f"""
    select o.bucket_id, o.name from storage.objects o
     where (o.created_at < now() - make_interval(hours => %(hours)s)
            or not {_OF_AN_ACCOUNT.format(name="o.name")})
       and ((o.bucket_id = 'uploads' and not exists (
               select from app.uploads u where u.object_name = o.name and u.deleted_at is null))
         or (o.bucket_id = 'exports' and not exists (
               select from app.exports e where e.object_name = o.name and e.deleted_at is null))
         or (o.bucket_id = 'outputs' and not exists (
               select from app.jobs j
                where j.id = case when split_part(o.name, '/', 2) ~ '^[0-9a-f-]{{36}}$'
                               then split_part(o.name, '/', 2)::uuid end
                  and j.files_deleted_at is null
                  and (j.status in ('pending', 'processing')
                       or j.outputs @> jsonb_build_array(jsonb_build_object(
                            'url', 'gs://outputs/' || o.name))))))
     limit %(batch)s
"""  # noqa: S608

_LATE = """
    select o.bucket_id, o.name
      from app.uploads u
      join storage.objects o on o.bucket_id = 'uploads' and o.name = u.object_name
     where u.deleted_at > now() - interval '1 day'
     limit %(batch)s
"""

_MISSING = """
    with lost as (
      select u.id from app.uploads u
       where u.confirmed_at < now() - interval '1 hour' and u.deleted_at is null
         and not exists (select from storage.objects o
                          where o.bucket_id = 'uploads' and o.name = u.object_name)
       limit %(batch)s
    )
    update app.uploads u set deleted_at = now(), expires_at = least(expires_at, now())
      from lost where u.id = lost.id
    returning u.id
"""
