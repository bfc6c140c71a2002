"""The rows of stored files: the only module that writes app.files.

Statements of other modules write files by SQL functions, so that each stays one statement:
app.record_outputs, app.expire_inputs, app.shorten_files and app.record_export.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from lib.files.addresses import Address
from lib.media.model import Probe
from lib.platform import postgres

Role = Literal["upload", "output", "export"]
Reason = Literal["expired", "asked"]


class Record(NamedTuple):
    """A stored file that is due, or that its owner deletes."""

    id: UUID
    role: Role
    bucket: str
    key: str

    @property
    def address(self) -> str:
        """Its gs:// address."""
        return str(Address(self.bucket, self.key))


class Beyond(NamedTuple):
    """A limit of the plan that another upload would pass."""

    limit: Literal["number", "bytes"]
    most: int


class Confirmation(NamedTuple):
    """An upload that is confirmed."""

    confirmed_at: datetime
    expires_at: datetime
    filename: str


def record_upload(
    account_id: UUID, address: Address, *, label: str, content_type: str, size: int, hours: int
) -> Beyond | None:
    """Record an upload of `size` bytes before its link is signed, to be kept for `hours`.

    Within the plan's limits; one that it would pass is returned, and nothing is recorded.
    """
    row = postgres.row(
        "select beyond, most from app.record_upload(%(account)s, %(bucket)s, %(key)s, %(label)s,"
        " %(type)s, %(size)s, %(hours)s)",
        {
            "account": account_id,
            "bucket": address.bucket,
            "key": address.key,
            "label": label,
            "type": content_type,
            "size": size,
            "hours": hours,
        },
    )
    return Beyond(row["beyond"], row["most"]) if row and row["beyond"] else None


def withdraw_upload(address: Address) -> None:
    """Forget an upload that nobody has a link to: it takes no room of the plan."""
    postgres.rows(
        "select app.withdraw_file(id) from app.files where address = %(address)s",
        {"address": str(address)},
    )


def confirm_upload(
    address: Address, *, size: int, version: str | None, probe: Probe | None
) -> Confirmation | None:
    """Note what was found of an upload's bytes; None for an upload that was deleted."""
    row = postgres.row(
        """
        update app.files f
           set size_bytes = %(size)s, probe = %(probe)s::jsonb,
               version = %(version)s, confirmed_at = coalesce(confirmed_at, now()),
               expires_at = least(f.expires_at, case when a.inputs_kept_seconds > 0
                 then f.created_at + make_interval(secs => a.inputs_kept_seconds) end)
          from app.accounts a
         where f.address = %(address)s and a.id = f.account_id and f.deleted_at is null
        returning f.confirmed_at, f.expires_at, f.filename
        """,
        {
            "address": str(address),
            "size": size,
            "version": version,
            "probe": postgres.jsonb(probe) if probe else None,
        },
    )
    return Confirmation(**row) if row else None


def unconfirm_upload(address: Address, version: str | None) -> None:
    """Forget what was found of another version of an upload than `version`."""
    postgres.rows(
        """
        update app.files
           set probe = null, size_bytes = null, confirmed_at = null, version = null
         where address = %(address)s and version is distinct from %(version)s
        """,
        {"address": str(address), "version": version},
    )


def store_export(export_id: UUID, *, size: int | None, seconds: int) -> datetime | None:
    """Note that an export's archive is stored, to be kept for `seconds`; when it expires.

    None, with nothing noted, for an account that is closed. `size` is None if it is known already.
    """
    row = postgres.row(
        """
        update app.files f
           set size_bytes = coalesce(%(size)s, f.size_bytes),
               confirmed_at = coalesce(f.confirmed_at, now()),
               expires_at = coalesce(f.expires_at, now() + make_interval(secs => %(seconds)s))
          from app.accounts a
         where f.id = %(id)s and f.role = 'export' and a.id = f.account_id and a.closed_at is null
        returning f.expires_at
        """,
        {"id": export_id, "size": size, "seconds": seconds},
    )
    return row["expires_at"] if row else None


