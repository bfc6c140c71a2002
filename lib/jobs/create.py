"""Accepting a job: one statement reserves the minutes, stores the job and sends the message."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec

from lib.accounts.callers import Caller
from lib.accounts.guests import SIGN_UP
from lib.jobs.admission import admit
from lib.jobs.wire import Accepted
from lib.media.members import known_members
from lib.media.planner import billable_seconds, lane
from lib.media.request import TranscodeRequest
from lib.platform import postgres
from lib.platform.errors import Problem, unauthorized
from lib.platform.settings import settings

MINUTE = Decimal("0.0001")
"""Minutes are metered to four decimals."""


def create(
    caller: Caller,
    request: TranscodeRequest,
    *,
    job_id: UUID | None = None,
    retry_of: UUID | None = None,
) -> Accepted:
    """Accept a job, or refuse it with nothing queued and nothing charged.

    `job_id` is the id it gets, by default a new one; `retry_of` the failed job it repeats.
    Raises Problem: 400 for what cannot be run, 401 for an account that is closed, 402 when the
    plan's minutes do not suffice, 404 for a stored file that is not the caller's, 429 while too
    many of the account's jobs failed within an hour.
    """
    admitted = admit(caller, request)
    checked, probes = admitted.checked, admitted.probes
    seconds = billable_seconds(checked, probes)
    made = postgres.row(
        _CREATE,
        {
            "id": job_id or uuid4(),
            "account": caller.account_id,
            "limit": caller.plan.minutes_per_month,
            "minutes": minutes(seconds or 0),
            "known": seconds is not None,
            "seconds": seconds,
            "request": postgres.jsonb(known_members(checked.request)),
            "format": request.outputFormat,
            "inputs": postgres.jsonb([each.shown for each in admitted.inputs]),
            "metadata": postgres.jsonb(
                _metadata(request) | ({"retry_of": str(retry_of)} if retry_of else {})
            ),
            "lane": lane(checked, probes),
        },
    )
    if made is None:  # the statement stores any job, but of an account closed meanwhile
        raise unauthorized("This account is closed and is being deleted.", closed=True)
    if made["status"] == "limited":
        raise _too_many_failures(caller, made["retry_after"])
    if made["status"] == "failed":
        raise QuotaExceeded(made["id"], caller)
    return Accepted(
        id=str(made["id"]),
        status="pending",
        inputUrl=checked.request.inputs[0].url,
        outputFormat=request.outputFormat,
        metadata=_metadata(request) if request.metadata is not None else msgspec.UNSET,
    )


def minutes(seconds: float) -> Decimal:
    """Seconds of input as billable minutes: 19 s is 0.3167."""
    return (Decimal(str(seconds)) / 60).quantize(MINUTE, ROUND_HALF_UP)


class QuotaExceeded(Problem):
    """402 with the row that records the attempt and a link that leads out of the wall."""

    def __init__(self, job_id: UUID, caller: Caller) -> None:
        limit = caller.plan.minutes_per_month
        super().__init__(
            "quota_exceeded",
            f"Quota exceeded: Video Processing Minutes. This job needs more than what is left of"
            f" the {limit} minutes to try. {SIGN_UP}"
            if caller.guest
            else quota_sentence(caller.plan.name, limit),
            extra={"job_id": str(job_id), "upgrade_url": upgrade_url(job_id)},
        )


def _too_many_failures(caller: Caller, seconds: int) -> Problem:
    return Problem(
        "too_many_failed_jobs",
        f"Too many jobs of this account failed within an hour: the {caller.plan.name} plan takes no"
        f" more for {seconds} seconds. Look at their error_message, and check a request with"
        f" POST /v1/validate, which is free, before it is sent again.",
        headers={"Retry-After": str(seconds)},
    )


def quota_sentence(plan: str, limit: int) -> str:
    """What a caller reads at the quota wall."""
    return (
        f"Quota exceeded: Video Processing Minutes. This job needs more than what is left of the"
        f" {limit} minutes a month of the {plan} plan. Upgrade the plan or wait for the next month."
    )


def upgrade_url(job_id: UUID) -> str:
    """The billing page, told which job was blocked."""
    return f"{settings().site_url}/billing?job={job_id}"


def _metadata(request: TranscodeRequest) -> dict[str, Any]:
    return {"user": request.metadata} if request.metadata is not None else {}


_CREATE = """
    select id, status, retry_after from app.create_job(
      %(id)s, %(account)s, %(limit)s, %(minutes)s, %(known)s, %(seconds)s, %(request)s, %(format)s,
      %(inputs)s, %(metadata)s, %(lane)s)
"""
