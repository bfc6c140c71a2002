"""A job's files: fetched whole when they are small, else served to ffmpeg while they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lib.files import addresses
from lib.files.addresses import Address
from lib.files.digest import Digest, ReceiptFile
from lib.files.stores import storage
from lib.files.stores.requests import translated
from lib.media.errors import MediaError
from lib.media.fetch import loopback
from lib.media.fetch.ranges import Opener, RangeFile, is_final, never
from lib.media.slots import Slot
from lib.platform import limits
from lib.platform.settings import settings

if TYPE_CHECKING:
    from lib.media.fetch.source import Remote

WHOLE_BYTES = 4 * 1024 * 1024
"""Files up to here are fetched before anything looks at them: it takes one request."""
MAX_SERVED = 20
"""Large files of a job that are served while they arrive: each takes sockets and threads."""
TRIES = 3
"""How often the download of a small stored file is tried."""
RETRY_SECONDS = 0.2


class JobFile:
    """An input within reach of ffmpeg: a file, or what our proxy serves of a remote one."""

    def __init__(
        self,
        path: Path,
        size: int,
        ranges: RangeFile | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self.size = size
        self.version: str | None = None
        """Storage's version of the object; None of a URL."""
        self.place: Path | str = path
        self._ranges = ranges
        self._close = close
        self._waited = 0.0
        self._fetched = size
        self._digest = None if ranges else Digest(path)

    @property
    def waited(self) -> float:
        """Seconds that readers have waited for the source."""
        return self._ranges.waited if self._ranges else self._waited

    @property
    def served(self) -> bool:
        """Whether a proxy serves it while it arrives."""
        return self._ranges is not None

    def check(self) -> None:
        """Raises what the source failed with, which ffmpeg would only call the end of a file."""
        if self._ranges and self._ranges.error:
            raise self._ranges.error

    def bring(self) -> None:
        """Fetch what is missing, so that the file itself can be read. Raises as its source does."""
        if self._ranges:
            self._ranges.fill()
            self.place = self.path

    def settle(self) -> None:
        """Fetch what is missing and close the source. Raises as its source does."""
        if self._ranges is None or self._close is None:
            return
        self.bring()
        self._waited, self._fetched = self._ranges.waited, self._ranges.fetched
        self._close()
        self._ranges, self._digest = None, Digest(self.path)

    def receipt(self) -> ReceiptFile:
        """As the receipt has it."""
        if self._ranges:
            return ReceiptFile(self.size, self._ranges.sha256(), self._ranges.fetched)
        digest = self._digest.result() if self._digest else None
        return ReceiptFile(self.size, digest, self._fetched)


class OnlyWhole(Exception):
    """A file that is too large to be fetched whole now, and can't be read in parts."""


def open_file(
    stack: ExitStack,
    url: str,
    path: Path,
    *,
    max_bytes: int,
    too_large: str,
    canceled: Callable[[], bool],
    seconds: float | None = None,
    only_parts: bool = False,
    only_small: bool = False,
    hurried: bool = False,
    slot: Slot | None = None,
) -> JobFile:
    """A file by its URL or gs:// address, until the stack is closed.

    `seconds` are for all the waiting for a URL's server, FETCH_SECONDS by default. `slot` is lent
    while the file is waited for. Raises MediaError (file_size with the sentence `too_large`),
    Canceled, StorageError, and OnlyWhole for what would be fetched whole, if large, when
    `only_parts` are wanted, and for anything large when `only_small` files are. A caller waits when
    it is `hurried`: a server that fails is asked again for a few seconds only.
    """
    address = addresses.parse(url)
    if address is None:
        with _lending(slot):
            remote = stack.enter_context(_open_url(url, max_bytes, canceled, seconds, hurried))
        small = remote.size is not None and remote.size <= WHOLE_BYTES
        if not small and (only_small or (only_parts and not remote.ranged)):
            raise OnlyWhole
        if not remote.ranged or remote.size is None or small:
            with _lending(slot):
                return JobFile(path, remote.save(path).size)
        return _served(stack, path, remote.size, remote.open, canceled, slot)
    try:
        with _lending(slot):
            info = storage.info(*address)
        if info.size > max_bytes:
            raise MediaError("file_size", too_large.format(size=info.size), "input_bytes")
        if only_small and info.size > WHOLE_BYTES:
            raise OnlyWhole
        file = open_stored(stack, address, path, info.size, canceled, slot)
        file.version = info.version
        return file
    except storage.Missing as error:
        raise MediaError(
            "upload",
            "The uploaded file is not there. PUT the bytes to the upload link and confirm them"
            " before the job is created.",
            "missing_upload",
        ) from error