def claim_due(batch: int, claim_seconds: int) -> list[Record]:
    """Claim files that have expired, the oldest first."""
    return _records(postgres.rows(_DUE, {"batch": batch, "claim": claim_seconds}))


def claim_unconfirmed(batch: int, claim_seconds: int, hours: int) -> list[Record]:
    """Claim uploads that were not confirmed within `hours`, or are larger than they were declared.

    What an unfinished job reads is left to it.
    """
    values = {"batch": batch, "claim": claim_seconds, "hours": hours}
    return _records(postgres.rows(_UNCONFIRMED, values))


def expire(files: Sequence[Record]) -> datetime:
    """Let files expire now, so that nothing serves them; the moment."""
    row = postgres.row(
        """
        with expired as (
          update app.files set expires_at = least(expires_at, now())
           where id = any(%(ids)s::uuid[]) and deleted_at is null
        )
        select now() as at
        """,
        {"ids": [file.id for file in files]},
    )
    assert row is not None  # noqa: S101 -- select now() gives a row
    at: datetime = row["at"]
    return at


def mark_deleted(files: Sequence[Record], reason: Reason) -> None:
    """Mark files whose bytes are deleted, and record each deletion once in app.deletions."""
    postgres.rows(_DELETED, {"ids": [file.id for file in files], "reason": reason})


def mark_missing(batch: int) -> int:
    """Mark confirmed uploads as deleted whose object is missing; how many."""
    return len(postgres.rows(_MISSING, {"batch": batch}))


def oldest_overdue() -> float | None:
    """Seconds since the oldest expired file that is still there should have gone; None for none."""
    row = postgres.row(
        "select extract(epoch from now() - min(expires_at))::float8 as seconds"
        " from app.files where deleted_at is null"
    )
    return row["seconds"] if row and row["seconds"] and row["seconds"] > 0 else None


def _records(rows: list[dict[str, Any]]) -> list[Record]:
    return [Record(row["id"], row["role"], row["bucket"], row["key"]) for row in rows]


# A claimed row is due again after a while that doubles with each try, a day at most.
_CLAIMED = """
    update app.files f
       set sweep_tries = f.sweep_tries + 1,
           sweep_at = now() + make_interval(
             secs => least(86400, %(claim)s * power(2, least(f.sweep_tries, 10))))
      from due where f.id = due.id
    returning f.id, f.role, f.bucket, f.key
"""

_DUE = f"""
    with due as (
      select id from app.files
       where deleted_at is null and expires_at <= now() and sweep_at <= now()
       order by expires_at limit %(batch)s for update skip locked
    )
    {_CLAIMED}
"""  # noqa: S608 -- the texts are ours

_UNCONFIRMED = f"""
    with due as (
      select f.id from app.files f
       where f.role = 'upload' and f.confirmed_at is null and f.deleted_at is null
         and f.sweep_at <= now()
         and (f.created_at < now() - make_interval(hours => %(hours)s)
              or exists (select from storage.objects o
                          where o.bucket_id = f.bucket and o.name = f.key
                            and (o.metadata ->> 'size')::bigint > f.declared_bytes))
         and not app.is_read(f.account_id, f.address)
       order by f.created_at limit %(batch)s for update skip locked
    )
    {_CLAIMED}
"""  # noqa: S608

_DELETED = """
    with gone as (
      update app.files set deleted_at = now(), expires_at = least(expires_at, now())
       where id = any(%(ids)s::uuid[]) and deleted_at is null
      returning account_id, bucket, key
    )
    insert into app.deletions (account_id, bucket, key, reason)
    select account_id, bucket, key, %(reason)s from gone
"""

_MISSING = """
    with lost as (
      select f.id from app.files f
       where f.role = 'upload' and f.confirmed_at < now() - interval '1 hour'
         and f.deleted_at is null
         and not exists (select from storage.objects o
                          where o.bucket_id = f.bucket and o.name = f.key)
       limit %(batch)s
    )
    update app.files f set deleted_at = now(), expires_at = least(f.expires_at, now())
      from lost where f.id = lost.id
    returning f.id
"""
