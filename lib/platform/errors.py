"""The one shape of an error: `{error, message, code, details?}` with the status of its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lib.platform.error_codes import CODES

UNAVAILABLE = "Storage does not answer just now. Try again in a moment."
"""What a caller reads when Storage fails us."""
LOGIN_UNAVAILABLE = "The login does not answer just now. Try again in a moment."
DATABASE_UNAVAILABLE = "The database does not answer just now. Try again in a moment."
RETRY_SECONDS = 5
"""`Retry-After` of every 502 and 503 that names no other time."""


class Problem(Exception):
    """An answer other than success.

    `code` is one of CODES and gives the status. `error` is a sentence the caller can act on;
    `details` adds to it (a string everywhere, but an array of strings on /v1/ffprobe, as the
    official client expects). `message` is the sentence again, for clients that read it (n8n); it
    differs only where the official clients expect a word in `error`. `extra` are further members of
    the JSON object; `headers` go on the answer.
    """

    def __init__(
        self,
        code: str,
        error: str,
        details: str | list[str] | None = None,
        *,
        message: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.code = code
        self.status = CODES[code].status
        self.error = error
        self.message = message or error
        self.details = details
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        body: dict[str, Any] = {"error": self.error, "message": self.message, "code": self.code}
        if self.details is not None:
            body["details"] = self.details
        return body | self.extra


def unauthorized(sentence: str, *, closed: bool = False) -> Problem:
    """401. `error` is the word that clients match (docs/contract.md, section 7.1); `message`
    is the sentence.
    """
    return Problem(
        "account_closed" if closed else "unauthorized",
        "unauthorized",
        sentence,
        message=sentence,
        headers={"WWW-Authenticate": "Bearer"},
    )


class Error(msgspec.Struct):
    """An error."""

    error: str
    """A sentence to act on. A 401 says `unauthorized`."""
    message: str
    """The same sentence; of a 401, what to do."""
    code: str
    """A stable code, one of the table in the docs."""
    details: str | None = None
    """More about it."""


class Refusal(msgspec.Struct):
    """One fault of a job request."""

    flag: str
    """The field, flag or filter."""
    rule: str
    """The rule that it breaks."""
    alternative: str | None
    """What to do instead."""


class Refused(Error):
    """A job request that breaks rules."""

    refusals: list[Refusal] = []
    """All faults, one by one; absent when the body has another shape."""


class QuotaError(Error, kw_only=True):
    """The quota wall."""

    job_id: str
    """The failed job that records the attempt."""
    upgrade_url: str
    """The page where the plan can be upgraded for this job."""


class ProbeError(msgspec.Struct):
    """An error of /v1/ffprobe."""

    error: str
    """A sentence to act on."""
    message: str
    """The same sentence."""
    code: str
    """A stable code, one of the table in the docs."""
    details: list[str] = []
    """More about it, a sentence each."""
