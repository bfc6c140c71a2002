"""Canceling jobs that have not ended: the minutes go back at once, ffmpeg stops soon after."""

from __future__ import annotations

from uuid import UUID

from lib.files.job_id import parse_id, unknown_job
from lib.jobs import transitions
from lib.jobs.api_models import Canceled, transcode
from lib.jobs.read import SHORT
from lib.platform import log, postgres
from lib.platform.errors import Problem

_COLUMNS = f"{SHORT}, null as outputs, null as files_expire_at, null as files_deleted_at"
BATCH = 1_000
"""Jobs that one statement of `cancel_all` cancels."""


def cancel(account_id: UUID, job_id: str) -> Canceled:
    """Cancel the account's job. Raises Problem 400 when it has ended, 404."""
    key = parse_id(job_id)
    canceled = transitions.cancel(account_id, key, "Job canceled by user", 1, _COLUMNS)
    if not canceled:
        ended = postgres.row(
            "select status from app.jobs where id = %(id)s and account_id = %(account)s",
            {"id": key, "account": account_id},
        )
        if ended is None:
            raise unknown_job()
        raise Problem("job_already_ended", f"Cannot cancel job in status: {ended['status']}")
    row = canceled[0]
    log.info("job", job_id=row["id"], account_id=account_id, status="canceled", reason="user")
    # Clients match the sentence, with its two l (docs/contract.md, section 7.1).
    return Canceled(True, "Job cancelled successfully", transcode(row))


def cancel_all(account_id: UUID, message: str, reason: str) -> int:
    """Cancel all of the account's jobs that have not ended; the number of jobs canceled.

    The jobs show `message` to their owner; `reason` is a word for the log.
    """
    canceled = 0
    while True:
        rows = transitions.cancel(account_id, None, message, BATCH)
        for row in rows:
            log.info(
                "job", job_id=row["id"], account_id=account_id, status="canceled", reason=reason
            )
        canceled += len(rows)
        if len(rows) < BATCH:
            return canceled
