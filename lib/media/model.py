"""What all rooms of media share: the facts of a file, and ffmpeg's flags as data."""

from __future__ import annotations

from typing import Any

import msgspec

Flags = list[tuple[str, str | None]]
"""Flags of ffmpeg with their arguments; None for a flag without one."""

STILLS = frozenset({
    "image2", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "jpegxl_pipe",
})  # fmt: skip


class Video(msgspec.Struct, frozen=True):
    """A picture stream; width and height as stored, before rotation."""

    codec: str
    width: int
    height: int
    fps: float = 0
    rotation: int = 0
    """Degrees, 0, 90, 180 or 270."""
    sample_aspect: float = 1
    attached: bool = False
    """Whether it is cover art."""
    pixel_format: str = ""
    """Such as yuv420p; empty in what was stored before it was looked for."""


class Audio(msgspec.Struct, frozen=True):
    """A sound stream."""

    codec: str
    sample_rate: int = 0
    channels: str = ""


class Probe(msgspec.Struct, frozen=True):
    """What is in a file; `duration` in seconds, None when the file does not tell."""

    format: str
    size_bytes: int
    duration: float | None = None
    video: Video | None = None
    audio: Audio | None = None
    estimated: bool = False
    """Whether the duration is a guess from the bit rate, as of an MP3 without an index."""

    @property
    def still(self) -> bool:
        """Whether it is one picture, which takes no time."""
        return self.format in STILLS


def moving(probe: Probe) -> Video | None:
    """The video stream or still image of a file; None if it has only cover art."""
    return probe.video if probe.video and not probe.video.attached else None


def media_metadata(probe: Probe) -> dict[str, Any]:
    """The metadata of a file as responses have it (docs/contract.md, section 4.3)."""
    metadata: dict[str, Any] = {
        "duration_seconds": probe.duration or 0,
        "format": probe.format or "unknown",
        "size_bytes": probe.size_bytes,
    }
    if probe.video:
        metadata |= {
            "width": probe.video.width,
            "height": probe.video.height,
            "codec_video": probe.video.codec,
        }
        if probe.video.fps and not probe.still:  # ffmpeg claims 25 for every still
            metadata["fps"] = probe.video.fps
    if probe.audio:
        metadata["codec_audio"] = probe.audio.codec
    return metadata | {
        "has_video": probe.video is not None,
        "has_audio": probe.audio is not None,
    }
