"""A remote file in ranges: the right bytes, each fetched once, and no more than is wanted."""

from __future__ import annotations

import hashlib
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.media.errors import Canceled, MediaError
from lib.media.fetch import ranges
from lib.media.fetch.ranges import Opener, RangeFile, Spans
from lib.media.slots import Slots
from tests.rigs.waiting import eventually

SIZE = 3_000_000


class Source:
    """Bytes that are served in chunks, noting what was asked for and how often a byte came."""

    def __init__(self, data: bytes, chunk: int = 64 * 1024) -> None:
        self.data = data
        self.chunk = chunk
        self.offsets: list[int] = []
        self.closed = 0
        self.come = bytearray(len(data))
        self.longest_again = 0
        """The longest run of bytes of one stream that had come before."""

    @contextmanager
    def open(self, offset: int) -> Iterator[Iterator[bytes]]:
        """An Opener."""
        self.offsets.append(offset)
        try:
            yield self._chunks(offset)
        finally:
            self.closed += 1

    def _chunks(self, offset: int) -> Iterator[bytes]:
        second = 0
        while offset < len(self.data):
            end = min(offset + self.chunk, len(self.data))
            for place in range(offset, end) if len(self.data) < 10_000 else ():
                second = second + 1 if self.come[place] else 0
                self.longest_again = max(self.longest_again, second)
                self.come[place] = 1
            yield self.data[offset:end]
            offset = end


@pytest.fixture
def source() -> Source:
    """Three megabytes."""
    return Source(random.Random(1).randbytes(SIZE))


def quiet(file: RangeFile) -> int:
    """What has been fetched once nothing more is."""
    before = -1
    while before != file.fetched:
        before = file.fetched
        time.sleep(0.1)
    return before


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))), st.data())
def test_spans_are_a_set_of_bytes(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    spans, here = Spans(), set[int]()
    for start, end in pairs:
        spans.add(start, end)
        here |= set(range(start, end))
    start, end = data.draw(st.integers(0, 60)), data.draw(st.integers(0, 60))
    assert spans.gap(start, end) == min(set(range(start, end)) - here, default=None)


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=3000),
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 3100), st.integers(0, 500)), max_size=25),
)
def test_reads_of_all_kinds(data: bytes, chunk: int, reads: list[tuple[int, int]]) -> None:
    source = Source(data, chunk)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "SKIP_BYTES", 128)
        patch.setattr(ranges, "AHEAD_BYTES", 64)
        with RangeFile(Path(folder, "f"), len(data), source.open) as file:
            for offset, count in reads:
                assert file.read(offset, count) == data[offset : offset + count]
            assert file.requests == len(source.offsets) <= len(reads)
            file.fill()
            assert file.complete
            assert Path(folder, "f").read_bytes() == data
        assert source.longest_again <= 128 + chunk
        assert source.closed == len(source.offsets)


def test_many_threads(source: Source, tmp_path: Path) -> None:
    places = [random.Random(n).randrange(SIZE) for n in range(200)]
    with RangeFile(tmp_path / "f", SIZE, source.open) as file, ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda place: file.read(place, 10_000), places))
    assert got == [source.data[place : place + 10_000] for place in places]


def test_nobody_asks_nothing_comes(source: Source, tmp_path: Path) -> None:
    before_all = set(threading.enumerate())
    with RangeFile(tmp_path / "f", SIZE, source.open) as file:
        assert (file.fetched, file.requests, file.complete) == (0, 0, False)
        file.read(0, 1000)
        assert quiet(file) <= 1000 + ranges.AHEAD_BYTES + source.chunk
        before = file.fetched
        file.read(200_000, 1)  # here already, and room to read ahead
        assert before < quiet(file) <= 200_001 + ranges.AHEAD_BYTES + source.chunk
        assert file.sha256() is None
    assert set(threading.enumerate()) <= before_all


