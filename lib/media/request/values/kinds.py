"""What a kind of value is, and how kinds are built: numbers, words, patterns, lists."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from lib.media.request import expressions

MAX_DIGITS = 40
"""Digits of a number, before the decimal point and after it."""
LISTED = 20
"""Words that a message lists at most."""


class Kind(NamedTuple):
    """A description of the values that an option accepts, and the parser for them."""

    says: str
    parse: Callable[[str], str]
    """Takes the caller's text, returns what ffmpeg gets. Raises ValueError that says what the value
    must be."""
    low: float | None = None
    """The lowest and the highest number of a numeric kind."""
    high: float | None = None


def names(words: Iterable[str]) -> str:
    """A list of words for a message, cut after the first LISTED."""
    known = list(words)
    cut = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(known[:LISTED]) + cut


def integer(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A whole number from low to high (with k or M for thousands), or one of the words.

    Calculations with numbers, such as 44100*1.25, are done here, since the range counts.
    """
    known = frozenset(words)
    says = f"a whole number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says
    short = f"one of {names(words)}, or a whole number{_between(low, high)}" if known else says

    def parse(text: str) -> str:
        if text in known:
            return text
        match = re.fullmatch(r"([+-]?[0-9]{1,19})([kKM]?)", text)
        if match is None:
            value = _whole(text, short)
        else:
            value = int(match[1]) * {"": 1, "k": 10**3, "K": 10**3, "M": 10**6}[match[2]]
        if not low <= value <= high:
            raise ValueError(short)
        return str(value)

    return Kind(says, parse, low, high)


def number(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A number from low to high, perhaps in dB, or a calculation with numbers, or a word."""
    known = frozenset(words)
    says = f"a number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says
    short = f"one of {names(words)}, or a number{_between(low, high)}" if known else says
    # As decimals, since the float nearest to 0.01 is larger than 0.01.
    lowest, highest = Decimal(repr(low)), Decimal(repr(high))

    def parse(text: str) -> str:
        if text in known:
            return text
        decibels = text.removesuffix("dB")
        value = _decimal(decibels)
        if value is None:
            return _calculation(text, short)
        if decibels != text:
            if not -200 <= value <= 200:
                raise ValueError(short)
            return f"{value:f}dB"
        if not lowest <= value <= highest:
            raise ValueError(short)
        return _plain(value)

    return Kind(says, parse, low, high)


def choice(*words: str) -> Kind:
    """One of the words."""
    says = f"one of {', '.join(words)}"
    known = frozenset(words)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"one of {names(words)}")
        return text

    return Kind(says, parse)


def renamed(words: dict[str, str]) -> Kind:
    """One of the words, written as ffmpeg calls it."""
    says = f"one of {', '.join(words)}"

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {names(words)}")
        return words[text]

    return Kind(says, parse)


def flags(*words: str) -> Kind:
    """Words joined by + (or -, to switch one off).

    A first word without a sign stands for itself alone; with one it is added to the default.
    """
    says = f"one or more of {', '.join(words)}, joined by +"
    known = frozenset(words)

    def parse(text: str) -> str:
        parts = re.findall(r"([+-]?)(\w+)", text)
        written = "".join(sign + word for sign, word in parts)
        if written != text or any(word not in known for _, word in parts):
            raise ValueError(f"one or more of {names(words)}, joined by +")
        if any(not sign for sign, _ in parts[1:]) or not parts:
            raise ValueError(f"one or more of {names(words)}, joined by +")
        return written

    return Kind(says, parse)


def pattern(says: str, expression: str) -> Kind:
    """Text of a fixed shape."""

    def parse(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(says)
        return text

    return Kind(says, parse)


def listed(kind: Kind, separator: str = "|") -> Kind:
    """Several values of a kind."""
    says = f"{kind.says}, or several joined by {separator}"

    def parse(text: str) -> str:
        return separator.join(kind.parse(part.strip()) for part in text.split(separator))

    return Kind(says, parse)


def _decimal(text: str) -> Decimal | None:
    """A plain number such as -1.5 or 2e3; None for anything else."""
    match = _DECIMAL.fullmatch(text)
    if match is None or len(text) > 3 * MAX_DIGITS:
        return None
    value = Decimal(text)
    # The exponent is bounded, because numbers are written out without one.
    return value if not value or abs(value.adjusted()) <= 308 else None


_DECIMAL = re.compile(
    rf"[+-]?(?:[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{0,{MAX_DIGITS}}})?|\.[0-9]{{1,{MAX_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _between(low: float, high: float) -> str:
    """The bounds in words; what no one would reach is none."""
    if abs(low) >= _FAR and abs(high) >= _FAR:
        return ""
    if abs(low) >= _FAR:
        return f" of at most {_short(high)}"
    return f" from {_short(low)}" + (f" to {_short(high)}" if abs(high) < _FAR else " on")


_FAR = 1e18


def _short(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0e}".replace("e+0", "e").replace("+", "")


def _whole(text: str, says: str) -> int:
    """The nearest whole number to a calculation, as ffmpeg rounds it."""
    if not re.fullmatch(r"[-+*/(). 0-9e]{1,60}", text):
        raise ValueError(says)
    try:
        return round(_worked_out(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ArithmeticError, RecursionError, ValueError):
        raise ValueError(says) from None


def _worked_out(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as sign):
            return _SIGNS[type(sign)](_worked_out(left), _worked_out(node.right))
        case _:
            raise ValueError


_SIGNS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def _calculation(text: str, says: str) -> str:
    """A calculation with numbers alone, such as 16/9 or 1/2; ffmpeg checks its range."""
    try:
        written = expressions.parse(text)
    except ValueError:
        raise ValueError(says) from None
    if re.search(r"[A-Zac-df-z_]", re.sub(r"\bPI\b", "", written)):
        raise ValueError(says)
    return written
