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

__all__ = ["Limits", "Outcome", "run"]

CUT_OFF = 0.9
"""An output shorter than this share of what its inputs state means that one was cut off."""
TOO_LARGE_EXIT = 229
DAMAGED = re.compile(
    r"File ended prematurely|Invalid data found|moov atom not found|corrupt|partial file|Truncating"
    r"|Error while decoding|Invalid NAL|truncated"
    , re.IGNORECASE)  # fmt: skip


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
    made = _Progress(plan.expected_seconds, on_progress)
    finished = cage.run(
        [str(binary()), *argv(plan, input_paths, output_path)],
        folder=output_path.parent,
        limits=limits,
        on_line=made.line,
        cancelled=cancelled,
    )
    if finished.canceled:
        raise Canceled
    _check(finished, plan, made.seconds, output_path, limits)
    placeholders = [f"{{input{number}}}" for number in range(len(input_paths))]
    return Outcome(
        0.0 if plan.format.kind == "image" and plan.format.name != "gif" else made.seconds,
        output_path.stat().st_size,
        finished.wall_seconds,
        finished.cpu_seconds,
        argv(plan, placeholders, "{output}"),
    )


def _check(
    finished: cage.Finished, plan: Plan, seconds: float, output: Path, limits: Limits
) -> None:
    """Raises MediaError unless ffmpeg really made the file; its exit code alone is not enough."""
    if finished.timed_out or finished.returncode in (-24, -9):  # SIGXCPU, SIGKILL by the limit
        raise MediaError(
            "processing_limit",
            f"The job needed more than the {limits.wall_seconds:.0f} seconds it may take. Send a"
            " shorter input, a smaller size or faster options.",
        )
    if finished.returncode == TOO_LARGE_EXIT or "File too large" in finished.report:
        raise MediaError(
            "file_size",
            f"The output grew past {limits.output_bytes // 1024**2} MB. Choose a shorter span, a"
            " smaller size or a lower quality.",
        )
    damaged = DAMAGED.search(finished.report) is not None
    if finished.returncode != 0:
        if damaged:
            raise MediaError("validation", _DAMAGED)
        raise MediaError("processing", _reason(finished.report))
    if not output.exists() or output.stat().st_size == 0:
        raise MediaError(
            "validation",
            "ffmpeg made an empty file: the span or the streams asked for hold nothing. Check -ss,"
            " -t and what the input contains.",
        )
    expected = plan.expected_seconds or 0
    if "File ended prematurely" in finished.report or (
        plan.complete and seconds < expected * CUT_OFF - 0.5
    ):
        raise MediaError("validation", _DAMAGED)


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


class _Progress:
    """Reads `-progress` blocks; out_time_us is in microseconds (and so is out_time_ms)."""

    def __init__(self, expected: float | None, on_progress: Callable[[float], None]) -> None:
        self._expected = expected
        self._tell = on_progress
        self.seconds = 0.0

    def line(self, text: str) -> None:
        """Take one line of the progress."""
        key, _, value = text.partition("=")
        if key == "out_time_us" and value.lstrip("-").isdigit():
            self.seconds = max(self.seconds, int(value) / 1e6)
            if self._expected:
                self._tell(round(min(99.0, 100 * self.seconds / self._expected), 1))
