"""What a create would do, told without a job and without a charge."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import msgspec

from lib.accounts.callers import Caller
from lib.files.open import MAX_SERVED, JobFile, OnlyWhole, open_file
from lib.files.probes import is_exact, probed
from lib.files.stores.storage import StorageError
from lib.jobs.admission import Admitted, Stored, admit
from lib.jobs.planning import planned
from lib.jobs.receipt import Decision, decisions
from lib.media import scratch
from lib.media.deadline import Deadline
from lib.media.errors import MediaError
from lib.media.fetch.ranges import never
from lib.media.model import Probe, media_metadata
from lib.media.plan.argv import argv
from lib.media.plan.model import Plan, Source
from lib.media.plan.price import billable_seconds, lane
from lib.media.request.models import TranscodeRequest
from lib.media.run.runner import placeholders
from lib.platform import limits, postgres
from lib.platform.errors import UNAVAILABLE, Problem
from lib.platform.settings import settings
from lib.usage.price import minutes

SECONDS = 20
"""For all inputs together: waiting for their servers and looking into them."""
MOST_WARNINGS = 50
"""Of what the request's check warns of."""


class ValidatedInput(msgspec.Struct):
    """An input and what it holds, as ffprobe's answer has it; null while that is not known."""

    url: str
    """The input's address."""
    metadata: dict[str, Any] | None
    """Format, duration, size and streams; null if unknown."""


class Validation(msgspec.Struct):
    """What a job of this request would do."""

    valid: bool
    """Always true: a request that is not valid gets a 400."""
    output_format: str
    """The output's format, as requested."""
    source: Source | None
    """Where the options come from; this and the arguments of ffmpeg are null when an input can't be
    looked into before the job runs."""
    inputs: list[ValidatedInput]
    """The inputs, in order."""
    streams: list[Decision]
    """What would become of picture and sound."""
    arguments: list[str] | None
    """ffmpeg's argument list; {input0}, … and {output} stand for paths."""
    command: str | None
    """The same as a line for a shell."""
    output_seconds: float | None
    """The output's length in seconds; null if unknown."""
    lane: Literal["short", "long", "heavy"]
    """Which queue the job would join."""
    minutes: float | None
    """What it will cost by what the inputs' headers state; null until a length is known. The charge
    is measured when the job ends."""
    minutes_left: float
    """Of this month."""
    notes: list[str]
    """What is chosen for the caller."""
    warnings: list[str]
    """What works but is probably not intended."""


def validate(caller: Caller, request: TranscodeRequest, unknown: list[str]) -> Validation:
    """The plan of a request and its price; `unknown` are members that the request's model lacks.

    Raises Problem: 400 and 404 as a create, 422 when an input can't be fetched or does not suit.
    """
    admitted = admit(caller, request)
    warnings = [f"{each!r} is not known and changes nothing." for each in unknown]
    warnings += admitted.checked.warnings[:MOST_WARNINGS]
    deadline = Deadline(SECONDS)
    limits.allow_storage(SECONDS)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch.folder("validate"))
        try:
            files, probes = _looked_into(stack, caller, admitted, folder, warnings, deadline)
            known = [probe for probe in probes if probe is not None]
            plan: Plan | None = None
            if len(known) == len(probes):
                seconds = min(settings().job_seconds, caller.plan.max_job_seconds)
                plan = planned(admitted.checked, files, known, folder, seconds, deadline)
        except MediaError as error:
            raise Problem("unreadable_media", str(error)) from error
        except StorageError as error:
            raise Problem("storage_unavailable", UNAVAILABLE) from error
    cost = billable_seconds(admitted.checked, probes)
    left = _minutes_left(caller)
    if cost is None:
        warnings.append("What it costs is known only when the job has measured its inputs.")
    elif minutes(cost) > left:
        warnings.append(
            f"It needs more than the {left:g} minutes left of this month: a create would answer"
            " 402. Upgrade the plan or wait for the next month."
        )
    arguments = argv(plan, placeholders(len(probes)), "{output}") if plan else None
    return Validation(
        valid=True,
        output_format=admitted.checked.format.name,
        source=plan.source if plan else None,
        inputs=[
            ValidatedInput(url, media_metadata(probe) if probe else None)
            for url, probe in zip(admitted.checked.urls, probes, strict=True)
        ],
        streams=decisions(plan) if plan else [],
        arguments=arguments,
        command=shlex.join(["ffmpeg", *arguments]) if arguments else None,
        output_seconds=plan.output.expected_seconds if plan else None,
        lane=lane(admitted.checked, probes),
        minutes=None if cost is None else float(minutes(cost)),
        minutes_left=left,
        notes=[*admitted.checked.notes, *(plan.notes if plan else [])],
        warnings=warnings,
    )


