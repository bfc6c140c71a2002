"""A remote file read here and there: what has come over the wire is kept in a sparse local file."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from lib.media.errors import Canceled
from lib.media.fetch.source_errors import broke_off
from lib.media.slots import LEND_SECONDS, Slot

Opener = Callable[[int], AbstractContextManager[Iterator[bytes]]]
"""Opens a source from an offset (bytes) on to its end, as a stream that may be closed early.

The stream must end by itself (with an error) when the source stalls, or is not wanted any more.
Both may raise ReadOn while another stream is open that leads to the offset.
"""

SKIP_BYTES = 512 * 1024
"""A stream this far short of what is wanted is read on: a new request would take longer."""
AHEAD_BYTES = 256 * 1024
"""How far a stream is read beyond what was asked for."""
STREAMS = 2
"""Streams kept open: an MP4 whose index is at its end is left at its head, and returned to."""
REST_SECONDS = 10.0
"""A stream that nobody has read for so long is opened again: servers drop those who do not read."""
POLL_SECONDS = 0.25
RESUMES = 4
"""How often in a row a stream is opened again without a byte from it."""
RESUME_SECONDS = 0.2
"""The wait before the first of these; it doubles with each."""
LINGER_SECONDS = 1.0
"""How long `close` waits for a stream that hangs; it ends by its own limits."""


def never() -> bool:
    """A check that never says yes."""
    return False


def is_final(error: Exception) -> bool:
    """Whether a source that failed so is given up at once: every error, unless told otherwise."""
    return True


class ReadOn(Exception):
    """The source gives no further stream: an open one is to be read on to what is wanted."""


class Spans:
    """Which bytes of a file there are: [start, end) spans, sorted, apart from each other."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Note that the bytes of [start, end) are there; nothing when it is empty."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:  # those it touches become one with it
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def gap(self, start: int, end: int) -> int | None:
        """The first byte of [start, end) that is missing, None when none is."""
        before = bisect_right(self._starts, start) - 1
        if before >= 0:
            start = max(start, self._ends[before])
        return start if start < end else None


