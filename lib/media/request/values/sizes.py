"""Colors, sizes, factors and switches."""

from __future__ import annotations

import re

from lib.media.request import expressions
from lib.media.request.values.kinds import Kind

MAX_SIDE = 16_384
MAX_ZOOM_FRAMES = 10_000
_COLOR = re.compile(
    r"(?:[A-Za-z]{3,24}|(?:#|0x|0X)?[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?)"
    r"(?:@(?:0x[0-9A-Fa-f]{1,2}|[01](?:\.[0-9]{0,6})?|\.[0-9]{1,6}))?"
)


def _color(text: str) -> str:
    if not _COLOR.fullmatch(text):
        raise ValueError(COLOR.says)
    return text


_SIZES = frozenset(
    str.split(
        """
    ntsc pal qntsc qpal sntsc spal film ntsc-film sqcif qcif cif 4cif 16cif qqvga qvga vga svga
    xga uxga qxga sxga qsxga hsxga wvga wxga wsxga wuxga woxga wqsxga wquxga whsxga whuxga cga
    ega hd480 hd720 hd1080 2k 2kflat 2kscope 4k 4kflat 4kscope nhd hqvga wqvga fwqvga hvga qhd
    2kdci 4kdci uhd2160 uhd4320
    """
    )
)


def _size(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,5})[xX:]([0-9]{1,5})", text)
    if match is None:
        if text in _SIZES:
            return text
        raise ValueError(SIZE.says)
    width, height = int(match[1]), int(match[2])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(SIZE.says)
    return f"{width}x{height}"


def _side(text: str) -> str:
    written = expressions.parse(text)
    value = expressions.constant(written)
    if value is not None and abs(value) > MAX_SIDE:
        raise ValueError(SIDE.says)
    return written


def _side_or_size(text: str) -> str:
    """A width; 1280x720, which ffmpeg also takes in a width's place, is both sides."""
    return _size(text) if re.fullmatch(r"[0-9]{1,9}x[0-9]{1,9}", text) else _side(text)


def _frames(text: str) -> str:
    written = expressions.parse(text)
    value = expressions.constant(written)
    if value is not None and not 0 <= value <= MAX_ZOOM_FRAMES:
        raise ValueError(FRAMES.says)
    return written


def _gain(text: str) -> str:
    match = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,6})?)(dB)?", text, re.IGNORECASE)
    if match is None:
        return expressions.parse(text)
    low, high = (-200, 60) if match[2] else (0, 1000)
    if not low <= float(match[1]) <= high:
        raise ValueError(GAIN.says)
    return match[1].removeprefix("+") + ("dB" if match[2] else "")


_YES = {"1": "1", "true": "1", "yes": "1", "on": "1", "enable": "1", "enabled": "1", "y": "1",
        "0": "0", "false": "0", "no": "0", "off": "0", "disable": "0", "disabled": "0", "n": "0",
        "auto": "auto", "-1": "auto"}  # fmt: skip


def _boolean(text: str) -> str:
    if text.lower() not in _YES:
        raise ValueError(BOOLEAN.says)
    return _YES[text.lower()]


COLOR = Kind("a color such as black, #ff8800 or white@0.5", _color)
SIZE = Kind(f"a size such as 1280x720 or hd720, at most {MAX_SIDE} a side", _size)
SIDE = Kind(f"a length in pixels or an expression, at most {MAX_SIDE}", _side)
FRAMES = Kind(f"a number of frames or an expression, at most {MAX_ZOOM_FRAMES}", _frames)
GAIN = Kind("a factor, decibels such as -6dB, or an expression", _gain)
BOOLEAN = Kind("1 or 0", _boolean)
