"""The receipt of a job: what went in and came out, and all that it takes to run it elsewhere."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Literal

import msgspec

from lib.media.plan import Plan


class ReceiptFile(msgspec.Struct):
    """A file's size and SHA-256; the digest is null when only ranges of the file were read."""

    size_bytes: int
    """The size in bytes."""
    sha256: str | None
    """The SHA-256 checksum, in hex; null if the file was not read to its end."""
    fetched_bytes: int
    """Bytes that came over the wire."""


class ReceiptOutput(msgspec.Struct):
    """The output's size and SHA-256."""

    size_bytes: int
    """The size in bytes."""
    sha256: str
    """The SHA-256 checksum, in hex."""


class Decision(msgspec.Struct):
    """What became of the picture or the sound, and why."""

    kind: Literal["video", "audio"]
    """The kind of stream."""
    action: Literal["copy", "encode"]
    """Whether the stream is copied or encoded."""
    why: str
    """The reason."""


class Receipt(msgspec.Struct):
    """What a completed job did."""

    inputs: list[ReceiptFile]
    """The inputs, in order."""
    output: ReceiptOutput
    """The output."""
    arguments: list[str]
    """ffmpeg's argument list; {input0}, … and {output} stand for paths."""
    ffmpeg: str
    """Version and build."""
    wall_seconds: float
    """Of ffmpeg alone."""
    cpu_seconds: float
    """CPU time that ffmpeg used, in seconds."""
    bytes_in: int
    """Fetched for the job."""
    bytes_out: int
    """Bytes stored."""
    streams: list[Decision]
    """What became of each stream, and why."""
    notes: list[str]
    """What was chosen for the caller."""
    cage: list[str]
    """What held ffmpeg while it ran."""


def decisions(plan: Plan) -> list[Decision]:
    """The plan's streams as they are shown."""
    return [Decision(each.kind, each.action, each.why) for each in plan.streams]


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
        except OSError:  # the job is over, and its folder gone
            return