def _looked_into(
    stack: ExitStack,
    caller: Caller,
    admitted: Admitted,
    folder: Path,
    warnings: list[str],
    deadline: Deadline,
) -> tuple[list[JobFile], list[Probe | None]]:
    """The inputs that had to be opened, and what each holds; None where only a job can tell."""
    files: list[JobFile] = []
    probes: list[Probe | None] = []
    urls = admitted.checked.urls
    for number, (url, stored) in enumerate(zip(urls, admitted.inputs, strict=True)):
        if len(urls) == 1 and is_exact(stored.probe):
            probes.append(stored.probe)
            continue
        many = sum(file.served for file in files) >= MAX_SERVED
        try:
            file = _open(stack, caller, url, folder / f"input{number}", deadline, small=many)
        except OnlyWhole:
            warnings.append(
                f"inputs[{number}]: it is looked into when the job runs, because"
                + (
                    f" {MAX_SERVED} large inputs are looked into here."
                    if many
                    else " its server does not answer with ranges."
                )
            )
            probes.append(None)
            continue
        files.append(file)
        probes.append(_probe_input(file, stored, folder, deadline))
    return files, probes


def _probe_input(file: JobFile, stored: Stored, folder: Path, deadline: Deadline) -> Probe:
    if stored.probe is not None and is_exact(stored.probe):
        return stored.probe
    try:
        probe = probed(file, folder, exact=False, deadline=deadline)
    except MediaError:
        _left(deadline)  # out of time is not the file's fault
        raise
    # A guessed length gives no price.
    return msgspec.structs.replace(probe, duration=None) if probe.estimated else probe


def _left(deadline: Deadline) -> float:
    """The seconds that are left. Raises MediaError when there are none."""
    left = deadline.left()
    if left <= 0:
        raise MediaError(
            "upload",
            f"The inputs could not be fetched and looked into within {SECONDS} seconds. A job has"
            " more time: create it, or try again.",
        )
    return left


def _open(
    stack: ExitStack, caller: Caller, url: str, path: Path, deadline: Deadline, *, small: bool
) -> JobFile:
    """An input; `small` ones only, else what can be had in parts. Raises OnlyWhole."""
    limit = caller.plan.max_input_bytes
    return open_file(
        stack,
        url,
        path,
        max_bytes=limit,
        too_large=f"The input has {{size}} bytes; the {caller.plan.name} plan takes {limit}.",
        canceled=never,
        seconds=_left(deadline),
        only_parts=True,
        only_small=small,
        hurried=True,
    )


def _minutes_left(caller: Caller) -> float:
    """Of this month, neither used nor held for jobs under way."""
    row = postgres.row(
        """
        select used_minutes + reserved_minutes - granted_minutes as minutes from app.usage
         where account_id = %(account)s
           and period = date_trunc('month', now() at time zone 'utc')::date
        """,
        {"account": caller.account_id},
    )
    left: float = caller.plan.minutes_per_month - float(row["minutes"] if row else 0)
    return round(max(0.0, left), 4)
