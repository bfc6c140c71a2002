"""Plain values as typed models, safe to call from several threads."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_one_at_a_time = threading.Lock()


def convert(value: Any, model: type[T], *, strict: bool = True) -> T:
    """`msgspec.convert` under a lock. Raises msgspec.ValidationError.

    msgspec 0.22.0 crashes the process when two threads use a model for the first time at once.
    """
    with _one_at_a_time:
        return msgspec.convert(value, model, strict=strict)
