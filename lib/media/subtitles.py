"""Subtitle files of callers: read by pysubs2 and written anew as ASS.

The file itself never reaches ffmpeg, whose subtitles filter would open whatever it claims to be,
playlists among them. What the ASS file brings along (fonts, pictures) is left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from lib.media import fonts
from lib.media.errors import MediaError

MAX_BYTES = 5 * 1024 * 1024
MAX_EVENTS = 50_000
FORMATS = ("srt", "vtt", "ass", "ssa")


def rewrite(source: Path, destination: Path) -> int:
    """Write `destination` as ASS; the number of lines shown. Raises MediaError (validation)."""
    import pysubs2  # only jobs with subtitles need it

    if source.stat().st_size > MAX_BYTES:
        raise MediaError("validation", f"The subtitles are larger than {MAX_BYTES // 2**20} MB.")
    text = _decoded(source.read_bytes())
    try:
        read = pysubs2.SSAFile.from_string(text)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, KeyError, IndexError) as error:
        raise _unreadable() from error
    if read.format not in FORMATS or not read.events:
        raise _unreadable()
    if len(read.events) > MAX_EVENTS:
        raise MediaError("validation", f"There are more than {MAX_EVENTS} subtitles.")
    read.fonts_opaque = {}
    read.graphics_opaque = {}
    read.aegisub_project = {}
    if read.format in ("srt", "vtt"):
        default = read.styles["Default"]
        default.fontname, default.fontsize = "Arial", 16.0
        read.info |= {"PlayResX": "384", "PlayResY": "288", "ScaledBorderAndShadow": "yes"}
        for event in read.events:
            event.text = _sized(event.text)
    read.save(str(destination), format_="ass", encoding="utf-8")
    return len(read.events)


def _sized(text: str) -> str:
    """Scripts brought to the size of Latin letters: libass reckons with a font's height, not an em.

    By a scale, so that it holds whatever size a style asks for.
    """
    parts = _TAGS.split(text)
    return "".join(part if number % 2 else _scaled(part) for number, part in enumerate(parts))


_TAGS = re.compile(r"(\{[^}]*\}|\\[Nnh])")
SLIGHT = 10
"""Percent of difference in size that no one sees."""


def _scaled(words: str) -> str:
    usual = fonts.DEFAULT.ascent + fonts.DEFAULT.descent
    written = ""
    for run, script in fonts.runs(words):
        percent = round(100 * (script.ascent + script.descent) / usual) if script else 100
        if abs(percent - 100) > SLIGHT:
            run = f"{{\\fscx{percent}\\fscy{percent}}}{run}{{\\fscx100\\fscy100}}"
        written += run
    return written


def _decoded(data: bytes) -> str:
    """UTF-8, UTF-16 by its mark, else Windows' Latin letters, in which every byte means one."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _unreadable() -> MediaError:
    return MediaError(
        "validation",
        "The subtitles can't be read. Send an SRT, WebVTT or ASS file with at least one line, in"
        " UTF-8.",
    )
