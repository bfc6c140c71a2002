"""What can go wrong with media, each with a sentence a caller can act on."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Sequence
from typing import Literal, NamedTuple

Category = Literal[
    "processing_limit", "file_size", "quota", "upload", "storage", "validation",
    "processing", "transient", "unknown",
]  # fmt: skip
"""The `error_category` of a job (docs/contract.md, section 4.2)."""


class MediaError(Exception):
    """A job can't be done; the sentence names no path and no signed address.

    `reason` is a short word for the check that failed, for the operator's log and metrics: lower
    case letters, digits and underscores, never what a caller sent.
    """

    def __init__(self, category: Category, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.category: Category = category
        self.reason = reason


def connection_reason(error: BaseException) -> str:
    """The reason for a connection that failed: dns, tls, refused, reset, … or broken_off."""
    each: BaseException | None = error
    while each is not None:
        match each:
            case socket.gaierror():
                return "dns"
            case ssl.SSLError():
                return "tls"
            case ConnectionRefusedError():
                return "refused"
            case ConnectionResetError() | BrokenPipeError():
                return "reset"
            case OSError() if each.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
                return "unreachable"
        each = each.__cause__ or each.__context__
    return "broken_off"


def status_reason(status: int) -> str:
    """The reason for an HTTP answer that is not a success."""
    known = status in (401, 403, 404, 410, 416, 429)
    return f"status_{status}" if known else f"status_{status // 100}xx"


class OutOfTime(MediaError):
    """The deadline passed before the work was done."""


class NoSpace(MediaError):
    """The disk is full. Another attempt may find room."""

    def __init__(self) -> None:
        super().__init__(
            "processing_limit",
            "The server did not have enough working space for this job. Your request is fine and"
            " nothing was charged: send the job again later, or send a smaller input.",
            "disk_full",
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
