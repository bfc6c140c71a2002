"""The one shape of an error that a caller can cause: `{error, details?}` with a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNAVAILABLE = "Storage does not answer just now. Try again in a moment."
"""What a caller reads when Storage fails us."""
LOGIN_UNAVAILABLE = "The login does not answer just now. Try again in a moment."
DATABASE_UNAVAILABLE = "The database does not answer just now. Try again in a moment."
RETRY_SECONDS = 5
"""`Retry-After` of every 502 and 503 that names no other time."""


class Problem(Exception):
    """An answer other than success.

    `error` is a sentence the caller can act on; `details` adds to it (a string everywhere, but an
    array of strings on /v1/ffprobe, as the official client expects); `extra` are further members
    of the JSON object; `headers` go on the answer.
    """

    def __init__(
        self,
        status: int,
        error: str,
        details: str | list[str] | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.details = details
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        body: dict[str, Any] = {"error": self.error}
        if self.details is not None:
            body["details"] = self.details
        return body | self.extra


def bad_request(error: str, details: str | None = None) -> Problem:
    """400: the request itself must change."""
    return Problem(400, error, details)


def not_found(error: str) -> Problem:
    """404: unknown, expired, or somebody else's; which of these is never told."""
    return Problem(404, error)