def test_a_short_way_is_read_on(source: Source, tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", SIZE, source.open) as file:
        file.read(0, 10)
        file.read(600_000, 10)
        assert source.offsets == [0]
        file.read(100_000, 10)  # what was passed over is kept
        assert source.offsets == [0]


def test_an_index_at_the_end_costs_one_request(source: Source, tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", SIZE, source.open) as file:
        file.read(0, 10)
        file.read(SIZE - 5000, 5000)
        for place in range(0, SIZE, 50_000):
            file.read(place, 50_000)
        assert source.offsets == [0, SIZE - 5000]
        assert file.complete
        assert file.fetched < SIZE + source.chunk


def test_the_whole(source: Source, tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", SIZE, source.open) as file:
        file.read(1_500_000, 10)
        file.fill()
        file.fill()
        assert file.complete
        assert file.sha256() == hashlib.sha256(source.data).hexdigest()
        assert file.requests == 2
        assert file.read(SIZE - 5, 100) == source.data[-5:]
        assert file.read(SIZE, 1) == b""


def test_nothing_at_all(tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", 0, Source(b"").open) as file:
        file.fill()
        assert file.complete
        assert file.sha256() == hashlib.sha256().hexdigest()
        assert file.requests == 0


def test_a_stream_left_alone_is_opened_anew(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "REST_SECONDS", 0.2)
    with RangeFile(tmp_path / "f", SIZE, source.open) as file:
        file.read(0, 10)
        at = quiet(file)
        time.sleep(0.3)
        file.read(1_000_000 - at, at)
        assert len(source.offsets) == 2
        assert quiet(file) < 1_100_000 + ranges.AHEAD_BYTES


def test_a_source_shorter_than_stated(source: Source, tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", SIZE + 10, source.open) as file:
        assert len(file.read(SIZE - 10, 10)) == 10
        with pytest.raises(MediaError, match="broke off") as error:
            file.read(SIZE - 10, 20)
        assert error.value.category == "upload"
        assert file.error is error.value
        with pytest.raises(MediaError):
            file.fill()
        assert len(file.read(SIZE - 10, 10)) == 10  # what is here can be read
        assert not file.complete


def test_a_source_longer_than_stated(source: Source, tmp_path: Path) -> None:
    with RangeFile(tmp_path / "f", SIZE - 10, source.open) as file:
        file.fill()
    assert (tmp_path / "f").read_bytes() == source.data[:-10]


def test_what_the_opener_raises_is_what_readers_get(tmp_path: Path) -> None:
    def failing(offset: int) -> AbstractContextManager[Iterator[bytes]]:
        raise LookupError("no such object")

    with (
        RangeFile(tmp_path / "f", 10, failing) as file,
        pytest.raises(LookupError, match="no such"),
    ):
        file.read(0, 1)


@pytest.mark.parametrize("who", ["canceled", "stopped", "closed"])
def test_readers_do_not_hang_with_their_source(tmp_path: Path, who: str) -> None:
    before_all = set(threading.enumerate())
    stop_event, released = threading.Event(), threading.Event()

    @contextmanager
    def hanging(offset: int) -> Iterator[Iterator[bytes]]:
        """An opener of a stream that says nothing until it is released."""

        def nothing() -> Iterator[bytes]:
            released.wait(60)
            yield from ()

        yield nothing()

    request: Callable[[], bool] = stop_event.is_set
    file = RangeFile(
        tmp_path / "f", 10, hanging, canceled=request if who == "canceled" else ranges.never
    )
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(
            file.read, 0, 1, stopped=request if who == "stopped" else ranges.never
        )  # fmt: skip
        time.sleep(0.1)
        assert not read.done()
        stop_event.set()
        if who == "stopped":
            file.wake()
        if who == "closed":
            file.close()
        with pytest.raises(Canceled):
            read.result(30)  # half of what the source hangs for
    released.set()
    file.close()
    eventually(lambda: set(threading.enumerate()) <= before_all)
    with pytest.raises(Canceled):
        file.read(0, 1)


class Flaky(Exception):
    """A source that may be asked again."""


def breaking(source: Source, *, after: int, times: int) -> tuple[Opener, list[int]]:
    """An Opener whose first streams break after some chunks, and where each began."""
    opened: list[int] = []

    @contextmanager
    def open_(offset: int) -> Iterator[Iterator[bytes]]:
        opened.append(offset)
        last = len(opened) > times

        def chunks(body: Iterator[bytes]) -> Iterator[bytes]:
            for number, chunk in enumerate(body):
                if number == after and not last:
                    raise Flaky
                yield chunk

        with source.open(offset) as body:
            yield chunks(body)

    return open_, opened


def test_a_stream_that_breaks_is_opened_again_where_it_stood(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RESUME_SECONDS", 0.001)
    opener, opened = breaking(source, after=3, times=10)  # more than RESUMES in all
    with RangeFile(
        tmp_path / "f", SIZE, opener, final=lambda error: not isinstance(error, Flaky)
    ) as file:
        file.fill()
        assert file.fetched == SIZE
    assert (tmp_path / "f").read_bytes() == source.data
    assert opened == [number * 3 * source.chunk for number in range(11)]


@pytest.mark.parametrize(("times", "works"), [(ranges.RESUMES, True), (ranges.RESUMES + 1, False)])
def test_a_stream_that_gives_nothing_is_opened_a_few_times(
    tmp_path: Path,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    works: bool,
) -> None:
    monkeypatch.setattr(ranges, "RESUME_SECONDS", 0.001)
    opener, opened = breaking(source, after=0, times=times)
    with RangeFile(
        tmp_path / "f", SIZE, opener, final=lambda error: not isinstance(error, Flaky)
    ) as file:
        if works:
            file.fill()
        else:
            with pytest.raises(Flaky):
                file.fill()
    assert len(opened) == ranges.RESUMES + 1


def test_other_errors_are_not_tried_again(tmp_path: Path, source: Source) -> None:
    opener, opened = breaking(source, after=1, times=1)
    with RangeFile(tmp_path / "f", SIZE, opener) as file, pytest.raises(Flaky):
        file.fill()
    assert len(opened) == 1


def test_a_reader_that_waits_lends_its_slot(tmp_path: Path, source: Source) -> None:
    go = threading.Event()

    @contextmanager
    def waiting(offset: int) -> Iterator[Iterator[bytes]]:
        go.wait(20)
        with source.open(offset) as body:
            yield body

    slots = Slots(1, 1)
    slot = slots.take()
    assert slot is not None
    with (
        RangeFile(tmp_path / "f", SIZE, waiting, slot=slot) as file,
        ThreadPoolExecutor(1) as pool,
    ):
        reading = pool.submit(file.read, 0, 10)
        while not slots.free:
            assert not reading.done()
            time.sleep(0.01)
        other = slots.take()
        assert other is not None
        go.set()
        while not slots.queue:  # the bytes are there, and wait for the slot
            time.sleep(0.01)
        assert not reading.done()
        other.release()
        assert reading.result(20) == source.data[:10]
        assert slots.free == 0
        assert file.waited >= 0.3
