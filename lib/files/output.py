"""A job's output on its way to Storage; where its format allows, while ffmpeg still writes it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.files.addresses import Address
from lib.files.digest import Digest
from lib.files.stores import storage
from lib.files.stores.storage import CHUNK, StorageError, Upload
from lib.media.errors import Canceled
from lib.media.fetch.ranges import never

POLL_SECONDS = 0.2
LINGER_SECONDS = 2.0
"""How long the end of the context waits for a request to Storage that hangs."""


class Stored(NamedTuple):
    """An output that is in Storage."""

    sha256: str
    early: bool
    """Whether its upload began while ffmpeg ran."""


class StoredOutput(msgspec.Struct):
    """A stored output as app.record_outputs takes it."""

    bucket: str
    key: str
    filename: str
    """What its owner calls it."""
    content_type: str
    format: str
    """The container format."""
    size_bytes: int


class OutputUpload:
    """Stores the file at `path`, which another process is about to write.

    If it is `growing` (only ever appended to), its parts are sent as they appear. What was sent is
    compared with the finished file, and sent again as a whole if ffmpeg went back after all.
    Leaving the context without `store` leaves nothing in Storage.
    """

    def __init__(self, address: Address, path: Path, content_type: str, *, growing: bool) -> None:
        self._address = address
        self._path = path
        self._content_type = content_type
        self._upload = Upload(*address, content_type)
        self._sent_digest = hashlib.sha256()
        self._failed = False
        self._end = threading.Event()
        self._abandoned = False
        """Whether nobody waits for `store` any more."""
        self._thread: threading.Thread | None = None
        if growing:
            self._thread = threading.Thread(target=self._follow, name="upload", daemon=True)
            self._thread.start()

    def store(self, canceled: Callable[[], bool] = never) -> Stored:
        """Store what is not stored yet of the finished file.

        Raises StorageError; Canceled as soon as `canceled` says so, whatever Storage does then.
        """
        results: list[Stored | Exception] = []

        def work() -> None:
            try:
                results.append(self._store())
                if self._abandoned:  # it no longer belongs to a job
                    storage.remove(self._address.bucket, [self._address.key])
            except Exception as error:
                results.append(error)

        thread = threading.Thread(target=work, name="store", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            if thread.is_alive() and canceled():
                self._abandoned = True
                raise Canceled
        if isinstance(results[0], Exception):
            raise results[0]
        return results[0]

    def _store(self) -> Stored:
        self._end.set()
        if self._thread:
            self._thread.join()
        begun = 0 if self._failed else self._upload.size
        digest = Digest(self._path)
        if not begun or not self._unchanged(begun):
            self._upload.discard()
            storage.upload(*self._address, self._path, self._content_type)
            return Stored(digest.result(), early=False)
        with self._path.open("rb") as file:
            file.seek(begun)
            while data := file.read(CHUNK):
                if self._abandoned:
                    raise Canceled
                self._upload.append(data)
        self._upload.finish()
        return Stored(digest.result(), early=True)

    def __enter__(self) -> OutputUpload:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if not self._abandoned:
            thread = threading.Thread(target=self._discard, name="discard", daemon=True)
            thread.start()
            thread.join(LINGER_SECONDS)

    def _discard(self) -> None:
        """Leave nothing of an upload that was not finished."""
        if self._thread:
            self._thread.join()
        self._upload.__exit__()

    def _follow(self) -> None:
        """Send each part once it is written. One part is kept back for the end."""
        try:
            while not self._end.wait(POLL_SECONDS):
                while not self._end.is_set() and (data := self._next()):
                    self._upload.append(data)
                    self._sent_digest.update(data)
        except (StorageError, OSError):  # the whole file goes in the end
            self._failed = True

    def _next(self) -> bytes:
        """The next whole part; empty while it is not there."""
        if not self._path.exists() or self._path.stat().st_size < self._upload.size + CHUNK:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._upload.size)
            data = file.read(CHUNK)
        return data if len(data) == CHUNK else b""

    def _unchanged(self, begun: int) -> bool:
        """Whether the file's first `begun` bytes are those that were sent."""
        now = hashlib.sha256()
        with self._path.open("rb") as file:
            while begun and (data := file.read(min(begun, CHUNK))):
                now.update(data)
                begun -= len(data)
        return not begun and now.digest() == self._sent_digest.digest()
