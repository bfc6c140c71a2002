"""Counts kept in memory until the database takes them: bounded, and none is lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lib.platform import tally


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """Nothing is counted before; what the process had counted comes back afterwards."""
    own = tally.take()
    yield
    tally.take()
    tally.restore(own)


def values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(each.name, frozenset(each.labels.items())): each.value for each in tally.snapshot()}


def test_counts_add_up_by_labels() -> None:
    tally.add("x", route="/a")
    tally.add("x", 2.5, route="/a")
    tally.add("x", route="/b")
    assert tally.pending()
    assert values() == {
        ("x", frozenset({("route", "/a")})): 3.5,
        ("x", frozenset({("route", "/b")})): 1,
    }


def test_labels_past_the_limit_count_without_labels() -> None:
    for number in range(tally.MAX_KEYS):
        tally.add("x", route=str(number))
    assert ("x", frozenset()) not in values()
    for number in range(5):
        tally.add("x", route=f"further {number}")
    assert values()[("x", frozenset())] == 5
    tally.add("x", route="0")  # one that is counted already
    assert values()[("x", frozenset({("route", "0")}))] == 2
    assert sum(values().values()) == tally.MAX_KEYS + 6


def test_counts_that_could_not_be_written_come_back() -> None:
    tally.add("x", 2, a="1")
    entries = tally.take()
    assert not tally.pending()
    tally.add("x", a="1")
    tally.restore(entries)
    assert values() == {("x", frozenset({("a", "1")})): 3}


def test_threads_lose_no_count() -> None:
    def count() -> None:
        for _ in range(5_000):
            tally.add("x")
            tally.restore(tally.take())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values() == {("x", frozenset()): 20_000}
