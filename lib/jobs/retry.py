"""Retrying a job: a new job from the request that was stored with it."""

from __future__ import annotations

from lib.accounts.callers import Caller
from lib.files.job_id import parse_id, unknown_job
from lib.jobs.api_models import Accepted
from lib.jobs.create import create
from lib.jobs.requests import OUTDATED, stored_request
from lib.platform import postgres
from lib.platform.errors import Problem


def retry(caller: Caller, job_id: str) -> Accepted:
    """Create a new job from the request of one that has ended, which stays as it is.

    Raises Problem 400 for a job that has not ended and for a request that is not valid any more,
    404, and all that a create refuses: inputs that are gone, minutes that don't suffice.
    """
    row = postgres.row(
        "select id, status, request from app.jobs where id = %(id)s and account_id = %(account)s",
        {"id": parse_id(job_id), "account": caller.account_id},
    )
    if row is None:
        raise unknown_job()
    if row["status"] in ("pending", "processing"):
        raise Problem(
            "job_not_ended",
            f"Cannot retry a job in status: {row['status']}. Wait for its end, or cancel it first.",
        )
    request = stored_request(row["request"])
    if request is None:
        raise Problem("job_outdated", OUTDATED)
    return create(caller, request, retry_of=row["id"])
