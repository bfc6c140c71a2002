"""How large a request may be, checked before anything is parsed and before the caller is known."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from lib.platform.errors import bad_request

BODY_BYTES = 65_536
"""The limit of every route that is not listed below."""
BODY_LIMITS = {
    "POST /v1/transcodes": 1_000_000,
    "POST /v1/validate": 1_000_000,
    "POST /hooks/stripe": 262_144,  # an event embeds its object, such as an invoice with its lines
}
PATH_CHARACTERS = 2_048
QUERY_CHARACTERS = 16_384
"""Of the whole query string, as sent: a value of 8,192 characters may be percent-encoded."""


def body_limit() -> int:
    """The largest body, in bytes, that the route of the current request accepts."""
    return BODY_LIMITS.get(f"{request.method} {request.url_rule}", BODY_BYTES)


def check_size() -> None:
    """Refuse a request that is too large by its Content-Length, path or query string.

    A body without Content-Length is refused when it is read. Raises RequestEntityTooLarge (413),
    Problem 400.
    """
    limit = body_limit()
    # werkzeug cuts a body without Content-Length here: one byte more tells that it is too large.
    request.max_content_length = limit + 1
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    if len(request.path) > PATH_CHARACTERS:
        raise bad_request(f"The path is longer than {PATH_CHARACTERS} characters.")
    if len(request.query_string) > QUERY_CHARACTERS:
        raise bad_request(f"The query string is longer than {QUERY_CHARACTERS} characters.")


def read_body() -> bytes:
    """The body of the current request. Raises RequestEntityTooLarge."""
    data = request.get_data()
    if len(data) > body_limit():
        raise RequestEntityTooLarge
    return data
