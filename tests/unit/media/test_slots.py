"""Deadlines that are shared and slots that are lent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lib.media.deadline import NEVER, Deadline
from lib.media.slots import LEND_SECONDS, Slots


def until(test: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not test():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_deadline_ends_with_the_one_around_it() -> None:
    assert NEVER.left() == float("inf")
    outer = Deadline(5)
    inner = Deadline(100, outer)
    assert inner.cut_short
    assert 4 < inner.left() <= inner.seconds <= 5
    assert not Deadline(3, outer).cut_short
    assert Deadline(0, outer).passed
    assert Deadline(100, Deadline(-1)).passed
    assert not Deadline(100, Deadline(float("inf"))).cut_short


def test_a_pause_stops_the_inner_clock_alone() -> None:
    outer = Deadline(100)
    inner = Deadline(10, outer)
    with inner.paused():
        before, around = inner.left(), outer.left()
        with inner.paused():
            time.sleep(0.05)
        time.sleep(0.05)
        assert inner.left() == before
        assert outer.left() <= around - 0.1
    assert inner.left() > 10 - 0.1 < before + 0.1


def test_a_lent_slot_is_for_another_job_and_comes_back_in_turn() -> None:
    slots = Slots(1, 2)
    assert not slots.busy()
    first = slots.take()
    assert first is not None
    assert slots.busy()
    assert slots.take() is None
    lent = threading.Event()
    first.owner, first.on_lend = "ann", lent.set
    first.lend()
    assert lent.is_set()
    assert slots.lending(1) == ["ann"]
    assert slots.lending(2) == []
    second = slots.take()
    assert second is not None
    second.owner = "bob"
    second.lend()
    third = slots.take()
    assert third is not None
    assert slots.take() is None  # as many as may wait
    order: list[str] = []

    def back(name: str) -> None:
        {"first": first, "second": second}[name].regain()
        order.append(name)

    threads = [threading.Thread(target=back, args=(name,)) for name in ("first", "second")]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: len(slots.queue) == number)  # type: ignore[misc]
    assert slots.lending(1) == []
    third.release()
    until(lambda: order == ["first"])
    assert slots.take() is None  # the second one's
    first.release()
    until(lambda: order == ["first", "second"])
    second.release()
    second.release()
    for thread in threads:
        thread.join()
    assert slots.free == 1
    assert not slots.busy()


def test_waiting_lends_only_what_takes_long() -> None:
    slots = Slots(1, 5)
    slot = slots.take()
    assert slot is not None
    with slot.waiting():
        assert slots.free == 0
    assert slots.free == 0
    with slot.waiting():
        until(lambda: slots.free == 1)
    assert slots.free == 0
    with slot.waiting(back=False):
        time.sleep(LEND_SECONDS * 2)
    assert slots.free == 1
    slot.release()
    assert slots.free == 1


def test_who_is_stopped_does_not_wait_for_a_slot() -> None:
    slots = Slots(1, 5)
    waiting, running = slots.take(), None
    assert waiting is not None
    waiting.lend()
    running = slots.take()
    assert running is not None
    waiting.stopped = lambda: True
    waiting.regain()
    assert not slots.queue
    waiting.release()
    running.release()
    assert slots.free == 1
