"""What can go wrong with media, each with a sentence a caller can act on."""

from __future__ import annotations

import errno
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


class OutOfTime(MediaError):
    """The deadline passed before the work was done."""


class NoSpace(MediaError):
    """The disk is full. Another attempt may find room."""

    def __init__(self) -> None:
        super().__init__(
            "processing_limit",
            "The server did not have enough working space for this job. Your request is fine and"
            " nothing was charged: send the job again later, or send a smaller input.",
        )


def is_full(error: BaseException) -> bool:
    """Whether the operating system says that there is no space left to write to."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


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
