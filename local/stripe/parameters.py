"""Form-encoded parameters as Stripe nests them: a[b][0][c]=v."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PART = re.compile(r"\[([^\]]*)\]")


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested dictionaries and lists of texts."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        name = key.partition("[")[0]
        path = [name, *PART.findall(key)]
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1] or str(len(place))] = value
    return {name: _listed(value) for name, value in found.items()}


def flag(value: Any) -> bool:
    """A parameter that is true or false."""
    return str(value) == "true"


def _listed(value: Any) -> Any:
    """What was numbered from 0 is a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
