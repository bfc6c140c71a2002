"""What can go wrong with media, each with a sentence a caller can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Category = Literal[
    "processing_limit", "file_size", "quota", "upload", "storage", "validation",
    "processing", "transient", "unknown",
]  # fmt: skip
"""The contract's error_category."""


class MediaError(Exception):
    """A job can't be done; the sentence names no path and no signed address."""

    def __init__(self, category: Category, sentence: str) -> None:
        super().__init__(sentence)
        self.category: Category = category


class Canceled(Exception):
    """The work was stopped because somebody asked for it."""


class Refusal(NamedTuple):
    """Why a part of a request is not accepted."""

    what: str
    """The field, flag or filter."""
    rule: str
    instead: str = ""


class Refused(Exception):
    """A request that breaks rules; all of them are listed."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(refusals)
        first = self.refusals[0]
        super().__init__(f"{first.what} is not accepted: {first.rule}")