class RangeFile:
    """A remote file of `size` bytes, its bytes fetched when they are read, and never again.

    They are kept in the sparse file at `path`, which is of full length from the start. One thread
    fetches, from at most `STREAMS` streams, whatever was asked for last first; any thread may read.
    `canceled` is asked often and must answer at once. After an error that is not `final`, the
    stream is opened again from where it stands, RESUMES times. `slot` is lent while a reader waits.
    """

    def __init__(
        self,
        path: Path,
        size: int,
        opener: Opener,
        *,
        canceled: Callable[[], bool] = never,
        final: Callable[[Exception], bool] = is_final,
        slot: Slot | None = None,
    ) -> None:
        self.size = size
        self.fetched = 0
        """Bytes that came over the wire."""
        self.requests = 0
        """Streams that were opened."""
        self.error: Exception | None = None
        """What the source failed with; nothing is fetched after it."""
        self._path = path
        self._opener = opener
        self._canceled = canceled
        self._final = final
        self._slot = slot
        self._file = path.open("w+b", buffering=0)
        self._file.truncate(size)
        self._changed = threading.Condition()
        """Guards what follows and the file; the fetching itself goes on outside of it."""
        self._here = Spans()
        self._spans: list[tuple[int, int]] = []
        self._last_end = 0
        """The end of what was asked for last."""
        self.waited = 0.0
        """Seconds that readers have waited for the source."""
        self._debt = 0.0
        """How much longer readers have lately waited than not."""
        self._last_read = time.monotonic()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._streams: list[_Stream] = []
        """The fetching thread's own, the one used last at the end."""

    @property
    def complete(self) -> bool:
        """Whether every byte is here."""
        with self._changed:
            return self._here.gap(0, self.size) is None

    def read(self, offset: int, count: int, *, stopped: Callable[[], bool] = never) -> bytes:
        """`count` bytes from `offset`; fewer at the end of the file only.

        Raises what the stream raises; MediaError (upload) when it ends early; Canceled when
        `canceled` or `stopped` say so (`wake` makes them asked at once) or the file is closed.
        """
        end = min(self.size, offset + count)
        if offset >= end:
            return b""
        with self._changed:
            self._wait(offset, end, stopped)
            data = os.pread(self._file.fileno(), end - offset, offset)
        if self._slot:
            self._slot.regain(stopped)
        return data

    def fill(self) -> None:
        """Fetch what is missing. Raises as `read` does."""
        with self._changed:
            self._wait(0, self.size, never)
        if self._slot:
            self._slot.regain()

    def sha256(self) -> str | None:
        """The digest of the file in hexadecimal, None when it is not complete."""
        if not self.complete:
            return None
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def wake(self) -> None:
        """Make waiting readers look whether they are to stop."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Stop fetching. The file at the path stays."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(LINGER_SECONDS)
        with self._changed:
            self._file.close()

    def __enter__(self) -> RangeFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, offset: int, end: int, stopped: Callable[[], bool]) -> None:
        """Until [offset, end) is here. The lock is held, and given up while waiting."""
        want = (offset, end)
        began = time.monotonic()
        self._debt = max(0.0, self._debt - (began - self._last_read))
        self._spans.append(want)
        self._last_end = end
        self._changed.notify_all()  # even when all is here: there may be room to read ahead
        try:
            while True:
                if self._closed or stopped() or self._canceled():
                    raise Canceled
                if self._here.gap(offset, end) is None:
                    return
                if self.error:
                    raise self.error
                if self._thread is None:
                    self._thread = threading.Thread(target=self._fetch, daemon=True)
                    self._thread.start()
                self._changed.wait(POLL_SECONDS)
                if self._slot and self._debt + time.monotonic() - began > LEND_SECONDS:
                    self._slot.lend()
        finally:
            self._spans.remove(want)
            self._last_read = time.monotonic()
            self.waited += self._last_read - began
            self._debt = min(2 * LEND_SECONDS, self._debt + self._last_read - began)

    def _fetch(self) -> None:
        """The fetching thread: until the file is closed, or the source fails."""
        failures = 0
        try:
            while (offset := self._next()) is not None:
                try:
                    self._pull(offset)
                    failures = 0
                except Exception as error:
                    if self._final(error) or failures == RESUMES:
                        raise
                    self._rest(RESUME_SECONDS * 2**failures)
                    failures += 1
        except Exception as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()
        finally:
            for stream in self._streams:
                stream.close()

    def _rest(self, seconds: float) -> None:
        """Leave all streams, and wait for a while unless the file is closed."""
        while self._streams:
            self._streams.pop().close()
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _next(self) -> int | None:
        """The byte to fetch next, once there is one; None when the file is closed."""
        with self._changed:
            while not self._closed:
                for start, end in reversed(self._spans):
                    gap = self._here.gap(start, end)
                    if gap is not None:
                        return gap
                if self._may_read_ahead():
                    return self._streams[-1].at
                self._changed.wait()
        return None

    def _may_read_ahead(self) -> bool:
        at = self._streams[-1].at if self._streams else self.size
        end = min(self.size, self._last_end + AHEAD_BYTES)
        return self._last_end <= at < end and self._here.gap(at, at + 1) is not None

    def _pull(self, offset: int) -> None:
        """Take what comes next of the stream that leads to `offset`."""
        try:
            stream = self._stream(offset)
        except ReadOn:
            self._read_on(offset)
            return
        try:
            data = next(stream.body, None)
        except ReadOn:
            self._streams.remove(stream)
            stream.close()
            self._read_on(offset)
            return
        if data is None:
            raise broke_off()
        with self._changed:
            if self._closed:
                return
            self.fetched += len(data)
            data = data[: self.size - stream.at]
            self._write(data, stream.at)
            self._here.add(stream.at, stream.at + len(data))
            stream.at += len(data)
            stream.used = time.monotonic()
            self._changed.notify_all()
        if stream.at == self.size:
            self._streams.remove(stream)
            stream.close()

    def _read_on(self, offset: int) -> None:
        """Let the nearest stream before `offset` lead there, however far that is."""
        behind = [stream for stream in self._streams if stream.at <= offset]
        if not behind:
            raise broke_off()
        max(behind, key=lambda stream: stream.at).until = offset

    def _write(self, data: bytes, at: int) -> None:
        """All of it: a disk that fills up takes a part, and fails at the next call."""
        while data:
            written = os.pwrite(self._file.fileno(), data, at)
            data, at = data[written:], at + written

    def _stream(self, offset: int) -> _Stream:
        """The stream that stands at `offset` or a little before it, else a new one."""
        now = time.monotonic()
        near = [stream for stream in self._streams if stream.leads_to(offset, now)]
        if near:
            chosen = max(near, key=lambda stream: stream.at)
            self._streams.remove(chosen)
        else:
            self.requests += 1
            chosen = _Stream(self._opener, offset)
        self._streams.append(chosen)
        if len(self._streams) > STREAMS:
            self._streams.pop(0).close()
        return chosen


class _Stream:
    """An open stream and where it stands."""

    def __init__(self, opener: Opener, offset: int) -> None:
        self._open = ExitStack()
        self.body = self._open.enter_context(opener(offset))
        self.at = offset
        self.until = offset
        """It is read on to here, however long it was not read and however far that is."""
        self.used = time.monotonic()

    def leads_to(self, offset: int, now: float) -> bool:
        """Whether `offset` is best reached by reading on."""
        if offset < self.at:
            return False
        near = offset - self.at <= SKIP_BYTES and now - self.used < REST_SECONDS
        return near or offset <= self.until

    def close(self) -> None:
        self._open.close()
