"""A plan and paths become ffmpeg's argument list: a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lib.media.plan import Plan
from lib.media.probe import INPUT_GUARDS

PROGRESS_SECONDS = "0.25"


def argv(plan: Plan, input_paths: Sequence[Path | str], output_path: Path | str) -> list[str]:
    """The arguments after the program's name.

    -xerror makes a damaged input fail instead of giving half a file with exit 0.
    Metadata is dropped: a phone's position must not travel with the result.
    """
    arguments = [
        "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-nostats",
        "-progress", "pipe:1", "-stats_period", PROGRESS_SECONDS, "-xerror",
    ]  # fmt: skip
    for flags, path in zip(plan.inputs, input_paths, strict=True):
        arguments += INPUT_GUARDS
        arguments += _flat(flags)
        arguments += ["-i", str(path)]
    arguments += _flat(plan.options)
    arguments += ["-map_metadata", "-1", "-map_chapters", "-1", "-dn", "-sn"]
    if plan.format.kind == "audio" and ("-vn", None) not in plan.options:
        arguments.append("-vn")
    if plan.format.name in ("jpeg", "png"):
        arguments += ["-update", "1"]
    return [*arguments, "-f", plan.format.muxer, str(output_path)]


def _flat(flags: Sequence[tuple[str, str | None]]) -> list[str]:
    return [part for flag, value in flags for part in (flag, value) if part is not None]
