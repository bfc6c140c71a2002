"""Canceling jobs that have not ended: the minutes go back at once, ffmpeg stops soon after."""

from __future__ import annotations

from uuid import UUID

from lib.jobs.read import SHORT, parse_id, unknown_job
from lib.jobs.wire import Canceled, transcode
from lib.platform import log, postgres
from lib.platform.errors import Problem

BATCH = 1_000
"""Jobs that one statement of `cancel_all` cancels."""


def cancel(account_id: UUID, job_id: str) -> Canceled:
    """Cancel the account's job. Raises Problem 400 when it has ended, 404."""
    parameters = {"id": parse_id(job_id), "account": account_id}
    row = postgres.row(
        f"""
        select {SHORT} from app.cancel_jobs(%(account)s, %(id)s, 'Job canceled by user', 1)
        """,  # noqa: S608 -- SHORT is ours
        parameters,
    )
    if row is None:
        ended = postgres.row(
            "select status from app.jobs where id = %(id)s and account_id = %(account)s", parameters
        )
        if ended is None:
            raise unknown_job()
        raise Problem("job_already_ended", f"Cannot cancel job in status: {ended['status']}")
    log.info("job", job_id=row["id"], account_id=account_id, status="canceled", reason="user")
    return Canceled(True, "Job cancelled successfully", transcode(row))


def cancel_all(account_id: UUID, message: str, reason: str) -> int:
    """Cancel all of the account's jobs that have not ended; the number of jobs canceled.

    The jobs show `message` to their owner; `reason` is a word for the log.
    """
    canceled = 0
    while True:
        rows = postgres.rows(
            "select id from app.cancel_jobs(%(account)s, null, %(message)s, %(most)s)",
            {"account": account_id, "message": message, "most": BATCH},
        )
        for row in rows:
            log.info(
                "job", job_id=row["id"], account_id=account_id, status="canceled", reason=reason
            )
        canceled += len(rows)
        if len(rows) < BATCH:
            return canceled
