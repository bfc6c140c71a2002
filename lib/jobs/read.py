"""Reading a job, and the link to its output."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lib.files import addresses, names, retention
from lib.files.job_id import parse_id, unknown_job
from lib.files.stores import storage
from lib.jobs.api_models import Download, Transcode, transcode
from lib.platform import postgres
from lib.platform.errors import UNAVAILABLE, Problem

DOWNLOAD_SECONDS = 600
"""How long the link to an output lives."""
STALLED_SECONDS = 5
"""A job that waits longer than this for a worker gets one woken by a poll."""

COLUMNS = """
    id, account_id, job_type, status, output_format, inputs, ffmpeg_options, metadata,
    lane, queue_position, progress, reserved_minutes, billable_minutes, duration_seconds,
    processing_seconds, error_message, error_category, created_at, updated_at, started_at,
    completed_at, deleted_by_owner_at
"""
FILES = """
    outputs, coalesce(outputs_expire_at, deleted_by_owner_at) as files_expire_at,
    coalesce(outputs_deleted_at, deleted_by_owner_at) as files_deleted_at
"""
"""What a job shows of its files, of a row of app.jobs and app.outputs_of."""
SHORT = f"{COLUMNS}, null::jsonb as receipt, null::jsonb as request"
"""Of lists, which would become long."""


def get(account_id: UUID, job_id: str) -> tuple[Transcode, bool]:
    """The account's job, and whether it waits for a worker that may have to be woken.

    That is one which was not started soon, or whose worker let its lease run out. Raises Problem
    404.
    """
    row = _row(account_id, job_id)
    return transcode(row), bool(row["stalled"])


def download(account_id: UUID, job_id: str) -> Download:
    """A signed link to the job's output. Raises Problem 404, and 400 when there is none, in the
    sentences of docs/contract.md, section 7.1.
    """
    row = _row(account_id, job_id)
    if row["status"] != "completed":
        raise Problem(
            "job_not_completed",
            "Transcode not completed",
            f"Its status is {row['status']}. Poll it until it completes.",
        )
    if not row["outputs"]:
        raise Problem("no_output", "No output available for this transcode")
    problem = retention.expired("The output", row["files_expire_at"], row["files_deleted_at"])
    if problem:
        raise problem
    output = row["outputs"][0]
    address = addresses.parse(output["url"])
    if address is None:
        raise Problem("no_output", "No output available for this transcode")
    try:
        seconds = retention.link_seconds(DOWNLOAD_SECONDS, row["files_expire_at"])
        return Download(storage.sign_download(*address, seconds, names.label(output["filename"])))
    except storage.Missing as error:
        raise Problem("file_deleted", "The output of this job has been deleted.") from error
    except storage.StorageError as error:
        raise Problem("storage_unavailable", UNAVAILABLE) from error


_STALLED = f"""
    case status when 'pending' then created_at < now() - interval '{STALLED_SECONDS} seconds'
                when 'processing' then app.lease_ran_out(id) end
"""


def _row(account_id: UUID, job_id: str) -> dict[str, Any]:
    row = postgres.row(
        f"""
        select {COLUMNS}, {FILES}, receipt, request, {_STALLED} as stalled
          from app.jobs, app.outputs_of(id)
         where id = %(id)s and account_id = %(account)s
        """,  # noqa: S608 -- the texts are ours
        {"id": parse_id(job_id), "account": account_id},
    )
    if row is None:
        raise unknown_job()
    return row
