"""Deleting files now, because their owner asks for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from lib.files import addresses, sweep
from lib.files.job_id import parse_id, unknown_job
from lib.files.stores.storage import OUTPUTS, UPLOADS
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
    outputs = [addresses.parse(output["url"]) for output in row["outputs"] or ()]
    rows: list[dict[str, Any]] = [
        {
            "bucket": OUTPUTS,
            "id": row["id"],
            "account_id": account_id,
            "names": [each.object_name for each in outputs if each],
        },
        *(_upload(each) for each in row["uploads"]),
    ]
    return _now(rows)


def delete_upload(account_id: UUID, filename: str) -> Deleted:
    """Delete an upload by its stored name. Raises Problem 400 while a job reads it, 404."""
    name = addresses.upload(account_id, filename).object_name
    row = postgres.row(_UPLOAD, {"account": account_id, "name": name})
    if row is None:
        raise Problem("file_not_found", "There is no upload of yours with this name.")
    if row["read"]:
        raise Problem(
            "file_in_use", "A job that has not ended reads this file. Cancel the job first."
        )
    return _now([_upload(row)])


def _upload(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "bucket": UPLOADS,
        "id": UUID(str(row["id"])),  # JSON has none
        "account_id": UUID(str(row["account_id"])),
        "names": [row["object_name"]],
    }


def _now(rows: list[dict[str, Any]]) -> Deleted:
    """Not served from now on; what Storage can't delete just now the sweep does."""
    ids = [row["id"] for row in rows]
    marked = postgres.row(_MARK, {"ids": ids})
    if not sweep.delete_now(rows, "asked"):
        raise Problem(
            "deletion_pending",
            "The files are not served any more, but Storage does not answer just now: they are"
            " deleted as soon as it does.",
        )
    assert marked is not None  # noqa: S101 -- select now() gives a row
    files = [f"{addresses.SCHEME}{row['bucket']}/{name}" for row in rows for name in row["names"]]
    return Deleted(True, files, stamp(marked["at"]))


_READ = """
    exists (
      select from app.jobs other
       where other.account_id = u.account_id and other.status in ('pending', 'processing')
         and other.inputs @> jsonb_build_array(jsonb_build_object(
               'url', 'gs://uploads/' || u.object_name)))
"""

_JOB = f"""
    select j.id, j.status, j.outputs, (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'id', u.id, 'account_id', u.account_id, 'object_name', u.object_name)), '[]')
               from app.uploads u
              where u.account_id = j.account_id and u.deleted_at is null and not {_READ}
                and u.object_name in (
                  select replace(i ->> 'url', 'gs://uploads/', '')
                    from jsonb_array_elements(j.inputs) i)) as uploads
      from app.jobs j where j.id = %(id)s and j.account_id = %(account)s
"""  # noqa: S608 -- the texts are ours

_UPLOAD = f"""
    select u.id, u.account_id, u.object_name, {_READ} as read from app.uploads u
     where u.account_id = %(account)s and u.object_name = %(name)s and u.deleted_at is null
"""  # noqa: S608

_MARK = """
    with uploads as (
      update app.uploads set expires_at = least(expires_at, now())
       where id = any(%(ids)s::uuid[]) and deleted_at is null
    ),
    jobs as (
      update app.jobs set files_expire_at = least(files_expire_at, now())
       where id = any(%(ids)s::uuid[]) and files_deleted_at is null
    )
    select now() as at
"""
