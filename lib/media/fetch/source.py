"""Fetching inputs by URL: by us, never by ffmpeg, from public addresses only.

The address is checked where it counts: a name is resolved once, every address it gives must be
public, and the connection goes to the very address that was checked. Redirects are followed here,
each hop under the same rules. Where its server answers with ranges, a file can be read from any
place, and every such request, and every further try, obeys them too.

What fails for a moment is tried again, and a body that breaks off goes on from where it stood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from lib.media import urls
from lib.media.errors import MediaError
from lib.media.fetch import content, source_errors
from lib.media.fetch.connection import SLOWEST, Pace, Watch
from lib.media.fetch.ranges import ReadOn, never
from lib.media.fetch.responses import AGENT, Headers, Response, Session, origin
from lib.media.fetch.retries import PATIENCE, Patience, Trouble
from lib.media.fetch.source_errors import EXPIRED, SourceError

REJECTS_RANGES = (400, 403, 405, 406, 412, 416, 417, 422, 501)
"""Statuses that servers without ranges answer a Range header with."""
READ_ON_BYTES = 32 * 1024 * 1024
"""A server that gives no second stream: what lies this far ahead is read from the first one."""
MAX_RESTARTS = 10
"""How often a file is read again from its start to get on, where a server has no ranges."""


class Fetched(NamedTuple):
    """A file that was fetched."""

    size: int
    sha256: str


def open_url(
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    allow: Sequence[str] = (),
    canceled: Callable[[], bool] = never,
    pace: Pace = SLOWEST,
    patience: Patience = PATIENCE,
    agent: str = AGENT,
) -> Remote:
    """Ask for the file at `url`, to be read from any place if its server can. To be closed.

    `allow` are host:port entries of the operator's that need not be public. `seconds` are for all
    the waiting for the server, the pauses between tries among it, until the file is closed.
    Raises MediaError, Canceled. Categories: validation for an address that is refused, answers 4xx
    or is a web page, file_size past `max_bytes`, upload for a server that can't be reached, fails,
    is too slow or breaks off.
    """
    try:
        cleaned = urls.clean(url)
    except ValueError as error:
        raise MediaError("validation", f"The input's URL is refused: {error}", "url") from None
    session = Session(allow, Watch(seconds, canceled, pace), agent)
    return Remote(cleaned, session, max_bytes, patience)


class Remote:
    """A file on somebody's server; `open_url` opens it. One thread at a time may read it."""

    size: int | None
    """In bytes; None when the server does not tell."""
    ranged: bool
    """Whether it can be read from any place, else only once and from its start."""

    def __init__(self, url: str, session: Session, max_bytes: int, patience: Patience) -> None:
        self._url = url
        self._session = session
        self._max_bytes = max_bytes
        self.trouble = Trouble(patience, session.watch)
        self._ranges = True
        """Whether a Range header may be sent."""
        self._if_range = True
        """Whether an If-Range header may be sent."""
        self._restarts = 0
        self._readings: list[_Reading] = []
        self._first: Response | None = self._begin()
        try:
            _check_size(self.size, max_bytes)
        except BaseException:
            self._first.close()
            raise

    @contextmanager
    def open(self, offset: int) -> Iterator[Iterator[bytes]]:
        """The bytes from `offset` to the end: an Opener. The first one of 0 sends no new request.

        Raises MediaError, Canceled, and ReadOn when the server gives no further stream while one
        is open that leads to `offset`; their iterator raises the same.
        """
        with closing(_Reading(self, offset)) as reading:
            if offset != self.size:
                reading.connect()
            self._readings.append(reading)
            try:
                yield reading.body()
            finally:
                self._readings.remove(reading)

    def save(self, destination: Path) -> Fetched:
        """Bring the whole file into `destination`. Raises as `open`."""
        with self.open(0) as body:
            return _save(body, destination, self._max_bytes)

    def close(self) -> None:
        """Stop reading; a reader in another thread gets Canceled."""
        self._session.watch.stop()
        if self._first:
            self._first.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, offset: int) -> _Stream:
        """A response with the bytes from `offset` on. Raises MediaError, Canceled, ReadOn."""
        if offset == 0 and self._first:
            first, self._first = self._first, None
            return _Stream(first, 0, self._end(first))
        while True:
            try:
                return self._ask(offset)
            except SourceError as error:
                self._one_stream(offset, error)
                if not error.retry:
                    raise
                self.trouble.note(error)

    def _begin(self) -> Response:
        """The first response, which tells what can be had. Raises MediaError, Canceled."""
        referer = False
        while True:
            try:
                headers: Headers = [("Range", "bytes=0-")] if self._ranges else []
                if referer:
                    headers = [*headers, ("Referer", origin(self._url))]
                response = self._session.get(self._url, headers)
                if self._usable(response):
                    return response
                response.close()
                referer = response.status == 403
                self._ranges = False
            except SourceError as error:
                if not error.retry:
                    raise
                self.trouble.note(error)
                # Some scripts answer a range with 500: the later tries ask for none.
                self._ranges &= error.status != 500 or self.trouble.failures < 2

    def _usable(self, response: Response) -> bool:
        """Note what a first response tells; False if the file is to be asked for without ranges.

        Raises MediaError, after which the response is closed.
        """
        try:
            if self._ranges and response.status in REJECTS_RANGES:
                return False
            if response.status not in (200, 206):
                raise response.error()
            encoded = bool(response.encodings)
        except BaseException:
            response.close()
            raise
        part = response.part
        partial = response.status == 206 and self._ranges
        if partial and (part is None or part.start != 0 or (encoded and part.end != part.total)):
            return False
        self._encoded = encoded
        self.ranged = partial and not encoded and part is not None and part.total is not None
        self.size = part.total if partial and part else response.stated_length
        self.size = None if encoded else self.size
        self._final_url = response.url
        self._etag = response.header("etag")
        self._modified = response.header("last-modified")
        return True

    def _end(self, response: Response) -> int | None:
        """Where the body of a first response ends, if it is a part."""
        part = response.part
        return part.end if self.ranged and part else self.size

    def _ask(self, offset: int) -> _Stream:
        """Ask once for the bytes from `offset` on, in each way that the server may take."""
        headers: list[tuple[str, str]] = []
        if self._ranges and not self._encoded:
            headers.append(("Range", f"bytes={offset}-"))
            tag = self._etag if self._etag.startswith('"') else self._modified
            if self._if_range and tag:
                headers.append(("If-Range", tag))
        # What a redirect led to may have expired before the address that gave it.
        for url in dict.fromkeys((self._final_url, self._url)):
            response = self._session.get(url, headers)
            if response.status not in EXPIRED:
                break
            response.close()
        try:
            start = self._start(response, offset, headers)
            if start is not None:
                self._restarts += start == 0 < offset
                if self._restarts > MAX_RESTARTS:
                    raise source_errors.no_ranges()
                part = response.part if response.status == 206 else None
                return _Stream(response, offset - start, part.end if part else self.size)
        except BaseException:
            response.close()
            raise
        response.close()
        return self._ask(offset)

    def _start(self, response: Response, offset: int, headers: Headers) -> int | None:
        """Where in the file a body begins; None if it is to be asked for in another way.

        Raises MediaError when the file is another one, or there is none.
        """
        status, part = response.status, response.part
        if status == 416 and response.total not in (None, 0, self.size):
            raise source_errors.changed()
        if headers and status in REJECTS_RANGES:
            self._ranges = False
            return None
        if status not in (200, 206):
            raise response.error()
        if status == 200:
            if len(headers) > 1:  # by the validator it is another file, which the next one tells
                self._if_range = False
                return None
            self._check_same(response, response.stated_length)
            self._leads_here(offset)
            return 0
        if part is None:
            length = response.stated_length
            if length is not None and self.size is not None and length == self.size - offset:
                return offset
            part_start = None
        else:
            self._check_same(response, part.total)
            part_start = part.start
        if part_start is not None and part_start <= offset and headers:
            return part_start
        if headers:
            self._ranges = False
            return None
        return 0

    def _check_same(self, response: Response, size: int | None) -> None:
        """Raises MediaError when the size is another one, or both validators are.

        One alone differs between the nodes of some services.
        """
        other = None not in (size, self.size) and size != self.size and not self._encoded
        tag, modified = response.header("etag"), response.header("last-modified")
        both = all((tag, modified, self._etag, self._modified))
        if other or (both and tag != self._etag and modified != self._modified):
            raise source_errors.changed()

    def _leads_here(self, offset: int) -> None:
        """Raises ReadOn if a stream that is open is nearer to `offset` than the file's start."""
        if offset and self._behind(offset) is not None:
            raise ReadOn

    def _behind(self, offset: int) -> int | None:
        """Where the open stream stands that is the next one before `offset`."""
        return max(
            (each.at for each in self._readings if each.is_open and each.at <= offset),
            default=None,
        )

    def _one_stream(self, offset: int, error: SourceError) -> None:
        """After a failure while other streams are open: the server may give but one.

        Raises ReadOn if an open one is to be read on; else closes them, to be opened again.
        """
        behind = self._behind(offset)
        if behind is not None and (error.status in EXPIRED or offset - behind <= READ_ON_BYTES):
            raise ReadOn
        if error.retry:
            for each in self._readings:
                each.drop()


