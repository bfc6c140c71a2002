"""The output formats (docs/contract.md, section 3.1) and the default codecs of each."""

from __future__ import annotations

from typing import Literal

import msgspec

from lib.media.errors import Refusal, Refused
from lib.media.model import Flags

Kind = Literal["video", "audio", "image"]
Settings = tuple[tuple[str, str], ...]


class Format(msgspec.Struct, frozen=True):
    """An output format; `video` and `audio` are ffmpeg's options for each quality."""

    name: str
    kind: Kind
    extension: str
    muxer: str
    mime_type: str
    video: dict[str, Settings] = {}
    audio: dict[str, Settings] = {}
    appended: bool = False
    """Whether ffmpeg only ever appends to such a file, and never goes back."""


def lookup(name: str) -> Format:
    """The format of a caller's word for it, in any case. Raises Refused."""
    file_format = FORMATS.get({"jpg": "jpeg"}.get(name.lower(), name.lower()))
    if file_format is None:
        raise Refused(
            [
                Refusal(
                    "outputFormat",
                    f"there is no format {name[:40]!r}.",
                    f"Use one of {', '.join(FORMATS)}.",
                )
            ]
        )
    return file_format


def single(file_format: Format) -> bool:
    """Whether the format holds one image, unless the options ask for more."""
    return file_format.kind == "image" and file_format.name != "gif"


def animated(file_format: Format, output: Flags) -> bool:
    """Whether the options ask for an animated WebP."""
    moving = any(flag in (("-c:v", "libwebp_anim"),) or flag[0] == "-loop" for flag in output)
    return file_format.name == "webp" and moving


def _each(codec: Settings, flag: str, high: str, medium: str, low: str) -> dict[str, Settings]:
    """The options of a codec whose quality is one flag."""
    values = {"high": high, "medium": medium, "low": low}
    return {quality: (*codec, (flag, value)) for quality, value in values.items()}


_H264 = _each(
    (("-c:v", "libx264"), ("-preset", "fast"), ("-pix_fmt", "yuv420p")), "-crf", "18", "23", "28"
)
# VP9's own CRF scale; the speed flags were measured 3.3 times faster than the defaults.
_VP9 = _each(
    (
        ("-c:v", "libvpx-vp9"),
        ("-pix_fmt", "yuv420p"),
        ("-b:v", "0"),
        ("-deadline", "good"),
        ("-cpu-used", "4"),
        ("-row-mt", "1"),
        ("-tile-columns", "1"),
    ),
    "-crf", "24", "31", "37",
)  # fmt: skip
_MPEG4 = _each((("-c:v", "mpeg4"), ("-pix_fmt", "yuv420p")), "-q:v", "3", "5", "8")
_AAC = _each((("-c:a", "aac"),), "-b:a", "192k", "128k", "96k")
_MP3 = _each((("-c:a", "libmp3lame"),), "-b:a", "256k", "192k", "96k")
_OPUS = _each((("-c:a", "libopus"),), "-b:a", "160k", "128k", "64k")
_VORBIS = _each((("-c:a", "libvorbis"),), "-q:a", "7", "5", "2")


def _same(*settings: tuple[str, str]) -> dict[str, Settings]:
    """Options that no quality changes."""
    return dict.fromkeys(("high", "medium", "low"), settings)


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("mp4", "video", "mp4", "mp4", "video/mp4", _H264, _AAC),
        Format("webm", "video", "webm", "webm", "video/webm", _VP9, _OPUS),
        Format("mov", "video", "mov", "mov", "video/quicktime", _H264, _AAC),
        Format("avi", "video", "avi", "avi", "video/x-msvideo", _MPEG4, _MP3),
        Format("mp3", "audio", "mp3", "mp3", "audio/mpeg", {}, _MP3),
        Format("m4a", "audio", "m4a", "ipod", "audio/mp4", {}, _AAC),
        Format("aac", "audio", "aac", "adts", "audio/aac", {}, _AAC, appended=True),
        Format("wav", "audio", "wav", "wav", "audio/wav", {}, _same(("-c:a", "pcm_s16le"))),
        Format("ogg", "audio", "ogg", "ogg", "audio/ogg", {}, _VORBIS, appended=True),
        Format("opus", "audio", "opus", "opus", "audio/opus", {}, _OPUS, appended=True),
        Format("flac", "audio", "flac", "flac", "audio/flac", {}, _same(("-c:a", "flac"))),
        Format(
            "jpeg", "image", "jpg", "image2", "image/jpeg",
            _each((("-c:v", "mjpeg"), ("-pix_fmt", "yuvj420p")), "-q:v", "2", "4", "8"),
        ),
        Format("png", "image", "png", "image2", "image/png", _same(("-c:v", "png"))),
        Format("gif", "image", "gif", "gif", "image/gif", _same(("-c:v", "gif")), appended=True),
        Format(
            "webp", "image", "webp", "webp", "image/webp",
            _each((("-c:v", "libwebp"),), "-quality", "90", "80", "60"),
        ),
    )
}  # fmt: skip
