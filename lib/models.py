"""Plain values as typed models, safe to call from several threads."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_first = threading.Lock()
_known: set[Any] = set()


def convert(value: Any, model: type[T], *, strict: bool = True) -> T:
    """`msgspec.convert`. Raises msgspec.ValidationError.

    At the first use of a model msgspec builds tables for it, and two threads that do so at once
    crash the whole process (msgspec 0.22.0). So the first conversion of each model has a lock.
    """
    if model in _known:
        return msgspec.convert(value, model, strict=strict)
    with _first:
        try:
            return msgspec.convert(value, model, strict=strict)
        finally:
            _known.add(model)
