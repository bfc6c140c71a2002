"""Accepting a job: one statement reserves the minutes, stores the job and sends the message."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import msgspec

from lib.accounts.callers import Caller
from lib.jobs import transitions
from lib.jobs.admission import admit
from lib.jobs.api_models import Accepted
from lib.media.plan.price import billable_seconds, lane
from lib.media.request.members import known_members
from lib.media.request.models import TranscodeRequest
from lib.platform import postgres
from lib.platform.errors import Problem, unauthorized
from lib.usage.price import SIGN_UP, minutes, quota_sentence, upgrade_url


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
    row = transitions.accept(
        {
            "id": job_id or uuid4(),
            "account": caller.account_id,
            "limit": caller.plan.minutes_per_month,
            "minutes": minutes(seconds or 0),
            "known": seconds is not None,
            "seconds": seconds,
            "request": postgres.jsonb(known_members(checked.request)),
            "format": request.outputFormat,
            "inputs": postgres.jsonb([each.record for each in admitted.inputs]),
            "metadata": postgres.jsonb(
                _metadata(request) | ({"retry_of": str(retry_of)} if retry_of else {})
            ),
            "lane": lane(checked, probes),
        },
    )
    if row is None:  # the statement stores any job, but of an account closed meanwhile
        raise unauthorized("This account is closed and is being deleted.", closed=True)
    if row["status"] == "limited":
        raise _too_many_failures(caller, row["retry_after"])
    if row["status"] == "failed":
        raise QuotaExceeded(row["id"], caller)
    return Accepted(
        id=str(row["id"]),
        status="pending",
        inputUrl=checked.request.inputs[0].url,
        outputFormat=request.outputFormat,
        metadata=_metadata(request) if request.metadata is not None else msgspec.UNSET,
    )


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


def _metadata(request: TranscodeRequest) -> dict[str, Any]:
    return {"user": request.metadata} if request.metadata is not None else {}
