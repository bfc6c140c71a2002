"""Deleting files now, because their owner asks for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from lib.files import addresses, records, sweep
from lib.files.job_id import parse_id, unknown_job
from lib.files.records import Record
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.times import stamp


class Deleted(msgspec.Struct):
    """Files that are gone."""

    success: bool
    """Always true."""
    files: list[str]
    """Their gs:// addresses."""
    files_deleted_at: str
    """When the files were deleted, ISO 8601."""


def delete_job_files(account_id: UUID, job_id: str) -> Deleted:
    """Delete an ended job's outputs, and the uploads that no unfinished job reads.

    The job's record stays. Raises Problem 400 for a job that has not ended, 404.
    """
    row = postgres.row(_JOB, {"id": parse_id(job_id), "account": account_id})
    if row is None:
        raise unknown_job()
    if row["status"] in ("pending", "processing"):
        raise Problem(
            "job_not_ended",
            f"Cannot delete the files of a job in status: {row['status']}. Cancel it first.",
        )
    deleted = _now([_record(each) for each in row["files"]])
    postgres.rows(
        "update app.jobs set deleted_by_owner_at = coalesce(deleted_by_owner_at, now())"
        " where id = %(id)s",
        {"id": row["id"]},
    )
    return deleted


def delete_upload(account_id: UUID, filename: str) -> Deleted:
    """Delete an upload by its stored name. Raises Problem 400 while a job reads it, 404."""
    row = postgres.row(
        """
        select f.id, f.role, f.bucket, f.key, app.is_read(f.account_id, f.address) as read
          from app.files f
         where f.account_id = %(account)s and f.address = %(address)s and f.deleted_at is null
        """,
        {"account": account_id, "address": str(addresses.upload(account_id, filename))},
    )
    if row is None:
        raise Problem("file_not_found", "There is no upload of yours with this name.")
    if row["read"]:
        raise Problem(
            "file_in_use", "A job that has not ended reads this file. Cancel the job first."
        )
    return _now([_record(row)])


def _record(row: dict[str, Any]) -> Record:
    return Record(UUID(str(row["id"])), row["role"], row["bucket"], row["key"])  # JSON has no ids


def _now(files: list[Record]) -> Deleted:
    """Not served from now on; what Storage can't delete just now the sweep does."""
    at = records.expire(files)
    if not sweep.delete_now(files, "asked"):
        raise Problem(
            "deletion_pending",
            "The files are not served any more, but Storage does not answer just now: they are"
            " deleted as soon as it does.",
        )
    return Deleted(True, [file.address for file in files], stamp(at))


_JOB = """
    select j.id, j.status, (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'id', f.id, 'role', f.role, 'bucket', f.bucket, 'key', f.key)
                      order by f.role, f.place), '[]')
               from (
                 select * from app.files where job_id = j.id
                 union all
                 select * from app.files u
                  where u.account_id = j.account_id and u.role = 'upload' and u.deleted_at is null
                    and u.address = any(array(
                          select i ->> 'url' from jsonb_array_elements(j.inputs) i))
                    and not app.is_read(u.account_id, u.address)) f) as files
      from app.jobs j where j.id = %(id)s and j.account_id = %(account)s
"""
