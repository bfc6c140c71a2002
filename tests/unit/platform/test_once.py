"""What is made once is made once, however many threads ask at the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from lib.platform.once import once


def test_threads_that_ask_together_get_the_same() -> None:
    made: list[object] = []

    @once
    def slow() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: slow(), range(8)))
    assert len(made) == 1
    assert all(each is made[0] for each in got)
