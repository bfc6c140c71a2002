"""Accepting a job: one statement reserves the minutes, stores the job and sends the message."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec

from lib.accounts.callers import Caller
from lib.jobs import addresses
from lib.jobs.wire import Accepted
from lib.media.errors import Refused
from lib.media.plan import billable_seconds, lane
from lib.media.probe import Probe
from lib.media.request import Input, TranscodeRequest, check
from lib.platform import postgres
from lib.platform.errors import Problem, bad_request, not_found
from lib.platform.settings import settings

MINUTE = Decimal("0.0001")
"""Minutes are metered to four decimals."""


def create(caller: Caller, request: TranscodeRequest) -> Accepted:
    """Accept a job, or refuse it with nothing queued and nothing charged.

    Raises Problem: 400 for what cannot be run, 402 when the plan's minutes do not suffice, 404 for
    a stored file that is not the caller's.
    """
    try:
        check(request)
    except Refused as refused:
        raise bad_request(str(refused), _details(refused)) from refused
    files = [_stored(caller, item, index) for index, item in enumerate(request.inputs)]
    probes = [file.probe for file in files]
    seconds = billable_seconds(request, probes)
    made = postgres.row(
        _CREATE,
        {
            "id": uuid4(),
            "account": caller.account_id,
            "limit": caller.plan.minutes_per_month,
            "minutes": minutes(seconds or 0),
            "known": seconds is not None,
            "seconds": seconds,
            "request": postgres.jsonb(request),
            "format": request.outputFormat,
            "inputs": postgres.jsonb([file.shown for file in files]),
            "metadata": postgres.jsonb(_metadata(request)),
            "lane": lane(request, probes),
        },
    )
    if made is None:  # cannot be: the statement stores the job, accepted or not
        raise Problem(500, "The job could not be stored.")
    if made["status"] == "failed":
        raise quota_exceeded(made["id"], caller.plan.name, caller.plan.minutes_per_month)
    return Accepted(
        id=str(made["id"]),
        status="pending",
        inputUrl=request.inputs[0].url,
        outputFormat=request.outputFormat,
        metadata=_metadata(request) if request.metadata is not None else msgspec.UNSET,
    )


def minutes(seconds: float) -> Decimal:
    """Seconds of input as billable minutes: 19 s is 0.3167."""
    return (Decimal(str(seconds)) / 60).quantize(MINUTE, ROUND_HALF_UP)


def quota_exceeded(job_id: UUID, plan: str, limit: int) -> Problem:
    """402 with the row that records the attempt and a link that leads out of the wall."""
    return Problem(
        402,
        quota_sentence(plan, limit),
        extra={"job_id": str(job_id), "upgrade_url": upgrade_url(job_id)},
    )


def quota_sentence(plan: str, limit: int) -> str:
    """What a caller reads at the quota wall."""
    return (
        f"Quota exceeded: Video Processing Minutes. This job needs more than what is left of the"
        f" {limit} minutes a month of the {plan} plan. Upgrade the plan or wait for the next month."
    )


def upgrade_url(job_id: UUID) -> str:
    """The billing page, told which job was blocked."""
    return f"{settings().api_url}/billing?job={job_id}"


class _Stored(msgspec.Struct):
    """An input as the job keeps it, and its probe when the file is already known."""

    shown: dict[str, Any]
    probe: Probe | None


def _stored(caller: Caller, item: Input, index: int) -> _Stored:
    shown: dict[str, Any] = {
        "url": item.url,
        "filename": item.url.partition("?")[0].rpartition("/")[2][:200],
        "duration": 0,
        "format": "unknown",
        "size_bytes": "0",
    }
    if item.options:
        shown["options"] = msgspec.to_builtins(item.options)
    if not item.url.startswith(addresses.SCHEME):
        return _Stored(shown, None)
    address = addresses.parse(item.url)
    file = caller.files.get(str(address.job_id or address.object_name)) if address else None
    if file is None:
        raise not_found(
            f"inputs[{index}].url names no file of yours. Upload it first: POST"
            " /v1/upload/presigned-url, PUT the bytes, POST /v1/upload/confirm, then use `fileUrl`."
        )
    probe = msgspec.convert(file["probe"], Probe) if file["probe"] else None
    if probe is not None:
        shown |= {
            "duration": probe.duration or 0,
            "format": probe.format,
            "size_bytes": str(probe.size_bytes),
        }
    return _Stored(shown, probe)


def _metadata(request: TranscodeRequest) -> dict[str, Any]:
    return {"user": request.metadata} if request.metadata is not None else {}


def _details(refused: Refused) -> str:
    return " ".join(f"{item.what}: {item.rule} {item.instead}".strip() for item in refused.refusals)


_CREATE = """
    select id, status from app.create_job(
      %(id)s, %(account)s, %(limit)s, %(minutes)s, %(known)s, %(seconds)s, %(request)s, %(format)s,
      %(inputs)s, %(metadata)s, %(lane)s)
"""
