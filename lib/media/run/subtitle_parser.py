"""Parses a caller's subtitles and writes them as ASS, in a process of its own (see subtitles.py).

pysubs2 reads more formats than we accept, some of them with an XML parser, and some of its patterns
take quadratic time. So the format is chosen here from the content and never guessed by pysubs2, and
the process runs in the sandbox with limits on CPU, memory and time.

Started by subtitles.START with a source and a destination. It prints `ready` before it reads the
file, then `events <count>` or `refused <reason>`, the reason being a member of Reason.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lib.media import fonts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_EVENTS = 50_000
MAX_LINE = 5_000
"""Characters of a line."""

Format = Literal["srt", "vtt", "ass", "ssa"]
Reason = Literal["unreadable", "format", "line", "events", "limit"]


class Rejected(Exception):
    """The file is not accepted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def main(arguments: Sequence[str]) -> None:
    """Rewrite one file, and print the outcome."""
    import pysubs2  # noqa: F401  # before `ready`, so that a missing package is not the file's fault

    source, destination = arguments
    _say("ready")
    try:
        _say(f"events {rewrite(Path(source).read_bytes(), Path(destination))}")
    except Rejected as rejected:
        _say(f"refused {rejected.reason}")
    except (MemoryError, OSError):
        _say("refused limit")
    except Exception:  # whatever pysubs2 trips over is the file's fault
        _say("refused unreadable")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def rewrite(data: bytes, destination: Path) -> int:
    """Write `destination` as ASS; returns the number of events. Raises Rejected, or pysubs2's own
    errors."""
    import pysubs2

    text = decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if any(len(line) > MAX_LINE for line in lines):
        raise Rejected("line")
    subtitles_format = recognized(lines)
    if subtitles_format is None:
        raise Rejected("format")
    subtitles = pysubs2.SSAFile.from_string(text, format_=subtitles_format)
    if not subtitles.events:
        raise Rejected("unreadable")
    if len(subtitles.events) > MAX_EVENTS:
        raise Rejected("events")
    # Fonts and pictures that the file brings along never reach ffmpeg.
    subtitles.fonts_opaque = {}
    subtitles.graphics_opaque = {}
    subtitles.aegisub_project = {}
    if subtitles_format in ("srt", "vtt"):
        default = subtitles.styles["Default"]
        default.fontname, default.fontsize = "Arial", 16.0
        subtitles.info |= {"PlayResX": "384", "PlayResY": "288", "ScaledBorderAndShadow": "yes"}
        for event in subtitles.events:
            event.text = sized(event.text)
    subtitles.save(str(destination), format_="ass", encoding="utf-8")
    return len(subtitles.events)


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with a byte order mark, else Windows-1252, in which every byte is a letter."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


_SECTIONS = ("[script info]", "[v4+ styles]", "[v4 styles]", "[events]", "[fonts]", "[graphics]",
             "[aegisub project garbage]", "[aegisub extradata]")  # fmt: skip
_TIMES = re.compile(
    r"[ \t]{0,20}[0-9]{1,3}:[0-9]{1,2}:[0-9]{1,2}[.,][0-9]{1,3}[ \t]{0,20}-->"
    r"[ \t]{0,20}[0-9]{1,3}:[0-9]{1,2}:[0-9]{1,2}[.,][0-9]{1,3}"
)


def recognized(lines: Iterable[str]) -> Format | None:
    """The format, from what it must contain; None for any format that we don't read."""
    filled = [line.strip() for line in lines if line.strip()]
    content = (line for line in filled if not line.startswith((";", "!:")))
    first = next(content, "")
    if first.split(maxsplit=1)[:1] == ["WEBVTT"]:
        return "vtt"
    if first.lower() in _SECTIONS:
        return _substation(filled)
    return "srt" if any(_TIMES.match(line) for line in filled if "-->" in line) else None


def _substation(lines: Iterable[str]) -> Format:
    """SSA is version 4 of the format, ASS is 4+."""
    for line in lines:
        section = line.lower()
        if section == "[v4 styles]" or section.replace(" ", "") == "scripttype:v4.00":
            return "ssa"
        if section == "[v4+ styles]":
            return "ass"
    return "ass"


def sized(text: str) -> str:
    """The text with each script scaled to the size of Latin letters.

    libass sizes a font by its height and not by its em. A scale holds for any size of a style.
    """
    *closed, rest = text.split("}")
    written: list[str] = []
    for part in closed:  # override tags begin with a brace and stay as they are
        plain, brace, tags = part.partition("{")
        written += (_scaled(plain), brace, tags, "}")
    return "".join(written) + _scaled(rest)


SLIGHT = 10
"""Percent of difference in size that nobody sees."""


def _scaled(text: str) -> str:
    if text.isascii():
        return text
    usual = fonts.DEFAULT.ascent + fonts.DEFAULT.descent
    written: list[str] = []
    for run, script in fonts.runs(text):
        percent = round(100 * (script.ascent + script.descent) / usual) if script else 100
        if abs(percent - 100) > SLIGHT:
            written.append(f"{{\\fscx{percent}\\fscy{percent}}}{run}{{\\fscx100\\fscy100}}")
        else:
            written.append(run)
    return "".join(written)