def _open_url(
    url: str, max_bytes: int, canceled: Callable[[], bool], seconds: float | None, hurried: bool
) -> AbstractContextManager[Remote]:
    """The file of a URL, by the rules of the settings."""
    from lib.media.fetch import source  # its HTTP library takes as long to import as Flask
    from lib.media.fetch.connection import Pace
    from lib.media.fetch.retries import HURRIED, PATIENCE

    return source.open_url(
        url,
        max_bytes=max_bytes,
        seconds=seconds or settings().fetch_seconds,
        allow=settings().source_allow,
        canceled=canceled,
        pace=Pace(settings().fetch_bytes_per_second, settings().fetch_grace),
        patience=HURRIED if hurried else PATIENCE,
        agent=agent(),
    )


def open_stored(
    stack: ExitStack,
    address: Address,
    path: Path,
    size: int,
    canceled: Callable[[], bool] = never,
    slot: Slot | None = None,
) -> JobFile:
    """A stored file of `size` bytes, until the stack is closed. Raises Missing, StorageError."""
    if size <= WHOLE_BYTES:
        with _lending(slot):
            _download(address, path, canceled)
        return JobFile(path, size)
    opener = partial(_open_stored, limits.state(), address, size)
    return _served(stack, path, size, opener, canceled, slot, final=_is_final)


def _download(address: Address, path: Path, canceled: Callable[[], bool]) -> None:
    """A small stored file, tried again where the connection breaks. Raises StorageError."""
    for attempt in range(TRIES):
        try:
            storage.download(*address, path, canceled)
            return
        except storage.StorageError as error:
            if _is_final(error) or attempt == TRIES - 1 or canceled():
                raise
            time.sleep(RETRY_SECONDS * 2**attempt)


@contextmanager
def _open_stored(
    state: limits.State, address: Address, size: int, offset: int
) -> Iterator[Iterator[bytes]]:
    """An Opener whose stream raises StorageError when it ends early, however it does.

    It runs in a thread of its own, which gets the limits of whoever opened the file.
    """
    limits.resume(state)
    with storage.stream(*address, offset) as body:
        yield _read_to_end(body, size - offset)


def _read_to_end(body: Iterator[bytes], left: int) -> Iterator[bytes]:
    with translated():
        for data in body:
            left -= len(data)
            yield data
    if left > 0:
        raise storage.StorageError(f"the stream ended {left} bytes early")


def _is_final(error: Exception) -> bool:
    """Whether reading again would not help."""
    return not isinstance(error, storage.StorageError) or isinstance(
        error, storage.Missing | storage.TooSlow
    )


def _lending(slot: Slot | None) -> AbstractContextManager[None]:
    """Lends the slot while the context waits for a source."""
    return slot.waiting() if slot else nullcontext()


def _served(
    stack: ExitStack,
    path: Path,
    size: int,
    opener: Opener,
    canceled: Callable[[], bool],
    slot: Slot | None,
    final: Callable[[Exception], bool] = is_final,
) -> JobFile:
    own = stack.enter_context(ExitStack())
    ranges = own.enter_context(
        RangeFile(path, size, opener, canceled=canceled, final=final, slot=slot)
    )
    file = JobFile(path, size, ranges, own.close)
    file.place = own.enter_context(loopback.serve(ranges))
    return file


def agent() -> str:
    """Who we say we are to the servers of URL inputs: a browser's form, our name, and a contact."""
    page = f"{settings().site_url}/docs/url-inputs"
    return f"Mozilla/5.0 (compatible; FFmpegMicro/1.0; +{page})"
