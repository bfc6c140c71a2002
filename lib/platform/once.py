"""Things a process makes once, at first use, however many threads ask at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """`make`, called a single time; `functools.cache` alone lets two threads both call it."""
    lock = threading.Lock()
    cached = cache(make)

    def get() -> T:
        with lock:
            return cached()

    return get