class _Stream(NamedTuple):
    """A response, how many bytes of its body come before what is wanted, and where it ends."""

    response: Response
    skip: int
    end: int | None


class _Reading:
    """One stream of a file, which goes on in a new response where one breaks off."""

    def __init__(self, remote: Remote, offset: int) -> None:
        self.at = offset
        self._remote = remote
        self._stream: _Stream | None = None

    @property
    def is_open(self) -> bool:
        """Whether a response is open."""
        return self._stream is not None

    def connect(self) -> None:
        """Open a response. Raises MediaError, Canceled, ReadOn."""
        self._stream = self._remote.connect(self.at)

    def drop(self) -> None:
        """Close the response; a new one is opened when more is read."""
        if self._stream is not None:
            self._stream.response.close()
            self._stream = None

    close = drop

    def body(self) -> Iterator[bytes]:
        """The bytes. Raises MediaError, Canceled, ReadOn."""
        pieces = self._resumed()
        if self.at == 0:
            yield from _checked(pieces)
        yield from pieces

    def _resumed(self) -> Iterator[bytes]:
        trouble = self._remote.trouble
        while self._remote.size is None or self.at < self._remote.size:
            try:
                if self._stream is None:
                    self.connect()
                before = self.at
                for data in self._pieces():
                    trouble.progress(len(data))
                    yield data
                if self._stream is None:  # another stream needed the server
                    continue
                end = self._stream.end
                self.drop()
                if end is None:
                    return
                if self.at < end or self.at == before:
                    raise source_errors.broke_off()
                # A server may answer with less than it was asked for: the rest comes next.
            except SourceError as error:
                self.drop()
                if not error.retry:
                    raise
                trouble.note(error)

    def _pieces(self) -> Iterator[bytes]:
        """What is wanted of the open response's body."""
        stream = self._stream
        if stream is None:
            return
        skip, end = stream.skip, stream.end
        body = stream.response.body()
        while self._stream is stream:
            data = next(body, None)
            if data is None:
                return
            if skip:
                data, skip = data[skip:], max(0, skip - len(data))
            if end is not None:
                data = data[: end - self.at]
            if data:
                self.at += len(data)
                yield data
            if self.at == end:
                return


def _checked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The first bytes of a file. Raises MediaError when it is a web page or the like."""
    first = b""
    for data in pieces:
        first += data
        if not content.undecided(first):
            break
    if content.is_text_document(first):
        for data in pieces:
            first += data
            if len(first) >= content.PAGE_BYTES or b"</title" in first[-len(data) - 8 :].lower():
                break
        raise content.document_error(first)
    if first:
        yield first


def _save(body: Iterable[bytes], destination: Path, max_bytes: int) -> Fetched:
    """The body, counted as it comes: what the server states of its length is not trusted."""
    digest = hashlib.sha256()
    size = 0
    with destination.open("wb") as file:
        for chunk in body:
            size += len(chunk)
            _check_size(size, max_bytes)
            digest.update(chunk)
            file.write(chunk)
    return Fetched(size, digest.hexdigest())


def _check_size(size: int | None, max_bytes: int) -> None:
    """Raises MediaError for one that is known and too large."""
    if size is not None and size > max_bytes:
        raise MediaError(
            "file_size",
            f"The input is larger than the {max_bytes} bytes that your plan takes. Send a smaller"
            " file or upgrade the plan.",
            "input_bytes",
        )
