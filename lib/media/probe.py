"""What a file holds, from the report of `ffmpeg -i` (we ship no ffprobe)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from lib.media import cage
from lib.media.errors import MediaError
from lib.media.ffmpeg import binary

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mp3", "aac", "wav", "w64", "ogg", "flac",
    "flv", "mpegts", "mpeg", "asf", "aiff", "amr", "ac3", "eac3", "caf", "gif", "gif_pipe",
    "image2", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "apng", "webp",
    "mjpeg", "m4v", "h264", "hevc", "ivf", "webp_anim",
)  # fmt: skip
"""Plain media containers: none of them reads other files, and none is a playlist."""
STILLS = frozenset({"image2", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"})
MAX_PIXELS = 7680 * 4320
"""A picture larger than 8K is refused by its header."""
REPORT_BYTES = 4 * 1024**2
PROBE_SECONDS = 20

INPUT_GUARDS = (
    "-protocol_whitelist", "file",
    "-format_whitelist", ",".join(DEMUXERS),
    "-max_pixels", str(MAX_PIXELS),
)  # fmt: skip
"""Before each -i: no network, no playlists, no picture that fills the memory."""


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

    @property
    def still(self) -> bool:
        """Whether it is one picture, which takes no time."""
        return self.format in STILLS


def probe(path: Path) -> Probe:
    """Look into a file. Raises MediaError (validation) when it is no media we read."""
    size = path.stat().st_size
    if size == 0:
        raise MediaError("validation", "The file is empty (0 bytes). Send the media itself.")
    finished = cage.run(
        [str(binary()), "-hide_banner", "-nostdin", "-loglevel", "time+level+info",
         *INPUT_GUARDS, "-i", str(path)],
        folder=path.parent,
        limits=cage.Limits(PROBE_SECONDS, PROBE_SECONDS, 0, 1024**3),
        keep_bytes=REPORT_BYTES,
    )  # fmt: skip
    if finished.returncode not in (0, 1):
        raise unreadable()
    return parse(finished.report, size)


def unreadable() -> MediaError:
    """The error for a file that is no media."""
    return MediaError(
        "validation",
        "The file can't be read as media. It may be cut off, damaged, or not a video, audio or"
        " image file at all; check that it plays on your machine.",
    )


_LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} \[info\] (?P<text>.*)$")
_INPUT = re.compile(r"^Input #0, (?P<format>[\w,]+), from ")
_DURATION = re.compile(r"^  Duration: (?:(\d+):(\d\d):(\d\d\.\d+)|N/A)")
_STREAM = re.compile(r"^  Stream #0:(?P<index>\d+)\S*: (?P<kind>Video|Audio): (?P<rest>.*)$")
_OTHER_STREAM = re.compile(r"^  Stream #0:(?P<index>\d+)")
_SIZE = re.compile(r", (\d{1,6})x(\d{1,6})(?=[ ,\[]|$)")
_ASPECT = re.compile(r"SAR (\d+):(\d+)")
_ROTATION = re.compile(r"^      [Dd]isplay [Mm]atrix: rotation of (-?\d+(?:\.\d+)?) degrees")


def parse(report: str, size_bytes: int) -> Probe:
    """The facts in a report written with `-loglevel time+level+info`. Raises MediaError.

    A file's own metadata is in the same report. Its lines are told apart: ffmpeg starts each of
    its own with the time and level, continues a value's further lines with `: `, indents values
    by four and more, and numbers streams in order. A report that breaks this is not believed.
    """
    lines = [match["text"] for line in report.split("\n") if (match := _LINE.match(line))]
    container: str | None = None
    durations: list[float | None] = []
    indices: list[int] = []
    video: Video | None = None
    audio: Audio | None = None
    latest: str | None = None
    for line in lines:
        if match := _INPUT.match(line):
            if container is not None:
                raise unreadable()
            container = match["format"]
        elif match := _DURATION.match(line):
            hours, minutes, rest = match.groups()
            durations.append(
                None if hours is None else int(hours) * 3600 + int(minutes) * 60 + float(rest)
            )
        elif match := _STREAM.match(line):
            indices.append(int(match["index"]))
            latest = None
            if match["kind"] == "Video":
                found = _video(match["rest"])
                if found and (video is None or (video.attached and not found.attached)):
                    video, latest = found, "video"
            elif audio is None:
                audio = _audio(match["rest"])
        elif match := _OTHER_STREAM.match(line):
            indices.append(int(match["index"]))
            latest = None
        elif (match := _ROTATION.match(line)) and latest == "video" and video:
            turned = round(-float(match[1]) / 90) * 90 % 360
            video = msgspec.structs.replace(video, rotation=turned)
    if container is None or len(durations) > 1 or indices != sorted(set(indices)):
        raise unreadable()
    if video is None and audio is None:
        raise unreadable()
    duration = durations[0] if durations else None
    still = container in STILLS or (container == "webp" and duration is None)
    return Probe(container, size_bytes, 0.0 if still else duration, video, audio)


def media_metadata(found: Probe) -> dict[str, Any]:
    """The contract's MediaMetadata (section 2.4)."""
    metadata: dict[str, Any] = {
        "duration_seconds": found.duration or 0,
        "format": found.format or "unknown",
        "size_bytes": found.size_bytes,
    }
    if found.video:
        metadata |= {
            "width": found.video.width,
            "height": found.video.height,
            "codec_video": found.video.codec,
        }
        if found.video.fps and not found.still:  # ffmpeg claims 25 for every still
            metadata["fps"] = found.video.fps
    if found.audio:
        metadata["codec_audio"] = found.audio.codec
    return metadata | {
        "has_video": found.video is not None,
        "has_audio": found.audio is not None,
    }


def _video(rest: str) -> Video | None:
    size = _SIZE.search(rest)
    if size is None:
        return None
    aspect = _ASPECT.search(rest)
    fps = re.search(r", ([\d.]+)(k?) fps", rest)
    sample = int(aspect[1]) / int(aspect[2]) if aspect and int(aspect[2]) else 1.0
    return Video(
        codec=re.split(r"[ ,]", rest, maxsplit=1)[0],
        width=int(size[1]),
        height=int(size[2]),
        fps=float(fps[1]) * (1000 if fps[2] else 1) if fps else 0.0,
        sample_aspect=sample or 1.0,
        attached="(attached pic)" in rest,
    )


def _audio(rest: str) -> Audio:
    rate = re.search(r", (\d+) Hz(?:, ([^,]+))?", rest)
    return Audio(
        codec=re.split(r"[ ,]", rest, maxsplit=1)[0],
        sample_rate=int(rate[1]) if rate else 0,
        channels=(rate[2] or "") if rate else "",
    )
