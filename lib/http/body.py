"""Requests parsed into typed models, with refusals a caller can act on."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from flask import request

from lib import models
from lib.http.bounds import read_body
from lib.platform.errors import Problem

T = TypeVar("T")

MOST_TEXT = 8192
"""Characters of one value of the query string."""
MOST_SAID = 300
"""Characters of what msgspec says, which may quote what the caller sent."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?$", re.DOTALL)


def json_body() -> Any:
    """The body as plain JSON values. Call it once the caller is known: it parses the whole body.

    Raises Problem 400 or 415, RequestEntityTooLarge.
    """
    kind = request.mimetype
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise Problem(
            "unsupported_content_type",
            f"Send the body as JSON with `Content-Type: application/json`, not {kind[:100]}.",
        )
    data = read_body()
    if not data.strip():
        raise Problem("invalid_json", "The request has no body. Send a JSON object.")
    if b"\\u0000" in data or b"\0" in data:
        raise Problem(
            "invalid_request", "The body holds a NUL character. Remove it from the texts you send."
        )
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("invalid_json", "The body is not valid JSON.", str(error)[:200]) from error


def parse(data: Any, model: type[T]) -> T:
    """`data` as `model`. Raises Problem 400 naming the field and what it must be."""
    try:
        return models.convert(data, model)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise Problem("invalid_request", _sentence(str(error))) from error


def query_int(name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query, clamped into low..high. Raises Problem 400 when it is none."""
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        raise Problem("invalid_request", f"`{name}` must be a whole number.")
    return min(max(int(text), low), high)


def query_text(name: str) -> str | None:
    """A text of the query; None when it is absent or empty.

    Raises Problem 400 for a NUL, and for more than MOST_TEXT characters.
    """
    text = request.args.get(name) or None
    if text and "\0" in text:
        raise Problem("invalid_request", f"`{name}` holds a NUL character.")
    if text and len(text) > MOST_TEXT:
        raise Problem("invalid_request", f"`{name}` may have at most {MOST_TEXT} characters.")
    return text


def query_time(name: str) -> datetime | None:
    """A moment of the query, ISO 8601; without a zone it is UTC. Raises Problem 400."""
    text = query_text(name)
    if text is None:
        return None
    try:
        # A "+" that was not encoded arrives as a space; the official client sends +0000.
        moment = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
    except ValueError:
        raise Problem(
            "invalid_request",
            f"`{name}` must be an ISO 8601 date and time such as 2026-01-31T12:00:00Z.",
        ) from None
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _sentence(message: str) -> str:
    """msgspec's message as a sentence: which field, what it must be."""
    match = _AT.match(message)
    what, where = (match["what"], match["where"]) if match else (message, None)
    place = f"`{where}`" if where else "The body"
    what = what.rstrip(".")[:MOST_SAID]
    if what.startswith("Object missing required field"):
        field = what.partition("`")[2].rstrip("`")
        path = f"{where}.{field}" if where else field
        return f"The field `{path}` is missing."
    if what.startswith("Expected"):
        return f"{place} is not right: {what[0].lower()}{what[1:]}.".replace("`", "`")
    return f"{place} is not right: {what}."
