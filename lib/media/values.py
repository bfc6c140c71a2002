"""The kinds of values that flags and filter options take: each is parsed and written anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

Kind = Callable[[str], str]
"""Takes the caller's text, gives what ffmpeg is told. Raises ValueError with what it should be."""


def integer(low: int, high: int) -> Kind:
    """A whole number from low to high."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"[+-]?[0-9]{1,10}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return str(int(text))

    return parse


def number(low: float, high: float) -> Kind:
    """A number from low to high."""

    def parse(text: str) -> str:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("nan")
        if not value.is_finite() or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return format(value.normalize(), "f")

    return parse


def choice(*words: str) -> Kind:
    """One of the words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


def flags(*words: str) -> Kind:
    """Words joined by +."""

    def parse(text: str) -> str:
        parts = [part for part in text.split("+") if part]
        if not parts or any(part not in words for part in parts):
            raise ValueError(f"one or more of {', '.join(words)}, joined by +")
        return "+" + "+".join(parts)

    return parse


def seconds(text: str) -> float:
    """A length or moment: seconds (12.5, 300ms) or [hours:]minutes:seconds. Raises ValueError."""
    match = re.fullmatch(
        r"(?:(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,6})?)|([0-9]{1,7}(?:\.[0-9]{1,6})?)(ms|us|s)?)",
        text,
    )
    if match is None:
        raise ValueError("a time such as 12.5 or 00:00:12.5")
    hours, minutes, rest, plain, unit = match.groups()
    if plain is not None:
        return float(plain) / {"ms": 1e3, "us": 1e6}.get(unit or "s", 1)
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)


def time(text: str) -> str:
    """A length or moment, written as seconds."""
    return f"{seconds(text):.6f}".rstrip("0").rstrip(".")


def signed_time(text: str) -> str:
    """A length that may be negative."""
    return "-" + time(text[1:]) if text.startswith("-") else time(text)


def bitrate(text: str) -> str:
    """Bits a second: 800k, 2.5M, 128000; at most 100M."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([kKM]?)", text)
    if match is None:
        raise ValueError("a bit rate such as 800k or 2M")
    bits = float(match[1]) * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6}[match[2]]
    if bits > 100e6:
        raise ValueError("a bit rate of at most 100M")
    return text


def rate(text: str) -> str:
    """Frames a second, from 0.01 to 120: 25, 29.97, 30000/1001."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,4})?)(?:/([0-9]{1,6}))?", text)
    if match is None or not int(match[2] or 1):
        raise ValueError("a frame rate such as 25 or 30000/1001")
    if not 0.01 <= float(match[1]) / int(match[2] or 1) <= 120:
        raise ValueError("a frame rate from 0.01 to 120")
    return text


def gain(text: str) -> str:
    """A volume: a factor from 0 to 20, or decibels from -60dB to 26dB."""
    try:
        return number(-60, 26)(text[:-2]) + "dB" if text.endswith("dB") else number(0, 20)(text)
    except ValueError:
        raise ValueError("a factor from 0 to 20, or decibels from -60dB to 26dB") from None


def ratio(text: str) -> str:
    """An aspect ratio: 16/9, 16:9, 1.777."""
    match = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]{1,6})?)(?:[:/]([0-9]{1,5}))?", text)
    if match is None or not float(match[1]) or (match[2] and not int(match[2])):
        raise ValueError("a ratio such as 16/9")
    return text.replace(":", "/")


def colour(text: str) -> str:
    """A colour's name or #RRGGBB, perhaps with @opacity."""
    if not re.fullmatch(
        r"(?:[A-Za-z]{3,24}|(?:#|0x)[0-9A-Fa-f]{6,8})(?:@(?:0|1|0?\.[0-9]{1,3}|1\.0))?", text
    ):
        raise ValueError("a colour such as black, #ff8800 or white@0.5")
    return text


def expression(text: str) -> str:
    """An arithmetic expression over the variables of the filters we know; no loops, no stores."""
    if len(text) > 500 or not re.fullmatch(r"[A-Za-z0-9_.+\-*/()<>,% ]*", text) or not text:
        raise ValueError("an arithmetic expression of at most 500 letters")
    unknown = set(re.findall(r"[A-Za-z_]\w*", text)) - _WORDS
    if unknown:
        raise ValueError(f"an expression without {', '.join(sorted(unknown)[:3])}")
    return text


_WORDS = frozenset(
    {
        *("iw", "ih", "ow", "oh", "in_w", "in_h", "out_w", "out_h", "w", "h", "W", "H"),
        *("a", "sar", "dar", "x", "y", "t", "n", "hsub", "vsub", "SR", "NB_SAMPLES", "PI"),
        *("main_w", "main_h", "overlay_w", "overlay_h"),
        *("PTS", "STARTPTS", "N", "TB", "FRAME_RATE"),
        *("min", "max", "if", "gt", "gte", "lt", "lte", "eq", "between", "mod"),
        *("floor", "ceil", "round", "trunc", "abs", "sqrt", "sin", "cos", "pow"),
    }
)
