"""How large a request may be, checked before anything is parsed and before the caller is known."""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from lib.platform.errors import Problem

BODY_BYTES = 65_536
"""The limit of every route that declares no other."""
_LIMITS = "BODY_LIMITS"
PATH_CHARACTERS = 2_048
QUERY_CHARACTERS = 16_384
"""Of the whole query string, as sent: a value of 8,192 characters may be percent-encoded."""


def body_limit() -> int:
    """The largest body, in bytes, that the route of the current request accepts."""
    limits = current_app.config.get(_LIMITS, {})
    return int(limits.get(f"{request.method} {request.url_rule}", BODY_BYTES))


def limit_body(app: Flask, route: str, most_bytes: int) -> None:
    """Set the largest body of a route, named by its method and rule."""
    app.config.setdefault(_LIMITS, {})[route] = most_bytes


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
        raise Problem("invalid_request", f"The path is longer than {PATH_CHARACTERS} characters.")
    if len(request.query_string) > QUERY_CHARACTERS:
        raise Problem(
            "invalid_request", f"The query string is longer than {QUERY_CHARACTERS} characters."
        )


def read_body() -> bytes:
    """The body of the current request. Raises RequestEntityTooLarge."""
    data = request.get_data()
    if len(data) > body_limit():
        raise RequestEntityTooLarge
    return data
