"""What is made once is made once, however many threads ask at the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from lib.platform.once import once


def test_threads_that_ask_together_get_the_same() -> None:
    result: list[object] = []

    @once
    def slow() -> object:
        time.sleep(0.05)
        result.append(object())
        return result[-1]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: slow(), range(8)))
    assert len(result) == 1
    assert all(each is result[0] for each in got)
