"""Runs a plan with ffmpeg in the cage, and tells what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.media import cage
from lib.media.argv import argv
from lib.media.cage import Limits
from lib.media.errors import Canceled, MediaError
from lib.media.ffmpeg import binary
from lib.media.plan import Plan
from lib.media.progress import Clock

__all__ = ["Limits", "Outcome", "run"]

CUT_OFF = 0.9
"""An output shorter than this share of what its inputs state means that one was cut off."""
LAG_SECONDS = 0.5
TOO_LARGE_EXIT = 229
STOPPED = re.compile(r"received signal (?:9|15|2|1)\b")
DAMAGED = re.compile(
    r"File ended prematurely|Invalid data found|moov atom not found|corrupt|partial file|Truncating"
    r"|Error while decoding|Invalid NAL|truncated|Decoding error"
    r"|Error (?:processing|submitting) packet (?:in|to) decoder",
    re.IGNORECASE,
)


class Outcome(NamedTuple):
    """What ffmpeg made."""

    duration_seconds: float
    size_bytes: int
    wall_seconds: float
    cpu_seconds: float
    arguments: list[str]
    """ffmpeg's argument list, paths replaced by {input0}, …, {output}."""


def run(
    plan: Plan,
    input_paths: Sequence[Path],
    output_path: Path,
    *,
    limits: Limits,
    on_progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> Outcome:
    """Run the plan; `on_progress` gets percent. Raises MediaError, Canceled."""
    clock = Clock()

    def take(line: str) -> None:
        clock.line(line)
        if plan.expected_seconds and line.startswith("progress="):
            on_progress(round(min(99.0, 100 * clock.seconds / plan.expected_seconds), 1))

    output_path = output_path.absolute()
    input_paths = [path.absolute() for path in input_paths]
    finished = cage.run(
        [str(binary()), *argv(plan, input_paths, output_path)],
        folder=output_path.parent,
        readable=input_paths,
        limits=limits,
        on_line=take,
        cancelled=cancelled,
    )
    if finished.canceled:
        raise Canceled
    seconds = _length(clock, plan)
    _check(finished, plan, seconds, output_path, limits)
    placeholders = [f"{{input{number}}}" for number in range(len(input_paths))]
    return Outcome(
        seconds,
        output_path.stat().st_size,
        finished.wall_seconds,
        finished.cpu_seconds,
        argv(plan, placeholders, "{output}"),
    )


def _length(clock: Clock, plan: Plan) -> float:
    """Seconds of the output; a picture has none.

    The clock shows the last packet's decoding time, which lags by the frames that are reordered:
    where the rate is known and it agrees, the count of frames is exact.
    """
    if plan.format.kind == "image" and plan.format.name != "gif":
        return 0.0
    counted = clock.frames / plan.rate if plan.rate else 0.0
    if clock.seconds <= counted <= clock.seconds + LAG_SECONDS:
        return round(counted, 3)
    return round(clock.seconds, 3)


def _check(
    finished: cage.Finished, plan: Plan, seconds: float, output: Path, limits: Limits
) -> None:
    """Raises MediaError unless ffmpeg really made the file; its exit code alone is not enough."""
    report = finished.report
    # ffmpeg takes SIGXCPU for a wish to end early, and says so; at the hard limit it is killed.
    out_of_time = finished.cpu_seconds >= limits.cpu_seconds - 1
    if finished.timed_out or (finished.returncode != 0 and out_of_time):
        raise MediaError(
            "processing_limit",
            f"The job needed more than the {limits.wall_seconds:.0f} seconds it may take. Send a"
            " shorter input, a smaller size or faster options.",
        )
    if finished.returncode < 0 or STOPPED.search(report):
        raise MediaError("transient", "ffmpeg was stopped from outside. Send the job again.")
    if finished.returncode == TOO_LARGE_EXIT or "File too large" in report:
        raise MediaError(
            "file_size",
            f"The output grew past {limits.output_bytes // 1024**2} MB. Choose a shorter span, a"
            " smaller size or a lower quality.",
        )
    if finished.returncode != 0 and "Cannot allocate memory" in report:
        raise MediaError(
            "processing_limit",
            f"The job needed more than the {limits.memory_bytes // 1024**2} MB of memory it may"
            " take. Send a smaller picture, or fewer inputs at once.",
        )
    if finished.returncode != 0:
        if DAMAGED.search(report):
            raise MediaError("validation", _DAMAGED)
        asked = plan.source == "raw_options" or any(f == "-filter_complex" for f, _ in plan.options)
        raise MediaError("validation" if asked else "processing", _reason(report))
    if not output.exists() or output.stat().st_size == 0 or _NOTHING in report:
        raise MediaError(
            "validation",
            "ffmpeg made an empty file: the span or the streams asked for hold nothing. Check -ss,"
            " -t and what the input contains.",
        )
    cut_wav = "Packet corrupt" in report and "maximum wav data size" not in report
    expected = plan.expected_seconds or 0
    short = plan.complete and seconds < expected * CUT_OFF - 0.5
    # Whether ffmpeg fails for a broken block or conceals it depends on how its threads are timed.
    broken = "error while decoding MB" in report
    if short or cut_wav or broken or "File ended prematurely" in report:
        raise MediaError("validation", _DAMAGED)


_NOTHING = "Output file is empty, nothing was encoded"
_DAMAGED = (
    "An input is damaged or cut off: it could not be decoded to its end. Send the whole file; if it"
    " plays on your machine, save it anew first."
)


def _reason(report: str) -> str:
    """What ffmpeg said last, without paths; callers who know ffmpeg can act on it."""
    lines = [
        re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\]\s*", "", line).strip()
        for line in report.splitlines()
        if line.strip()
    ]
    telling = [line for line in lines if "/" not in line and len(line) < 300]
    said = telling[0] if telling else "it ended with an error"
    return f"ffmpeg could not do this: {said}. Check the options against the input."
