"""The JSON bodies of errors, of bounded size."""

from __future__ import annotations

from typing import Any

import msgspec

MOST_BYTES = 100_000
"""The largest body of an error: what a caller sent must not come back many times as large."""
_CUTS = ((2_000, 50), (300, 50), (40, 20))
"""Characters of each text and items of each list, tried in order until the body fits."""


def encode(body: dict[str, Any]) -> bytes:
    """`body` as JSON; texts and lists are cut until it has at most MOST_BYTES."""
    encoded = msgspec.json.encode(body)
    for characters, items in _CUTS:
        if len(encoded) <= MOST_BYTES:
            break
        encoded = msgspec.json.encode(_cut(body, characters, items))
    return encoded


def _cut(value: Any, characters: int, items: int) -> Any:
    match value:
        case str() if len(value) > characters:
            return f"{value[:characters]}…"
        case dict():
            return {key: _cut(each, characters, items) for key, each in value.items()}
        case list():
            return [_cut(each, characters, items) for each in value[:items]]
        case _:
            return value
