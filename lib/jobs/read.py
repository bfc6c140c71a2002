"""Reading jobs: one, a page of them, and the link to an output."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from lib.accounts import retention
from lib.jobs import addresses, names
from lib.jobs.wire import STATUSES, Download, Transcode, TranscodeList, transcode
from lib.platform import postgres, storage
from lib.platform.errors import UNAVAILABLE, Problem, bad_request, not_found

DOWNLOAD_SECONDS = 600
"""How long the link to an output lives."""
TOTAL_CAP = 5_000
"""The `total` of a filtered list is counted up to here; the unfiltered one is exact."""
SEARCHED = 10_000
"""The newest jobs that a search looks through."""
MAX_SEARCH = 200
STALLED_SECONDS = 5
"""A job that waits longer than this for a worker gets one woken by a poll."""
ORDERS = {
    "created_at.desc": "created_at desc, id desc",
    "updated_at.asc": "updated_at asc, id asc",
    "updated_at.desc": "updated_at desc, id desc",
}

COLUMNS = """
    id, account_id, job_type, status, output_format, inputs, outputs, ffmpeg_options, metadata,
    lane, queue_position, progress, reserved_minutes, billable_minutes, duration_seconds,
    processing_seconds, error_message, error_category, created_at, updated_at, started_at,
    completed_at, files_expire_at, files_deleted_at
"""
WHOLE = f"{COLUMNS}, receipt, request"
SHORT = f"{COLUMNS}, null::jsonb as receipt, null::jsonb as request"
"""Of lists, which would become long."""


def get(account_id: UUID, job_id: str) -> tuple[Transcode, bool]:
    """The account's job, and whether it waits for a worker that may have to be woken.

    That is one which was not started soon, or whose worker let its lease run out. Raises Problem
    404.
    """
    row = _row(account_id, job_id)
    return transcode(row), bool(row["stalled"])


def page(
    account_id: UUID,
    *,
    page: int,
    limit: int,
    order: str,
    status: str | None,
    job_type: str | None,
    since: datetime | None,
    until: datetime | None,
    search: str | None = None,
) -> TranscodeList:
    """A page of the account's jobs; `since` and `until` bound `updated_at`, both inclusive.

    `search` is the beginning of an id, or part of the name or address of an input. An unknown
    status is an empty list (contract, 3.6). Raises Problem 400 for an unknown order, and for a
    search of more than MAX_SEARCH characters.
    """
    if order not in ORDERS:
        raise bad_request(f"`order` must be one of {', '.join(ORDERS)}.")
    if status is not None and status not in STATUSES:
        return TranscodeList([], page, limit, 0)
    if job_type is not None and job_type not in ("transcode", "transcribe"):
        raise bad_request("`job_type` must be transcode or transcribe.")
    if search is not None and len(search) > MAX_SEARCH:
        raise bad_request(f"`q` may have at most {MAX_SEARCH} characters.")
    conditions = ["account_id = %(account)s"]
    conditions += [_FOUND] if search else []
    conditions += ["status = %(status)s"] if status else []
    conditions += ["job_type = %(job_type)s"] if job_type else []
    conditions += ["updated_at >= %(since)s"] if since else []
    conditions += ["updated_at <= %(until)s"] if until else []
    where = " and ".join(conditions)
    if len(conditions) == 1:
        total = "select jobs_total as count from app.accounts where id = %(account)s"
    else:
        total = (
            f"select count(*) from (select from app.jobs where {where} limit {TOTAL_CAP}) counted"  # noqa: S608
        )
    # The texts that are put together here are all ours; values go as parameters.
    rows = postgres.rows(
        f"""
        with total as ({total}),
        items as (
          select {SHORT} from app.jobs where {where}
           order by {ORDERS[order]} limit %(limit)s offset %(offset)s
        )
        select total.count as total, items.* from total left join items on true
        """,  # noqa: S608
        {
            "account": account_id,
            "status": status,
            "job_type": job_type,
            "since": since,
            "until": until,
            "begins": f"{_literal(search)}%" if search else None,
            "holds": f"%{_literal(search)}%" if search else None,
            "limit": limit,
            "offset": (page - 1) * limit,
        },
    )
    items = [transcode(row) for row in rows if row["id"] is not None]
    return TranscodeList(items, page, limit, rows[0]["total"])


_FOUND = f"""
    id in (
      select recent.id
        from (select j.id, j.inputs from app.jobs j where j.account_id = %(account)s
               order by j.created_at desc, j.id desc limit {SEARCHED}) recent
       where recent.id::text ilike %(begins)s
          or exists (select from jsonb_array_elements(recent.inputs) i
                      where i ->> 'filename' ilike %(holds)s or i ->> 'url' ilike %(holds)s))
"""  # noqa: S608 -- the number is ours


def _literal(text: str) -> str:
    """Text as `like` takes it, without wildcards, composed as labels are."""
    return re.sub(r"([\\%_])", r"\\\1", unicodedata.normalize("NFC", text))


def download(account_id: UUID, job_id: str) -> Download:
    """A signed link to the job's output. Raises Problem 400 when there is none, 404."""
    row = _row(account_id, job_id)
    if row["status"] != "completed":
        raise bad_request(
            "Transcode not completed", f"Its status is {row['status']}. Poll it until it completes."
        )
    if not row["outputs"]:
        raise bad_request("No output available for this transcode")
    over = retention.gone("The output", row["files_expire_at"], row["files_deleted_at"])
    if over:
        raise over
    made = row["outputs"][0]
    address = addresses.parse(made["url"])
    if address is None:
        raise bad_request("No output available for this transcode")
    try:
        seconds = retention.link_seconds(DOWNLOAD_SECONDS, row["files_expire_at"])
        return Download(storage.sign_download(*address, seconds, names.label(made["filename"])))
    except storage.Missing as error:
        raise not_found("The output of this job has been deleted.") from error
    except storage.StorageError as error:
        raise Problem(503, UNAVAILABLE) from error


def parse_id(text: str) -> UUID:
    """The id in a path. Raises Problem 404 for what can be no id."""
    try:
        return UUID(text)
    except ValueError:
        raise unknown_job() from None


def unknown_job() -> Problem:
    """404 for a job that is not there or not the caller's."""
    return not_found("There is no job of yours with this id.")


_STALLED = f"""
    case status when 'pending' then created_at < now() - interval '{STALLED_SECONDS} seconds'
                when 'processing' then lease_until < now() end
"""


def _row(account_id: UUID, job_id: str) -> dict[str, Any]:
    row = postgres.row(
        f"select {WHOLE}, {_STALLED} as stalled from app.jobs"  # noqa: S608 -- the text is ours
        " where id = %(id)s and account_id = %(account)s",
        {"id": parse_id(job_id), "account": account_id},
    )
    if row is None:
        raise unknown_job()
    return row
