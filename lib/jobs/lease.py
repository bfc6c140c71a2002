"""Leases: a worker's hold on a part of a job, and what it needs to know of the job."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from lib import models
from lib.jobs.api_models import JobInput
from lib.jobs.requests import OUTDATED, expire_after, stored_request
from lib.media.errors import MediaError
from lib.media.request.models import TranscodeRequest
from lib.usage.plan_limits import within_storage


@dataclass(frozen=True)
class Lease:
    """A part of a job that a worker has leased; `attempt` guards everything the worker writes."""

    job_id: UUID
    part: int
    """0: each job has one part for now."""
    account_id: UUID
    attempt: int
    ticket: int
    raw_request: Any
    """As it is stored: an old one may not be what is accepted today."""
    raw_inputs: Any
    reserved_minutes: Decimal
    max_input_bytes: int
    max_output_bytes: int
    max_job_seconds: int
    plan_name: str
    minutes_per_month: int

    @property
    def request(self) -> TranscodeRequest:
        """The request. Raises MediaError when it is not valid any more."""
        request = stored_request(self.raw_request)
        if request is None:
            raise MediaError("validation", OUTDATED)
        return request

    @property
    def inputs(self) -> list[JobInput]:
        """The inputs as the job shows them."""
        return models.convert(self.raw_inputs, list[JobInput])

    @property
    def expire_after(self) -> int | None:
        """Seconds that the caller wants the files kept, at most MAX_EXPIRE_AFTER."""
        return expire_after(self.raw_request)


@dataclass(frozen=True)
class Leftover:
    """A ticket whose job has ended without its worker, which may have left files behind."""

    job_id: UUID
    account_id: UUID
    ticket: int


def lease_of(row: dict[str, Any]) -> Lease:
    """The lease of a row of app.claim_job."""
    return Lease(
        job_id=row["id"],
        part=row["part"],
        account_id=row["account_id"],
        attempt=row["attempt"],
        ticket=row["ticket"],
        raw_request=row["request"],
        raw_inputs=row["inputs"],
        reserved_minutes=row["reserved_minutes"],
        max_input_bytes=within_storage(row["max_input_bytes"]),
        max_output_bytes=within_storage(row["max_output_bytes"]),
        max_job_seconds=row["max_job_seconds"],
        plan_name=row["plan_name"],
        minutes_per_month=row["minutes_per_month"],
    )


def mine(lease: Lease) -> dict[str, Any]:
    """The values of the parameters of JOB and MINE."""
    return {
        "id": lease.job_id,
        "part": lease.part,
        "attempt": lease.attempt,
        "ticket": lease.ticket,
    }


JOB = """
    select id, account_id, period, reserved_minutes as held from app.jobs
     where id = %(id)s and status = 'processing' for update
"""
"""The job of a lease, locked, as a CTE that is called `job`; no row if the job has ended."""
MINE = "l.job_id = job.id and l.part = %(part)s and l.attempt = %(attempt)s"
"""The condition under which a row `l` of app.leases is the worker's own.

A statement of a worker begins with JOB and then locks, updates or deletes its lease: locks are
taken in this order everywhere, and a statement that waited for a lock rechecks what it locks.
"""
