"""A plan and paths become ffmpeg's argument list: a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lib.media.plan.guards import guards
from lib.media.plan.model import Output, Plan

PROGRESS_SECONDS = "0.25"
MANY_INPUTS = 10
"""With more, each is decoded in one thread: the memory of their threads adds up."""
LIST_NAME = "inputs.txt"
"""The list of files that follow each other, in the job's folder."""


def argv(plan: Plan, inputs: Sequence[Path | str], *outputs: Path | str) -> list[str]:
    """The arguments after the program's name; ffmpeg's working folder is the job's.

    -xerror makes a damaged input fail instead of giving half a file with exit 0.
    """
    arguments = [
        "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-nostats",
        "-progress", "pipe:1", "-stats_period", PROGRESS_SECONDS,
    ]  # fmt: skip
    # Where a file ends its audio may reach past its video; ffmpeg then moves the next one's
    # packets by milliseconds, which -xerror would take for damage.
    arguments += [] if plan.joined else ["-xerror"]
    if plan.joined:
        arguments += [*guards(LIST_NAME, "concat"), "-f", "concat", "-i", LIST_NAME]
    else:
        threads = ["-threads", "1"] if len(inputs) > MANY_INPUTS else []
        for flags, place in zip(plan.inputs, inputs, strict=True):
            arguments += [*guards(place), *threads, *_flat(flags), "-i", str(place)]
    for extra in plan.extras:
        arguments += [*guards(extra.name), *_flat(extra.flags), "-i", extra.name]
    for output, place in zip(plan.outputs, outputs, strict=True):
        arguments += [*_output(output), str(place)]
    return arguments


def _output(output: Output) -> list[str]:
    """The arguments of one output, without its path.

    Metadata is dropped: a phone's position must not travel with the result. Audio has no video
    unless -map names one, its cover art.
    """
    flags = {flag for flag, _ in output.options}
    arguments = _flat(output.options)
    for flag in ("-map_metadata", "-map_chapters"):
        arguments += [] if flag in flags else [flag, "-1"]
    arguments += ["-dn", "-sn"]
    maps = [value or "" for flag, value in output.options if flag == "-map"]
    cover = any(":v" in value and not value.startswith("-") for value in maps)
    if output.format.kind == "audio" and "-vn" not in flags and not cover:
        arguments.append("-vn")
    if output.format.name in ("jpeg", "png"):
        arguments += ["-update", "1"]
    return [*arguments, "-f", output.format.muxer]


def _flat(flags: Sequence[tuple[str, str | None]]) -> list[str]:
    return [part for flag, value in flags for part in (flag, value) if part is not None]
