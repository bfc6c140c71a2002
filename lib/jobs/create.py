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
from lib.media.planner import billable_seconds, lane
from lib.media.probe import Probe
from lib.media.request import Input, Remote, TranscodeRequest, check
from lib.media.request import addresses as request_addresses
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
        checked = check(request)
    except Refused as refused:
        raise bad_request(str(refused), _details(refused)) from refused
    files = [_stored(caller, item, index) for index, item in enumerate(request.inputs)]
    for remote in checked.remotes:
        _owned(caller, remote)
    probes = [file.probe for file in files]
    seconds = billable_seconds(checked, probes)
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
            "lane": lane(checked, probes),
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


def named(data: Any) -> list[str]:
    """The addresses that a create's body names, as far as it has the right shape."""
    try:
        return request_addresses(msgspec.convert(data, TranscodeRequest))
    except (msgspec.ValidationError, RecursionError, OverflowError):
        return []


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
    file = _own_file(caller, item.url)
    if file is None:
        raise _no_file(f"inputs[{index}].url")
    probe = msgspec.convert(file["probe"], Probe) if file["probe"] else None
    if probe is not None:
        shown |= {
            "duration": probe.duration or 0,
            "format": probe.format,
            "size_bytes": str(probe.size_bytes),
        }
    return _Stored(shown, probe)


def _owned(caller: Caller, remote: Remote) -> None:
    """Raises Problem 404 for a stored file in the options that is not the caller's."""
    stored = remote.url.startswith(addresses.SCHEME)
    if stored and _own_file(caller, remote.url) is None:
        raise _no_file(f"The address of the {remote.kind} in the options")


def _own_file(caller: Caller, url: str) -> dict[str, Any] | None:
    address = addresses.parse(url)
    return caller.files.get(str(address.job_id or address.object_name)) if address else None


def _no_file(where: str) -> Problem:
    return not_found(
        f"{where} names no file of yours. Upload it first: POST /v1/upload/presigned-url, PUT the"
        " bytes, POST /v1/upload/confirm, then use `fileUrl`."
    )


def _metadata(request: TranscodeRequest) -> dict[str, Any]:
    return {"user": request.metadata} if request.metadata is not None else {}


def _details(refused: Refused) -> str:
    return " ".join(f"{item.what}: {item.rule} {item.instead}".strip() for item in refused.refusals)


_CREATE = """
    select id, status from app.create_job(
      %(id)s, %(account)s, %(limit)s, %(minutes)s, %(known)s, %(seconds)s, %(request)s, %(format)s,
      %(inputs)s, %(metadata)s, %(lane)s)
"""
