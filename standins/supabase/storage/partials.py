"""Resumable uploads on disk: what was announced (JSON), and the bytes that have come so far.

The size of the bytes' file is the offset, so a crash loses nothing but what had not arrived.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from standins import models
from standins.supabase.storage.errors import StorageError, too_large
from standins.supabase.storage.files import read_chunks, write_all

if TYPE_CHECKING:
    from hashlib import _Hash

LIFE_SECONDS = 24 * 3600
"""How long an upload can be resumed at the real server."""
TIDY_SECONDS = 3600
LOCK_SECONDS = 15


class Partial(msgspec.Struct):
    """An upload as it was announced."""

    version: str
    bucket: str
    key: str
    length: int | None
    """Bytes in all; None while the client does not know."""
    limit: int
    header: str
    """`Upload-Metadata`, sent back on HEAD."""
    content_type: str
    cache_control: str
    metadata: dict[str, Any] | None
    owner: str | None
    upsert: bool
    created_at: float
    """Seconds since the epoch."""
    complete: bool = False


class Partials:
    """The uploads below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._guard = threading.Lock()
        self._locks: weakref.WeakValueDictionary[str, threading.Lock] = (
            weakref.WeakValueDictionary()
        )
        self._digests: dict[str, tuple[int, _Hash]] = {}
        self._tidied = 0.0

    def create(self, partial: Partial) -> None:
        """Announce an upload; those past their time go."""
        self._tidy()
        self._bytes(partial.version).touch()
        self.save(partial)

    def save(self, partial: Partial) -> None:
        """Keep what has changed."""
        path = self._record(partial.version)
        new_path = path.with_suffix(".new")
        new_path.write_bytes(msgspec.json.encode(partial))
        new_path.replace(path)

    def find(self, version: str) -> Partial | None:
        """The upload; None when there is none, or it has expired."""
        try:
            uuid.UUID(version)
            partial = models.convert(
                msgspec.json.decode(self._record(version).read_bytes()), Partial
            )
        except (ValueError, FileNotFoundError):
            return None
        return partial if _lives(partial) else None

    def offset(self, partial: Partial) -> int:
        """The bytes that have come so far."""
        if partial.complete and partial.length is not None:
            return partial.length
        return self._bytes(partial.version).stat().st_size

    def append(self, partial: Partial, chunks: Iterable[bytes]) -> int:
        """Add bytes at the end; the new offset. What came before a failure stays.

        Raises StorageError (413), and whatever `chunks` raises. The caller holds the lock.
        """
        room = partial.limit if partial.length is None else partial.length
        path = self._bytes(partial.version)
        offset, digest = self._digest(partial)
        with path.open("ab", buffering=0) as file:
            try:
                for chunk in chunks:
                    if offset + len(chunk) > room:
                        raise too_large()
                    write_all(file, chunk)
                    digest.update(chunk)
                    offset += len(chunk)
            finally:
                self._digests[partial.version] = offset, digest
        return offset

    def etag(self, partial: Partial) -> str:
        """The MD5 of all bytes."""
        return self._digest(partial)[1].hexdigest()

    def bytes_of(self, partial: Partial) -> Path:
        """Where the bytes are."""
        return self._bytes(partial.version)

    def remove(self, version: str) -> None:
        """Forget the upload and its bytes."""
        self._record(version).unlink(missing_ok=True)
        self._bytes(version).unlink(missing_ok=True)
        self._digests.pop(version, None)

    @contextmanager
    def lock(self, version: str) -> Iterator[None]:
        """One writer at a time. Raises StorageError (423) when another does not end."""
        with self._guard:
            lock = self._locks.setdefault(version, threading.Lock())
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise StorageError(423, "ResourceLocked", "The resource is locked", "ResourceLocked")
        try:
            yield
        finally:
            lock.release()

    def sweep(self) -> None:
        """Delete uploads past their time, and what belongs to none."""
        for path in self._root.iterdir():
            version = path.name.partition(".")[0]
            if path.suffix == ".new" or self.find(version) is None:
                path.unlink(missing_ok=True)
                self._digests.pop(version, None)

    def _tidy(self) -> None:
        with self._guard:
            if time.monotonic() - self._tidied < TIDY_SECONDS and self._tidied:
                return
            self._tidied = time.monotonic()
        self.sweep()

    def _digest(self, partial: Partial) -> tuple[int, _Hash]:
        """Offset and running MD5 of the bytes; read again when another process had them."""
        path = self._bytes(partial.version)
        size = path.stat().st_size
        known = self._digests.get(partial.version)
        if known and known[0] == size:
            return known
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb", buffering=0) as file:
            for chunk in read_chunks(file, size):
                digest.update(chunk)
        return size, digest

    def _record(self, version: str) -> Path:
        return self._root / f"{version}.json"

    def _bytes(self, version: str) -> Path:
        return self._root / f"{version}.bytes"


def _lives(partial: Partial) -> bool:
    return time.time() < partial.created_at + LIFE_SECONDS
