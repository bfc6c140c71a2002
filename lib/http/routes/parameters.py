"""Parameters of paths and queries: how they are read, and what the documentation says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lib.http.body import query_int, query_text, query_time


class PathParameter(NamedTuple):
    """A part of a path."""

    about: str
    schema: dict[str, Any]
    converter: str = ""
    """Flask's, with its colon."""


_TEXT: dict[str, Any] = {"type": "string"}
PATH = {
    "id": PathParameter("The job's id.", {"type": "string", "format": "uuid"}),
    "index": PathParameter("Which input, from 0.", {"type": "integer", "minimum": 0}, "int:"),
    "filename": PathParameter("The stored name, from the upload link's response.", _TEXT),
    "key_id": PathParameter("The key's id.", _TEXT),
    "export_id": PathParameter("The export's id.", _TEXT),
    "version": PathParameter("The policy's version.", _TEXT),
}
"""By name: a name means the same in every path."""


@dataclass(frozen=True)
class Query:
    """A parameter of the query string; `argument` is the handler's name for it."""

    name: str
    about: str
    schema: dict[str, Any]
    read: Callable[[], Any]
    argument: str
    required: bool = False


def text(
    name: str,
    about: str,
    *,
    argument: str | None = None,
    required: bool = False,
    default: str | None = None,
    **schema: Any,
) -> Query:
    """A text; absent or empty it is `default`. Its own module checks what it may be."""
    return Query(
        name,
        about,
        _TEXT | schema,
        lambda: query_text(name) or default,
        argument or name,
        required,
    )


def integer(name: str, about: str, *, default: int, low: int, high: int) -> Query:
    """A whole number, clamped into low..high."""
    return Query(
        name,
        about,
        {"type": "integer", "default": default},
        lambda: query_int(name, default, low, high),
        name,
    )


def moment(name: str, about: str) -> Query:
    """An ISO 8601 date and time."""
    return Query(name, about, _TEXT | {"format": "date-time"}, lambda: query_time(name), name)


PAGE = integer("page", "From 1; clamped.", default=1, low=1, high=100_000)
PERIOD = text("period", "A month such as 2026-11; this one by default.")
SIGNATURE = (
    text("expires", "When the link expires, in seconds since 1970.", default="", required=True),
    text("signature", "What makes the link valid.", default="", required=True),
)
"""Of links that carry their own right."""
