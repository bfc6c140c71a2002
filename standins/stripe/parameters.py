"""The parameters of a call: `a[b][0][c]=v`, form-encoded, read with Stripe's own errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from standins.stripe.errors import invalid, missing_parameter, unknown_parameter

_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 50, 40, 500


class Parameters:
    """A level of parameters; `path` is its name in the request, such as `line_items[0]`."""

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def path_of(self, name: str) -> str:
        """The full name of a parameter of this level."""
        return f"{self._path}[{name}]" if self._path else name

    def only(self, *names: str) -> None:
        """Refuse what is in none of `names`."""
        for name in self._values:
            if name not in names:
                raise unknown_parameter(self.path_of(name))

    def text(self, name: str) -> str | None:
        """A text; None when absent or empty, which unsets."""
        value = self._values.get(name)
        if isinstance(value, dict):
            raise invalid(f"Invalid string: {value}", self.path_of(name))
        return value or None

    def required(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if value is None:
            raise missing_parameter(self.path_of(name))
        return value

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", value):
            raise invalid(
                f"Invalid integer: {value}", self.path_of(name), "parameter_invalid_integer"
            )
        return int(value)

    def boolean(self, name: str) -> bool | None:
        """`true` or `false`."""
        value = self.text(name)
        if value is not None and value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", self.path_of(name))
        return None if value is None else value == "true"

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        """One of `choices`."""
        value = self.text(name)
        if value is not None and value not in choices:
            allowed = ", ".join(choices)
            raise invalid(f"Invalid {name}: must be one of {allowed}", self.path_of(name))
        return value

    def inside(self, name: str) -> Parameters:
        """The level below `name`; empty when absent."""
        value = self._values.get(name) or {}
        if not isinstance(value, dict):
            raise invalid("Invalid object", self.path_of(name))
        return Parameters(value, self.path_of(name))

    def each(self, name: str) -> list[Parameters]:
        """The levels of a list of objects, by their index."""
        inner = self.inside(name)
        return [inner.inside(key) for key in inner._ordered()]

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        inner = self.inside(name)
        return [inner.required(key) for key in inner._ordered()]

    def _ordered(self) -> list[str]:
        if not all(key.isdecimal() for key in self._values):
            raise invalid("Invalid array", self._path)
        return sorted(self._values, key=int)

    def metadata(self, current: dict[str, str] | None = None) -> dict[str, str]:
        """What `metadata` becomes: an empty value removes its key, an empty `metadata` all."""
        if self._values.get("metadata") == "":
            return {}
        inner = self.inside("metadata")
        merged = (current or {}) | {key: inner.text(key) or "" for key in inner._values}
        merged = {key: value for key, value in merged.items() if value}
        too_long = any(len(k) > _MAX_KEY or len(v) > _MAX_VALUE for k, v in merged.items())
        if len(merged) > _MAX_KEYS or too_long:
            raise invalid("Metadata holds 50 keys of 40 characters, values of 500.", "metadata")
        return merged

    def plain(self) -> dict[str, Any]:
        """All as it came."""
        return self._values


def decode(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Nest the pairs of a query or a form; `a[]` counts up."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        first = name.partition("[")[0]
        rest = name[len(first) :]
        parts = _PART.findall(rest)
        if not first or "".join(f"[{part}]" for part in parts) != rest:
            raise unknown_parameter(name)
        _set(root, [first, *parts], value, name)
    return Parameters(root)


def _set(level: dict[str, Any], parts: list[str], value: str, name: str) -> None:
    *above, last = parts
    for part in above:
        key = part or str(len(level))
        inner = level.get(key) or {}
        if not isinstance(inner, dict):
            raise invalid("Invalid object", name)
        level[key] = inner
        level = inner
    level[last or str(len(level))] = value
