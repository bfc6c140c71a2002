"""Types of the commands' arguments; each raises argparse.ArgumentTypeError with what is needed."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation

from lib.privacy import policies

MOST_MINUTES = Decimal(1_000_000)


def reason(text: str) -> str:
    """A sentence for the log."""
    if not text.strip() or len(text) > 500 or not text.isprintable():
        raise argparse.ArgumentTypeError("a sentence of at most 500 letters is needed")
    return text.strip()


def version(text: str) -> str:
    """A name of a version of the policies."""
    if not policies.VERSION.fullmatch(text):
        raise argparse.ArgumentTypeError("letters, digits, dots and dashes are needed, such as 2.1")
    return text


def summary(text: str) -> str:
    """What is new in a version of the policies."""
    if not text.strip() or len(text) > policies.MAX_SUMMARY or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"one paragraph of at most {policies.MAX_SUMMARY} letters is needed"
        )
    return text.strip()


def minutes(text: str) -> Decimal:
    """Minutes to grant."""
    try:
        number = Decimal(text).quantize(Decimal("0.0001"))
    except InvalidOperation:
        raise argparse.ArgumentTypeError("a number of minutes is needed, such as 120") from None
    if not number.is_finite() or not 0 < number <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"from 0.0001 to {MOST_MINUTES} minutes can be granted")
    return number
