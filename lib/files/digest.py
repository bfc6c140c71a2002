"""A file's SHA-256 for the receipt."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec


class ReceiptFile(msgspec.Struct):
    """A file's size and SHA-256; the digest is null when only ranges of the file were read."""

    size_bytes: int
    """The size in bytes."""
    sha256: str | None
    """The SHA-256 checksum, in hex; null if the file was not read to its end."""
    fetched_bytes: int
    """Bytes that came over the wire."""


class Digest:
    """A file's SHA-256, worked out in a thread of its own while something else goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sha256 = ""
        self._thread = threading.Thread(target=self._work, name="digest", daemon=True)
        self._thread.start()

    def result(self) -> str:
        """The digest in hexadecimal; waits for it."""
        self._thread.join()
        return self._sha256

    def _work(self) -> None:
        try:
            with self._path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:  # the job has ended and its folder is deleted
            return
