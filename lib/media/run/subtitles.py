"""Subtitle files of callers: parsed in a sandboxed process and rewritten as ASS.

The file itself never reaches ffmpeg, whose subtitles filter would open whatever it claims to be,
playlists among them. subtitle_parser.py does the parsing; here it is run and its answer judged.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lib.media.errors import Canceled, MediaError
from lib.media.run import sandbox

MAX_BYTES = 5 * 1024 * 1024
LIMITS = sandbox.Limits(
    wall_seconds=60, cpu_seconds=10, output_bytes=64 * 1024**2, memory_bytes=512 * 1024**2
)

ROOT = Path(__file__).parent.parent.parent
START = (
    "import sys, types\n"
    "packages, folder = sys.argv[1:3]\n"
    # `lib` without its parent folder, which the sandbox does not show.
    "sys.modules['lib'] = lib = types.ModuleType('lib')\n"
    "lib.__path__ = [folder]\n"
    "sys.path.append(packages)\n"
    "from lib.media.run import subtitle_parser\n"
    "subtitle_parser.main(sys.argv[3:])\n"
)
OUTPUT = "subtitles.ass"


def rewrite(
    source: Path,
    destination: Path,
    *,
    limits: sandbox.Limits = LIMITS,
    canceled: Callable[[], bool] = lambda: False,
) -> int:
    """Write `destination` as ASS; returns the number of events.

    Raises MediaError (validation for anything wrong with the file), Canceled.
    """
    if source.stat().st_size > MAX_BYTES:
        raise MediaError("validation", f"The subtitles are larger than {MAX_BYTES // 2**20} MB.")
    lines: list[str] = []
    # The parser gets an empty folder to write in, so that it can't reach the job's other files.
    folder = destination.absolute().with_name(f"{destination.name}.parsing")
    folder.mkdir()
    try:
        finished = sandbox.run(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", START, str(_packages()),
             str(ROOT), str(source.absolute()), OUTPUT],
            folder=folder,
            limits=limits,
            readable=[source.absolute(), *_python()],
            on_line=lines.append,
            canceled=canceled,
        )  # fmt: skip
        if finished.canceled:
            raise Canceled
        count = _events(finished, lines)
        (folder / OUTPUT).replace(destination)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _events(finished: sandbox.Finished, lines: list[str]) -> int:
    """The number of events that the parser wrote. Raises MediaError."""
    if lines[:1] != ["ready"] and not finished.timed_out:
        raise MediaError("transient", "The subtitles could not be read. Send the job again.")
    word, _, value = (lines[1] if len(lines) > 1 else "").partition(" ")
    if finished.returncode == 0 and word == "events":
        return int(value)
    if finished.returncode != 0 or word != "refused":
        value = "limit"
    raise MediaError("validation", _SENTENCES.get(value, _SENTENCES["unreadable"]))


_SENTENCES = {
    "unreadable": "The subtitles can't be read. Send an SRT, WebVTT or ASS file with at least one"
    " line, in UTF-8.",
    "format": "The subtitles can't be read: they are not SRT, WebVTT, ASS or SSA. Convert them to"
    " one of these formats.",
    "line": "The subtitles can't be read: a line has more than 5,000 characters. Split it into"
    " shorter lines.",
    "events": "There are more than 50,000 subtitles. Split the file into smaller ones.",
    "limit": "The subtitles are too complex to read. Remove unusual markup and send the file"
    " again.",
}


@cache
def _packages() -> Path:
    """The folder that holds pysubs2."""
    spec = importlib.util.find_spec("pysubs2")
    if spec is None or spec.origin is None:
        raise RuntimeError("pysubs2 is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent.parent


@cache
def _python() -> tuple[Path, ...]:
    """What Python reads to start: its own library, our modules and the installed packages."""
    return (
        Path(os.__file__).parent,
        Path(sys.base_prefix) / "lib",
        Path(sys.prefix) / "pyvenv.cfg",
        ROOT,
        _packages(),
    )
