"""Times, rates and ratios."""

from __future__ import annotations

import re
from functools import lru_cache

from lib.media.request import expressions
from lib.media.request.values.kinds import Kind

MAX_RATE = 240


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """A length or moment: seconds (12.5, 300ms) or [hours:]minutes:seconds. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(TIME.says)
    hours, minutes, rest, plain, unit = match.groups()
    if plain is not None:
        return float(plain) / {"ms": 1e3, "us": 1e6}.get(unit or "s", 1)
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)


_TIME = re.compile(
    r"(?:(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)"
    r"|((?:[0-9]{1,7}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}))(ms|us|s)?)"
)


def _time(text: str) -> str:
    return f"{seconds(text):.6f}".rstrip("0").rstrip(".")


def _signed_time(text: str) -> str:
    return "-" + _time(text[1:]) if text.startswith("-") else _time(text)


def _bitrate(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,10}(?:\.[0-9]{1,3})?)([kKmM]?)", text)
    bits = float(match[1]) * {"k": 1e3, "m": 1e6}.get(match[2].lower(), 1) if match else -1
    if not match or not 0 <= bits <= 400e6:
        raise ValueError(BITRATE.says)
    return match[1] + {"K": "k", "m": "M"}.get(match[2], match[2])


_RATES = {
    "ntsc": 30000 / 1001, "pal": 25, "qntsc": 30000 / 1001, "qpal": 25, "sntsc": 30000 / 1001,
    "spal": 25, "film": 24, "ntsc-film": 24000 / 1001,
}  # fmt: skip
_FRACTION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,6})?)(?:[/:]([0-9]{1,7}(?:\.[0-9]{1,4})?))?")


def _rate(text: str) -> str:
    if text in _RATES or text == "source_fps":
        return text
    match = _FRACTION.fullmatch(text)
    if match is None or not float(match[2] or 1):
        raise ValueError(RATE.says)
    if not 0.0005 <= float(match[1]) / float(match[2] or 1) <= MAX_RATE:
        raise ValueError(RATE.says)
    return text.replace(":", "/")


def frames_per_second(text: str) -> float:
    """The number a rate stands for; 0 for the source's own."""
    if text == "source_fps":
        return 0.0
    if text in _RATES:
        return _RATES[text]
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def _ratio(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]{1,6})?)(?:[:/]([0-9]{1,5}))?", text)
    if match is None:
        return expressions.parse(text)
    if match[2] and not int(match[2]):
        raise ValueError(RATIO.says)
    return text.replace(":", "/")


TIME = Kind("a time such as 12.5 or 00:00:12.5", _time)
SIGNED_TIME = Kind("a time such as 12.5, -1 or 00:00:12.5", _signed_time)
BITRATE = Kind("a bit rate such as 800k or 2M, at most 400M", _bitrate)
RATE = Kind(f"a frame rate such as 25 or 30000/1001, at most {MAX_RATE}", _rate)
RATIO = Kind("a ratio such as 16/9", _ratio)
