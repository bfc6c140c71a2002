"""Running a job once more: a new job of the request that was kept with it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from lib.accounts import callers
from lib.jobs import addresses, admission
from lib.jobs.create import create
from lib.jobs.read import parse_id, unknown_job
from lib.jobs.wire import Accepted
from lib.media.request import TranscodeRequest
from lib.platform import postgres
from lib.platform.errors import bad_request


def again(account_id: UUID, job_id: str) -> Accepted:
    """Make a new job of an ended one's request; the ended one stays as it is.

    Raises Problem 400 for a job that has not ended, 404, and all that a create refuses: inputs that
    are gone, minutes that don't suffice.
    """
    row = postgres.row(
        "select id, status, request from app.jobs where id = %(id)s and account_id = %(account)s",
        {"id": parse_id(job_id), "account": account_id},
    )
    if row is None:
        raise unknown_job()
    if row["status"] in ("pending", "processing"):
        raise bad_request(
            f"Cannot retry a job in status: {row['status']}. Wait for its end, or cancel it first."
        )
    objects, jobs = addresses.named(admission.named(row["request"]))
    caller = callers.in_the_name_of(account_id, objects=objects, jobs=jobs)
    return create(caller, msgspec.convert(row["request"], TranscodeRequest), retry_of=row["id"])
