"""The bytes on disk: one file per version of an object, named by us, never by a caller."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from standins.supabase.storage.errors import no_such_object, too_large

CHUNK = 256 * 1024


@dataclass(frozen=True)
class StoredFile:
    """Bytes that are in place; `etag` is their MD5, as the real server's."""

    version: str
    size: int
    etag: str


class Files:
    """Files below `root`: `incoming/` while they arrive, `objects/` once whole."""

    def __init__(self, root: Path) -> None:
        self._incoming = root / "incoming"
        self._objects = root / "objects"
        for folder in (self._incoming, self._objects):
            folder.mkdir(parents=True, exist_ok=True)

    def receive(self, chunks: Iterable[bytes], limit: int) -> StoredFile:
        """Store the chunks, at most `limit` bytes; nothing is left when that fails.

        Raises StorageError (413), and whatever `chunks` raises.
        """
        version = str(uuid.uuid4())
        arriving = self._incoming / version
        digest = hashlib.md5(usedforsecurity=False)
        size = 0
        try:
            with arriving.open("xb", buffering=0) as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise too_large()
                    digest.update(chunk)
                    write_all(file, chunk)
            self.adopt(arriving, version)
        except BaseException:
            arriving.unlink(missing_ok=True)
            raise
        return StoredFile(version, size, digest.hexdigest())

    def adopt(self, file: Path, version: str) -> None:
        """Take a whole file from the same disk as the bytes of `version`."""
        target = self._path(version)
        target.parent.mkdir(exist_ok=True)
        file.rename(target)

    def duplicate(self, version: str) -> str:
        """Give the bytes of `version` a second name: they never change, so nothing is copied.

        Raises StorageError (404).
        """
        copy = str(uuid.uuid4())
        target = self._path(copy)
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(self._path(version), target)
        except FileNotFoundError:
            raise no_such_object() from None
        return copy

    def open(self, version: str) -> BinaryIO:
        """The bytes, to read. Raises StorageError (404)."""
        try:
            return self._path(version).open("rb", buffering=0)
        except FileNotFoundError:
            raise no_such_object() from None

    def remove(self, versions: Iterable[str]) -> None:
        """Delete bytes; those that are not there do not matter."""
        for version in versions:
            self._path(version).unlink(missing_ok=True)

    def sweep(self, versions: set[str]) -> None:
        """Delete what a crash left: half files, and whole ones that no row names.

        Only for the time when nothing is served.
        """
        for path in self._incoming.iterdir():
            path.unlink()
        for path in self._objects.glob("*/*"):
            if path.name not in versions:
                path.unlink()

    def _path(self, version: str) -> Path:
        # Rows can be written by SQL: only a UUID becomes part of a path.
        try:
            name = str(uuid.UUID(version))
        except ValueError:
            raise no_such_object() from None
        return self._objects / name[:2] / name


def write_all(file: BinaryIO, chunk: bytes) -> None:
    """Write the whole chunk to an unbuffered file."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def read_chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    """The next `length` bytes of the file."""
    while length > 0 and (chunk := file.read(min(CHUNK, length))):
        length -= len(chunk)
        yield chunk
