"""The receipt of a job: what went in and came out, and all that it takes to run it elsewhere."""

from __future__ import annotations

from typing import Literal

import msgspec

from lib.files.digest import ReceiptFile
from lib.media.plan.model import Plan


class ReceiptOutput(msgspec.Struct):
    """The output's size and SHA-256."""

    size_bytes: int
    """The size in bytes."""
    sha256: str
    """The SHA-256 checksum, in hex."""


class Decision(msgspec.Struct):
    """How the video or audio was produced, and why."""

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
    """How each stream was produced, and why."""
    notes: list[str]
    """What was chosen for the caller."""
    cage: list[str]
    """What held ffmpeg while it ran."""


def decisions(plan: Plan) -> list[Decision]:
    """The plan's streams as they are shown."""
    return [Decision(each.kind, each.action, each.why) for each in plan.output.streams]
