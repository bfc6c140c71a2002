"""Which streams can go into a container as they are, losing nothing and in almost no time."""

from __future__ import annotations

from lib.media.formats import Format
from lib.media.run.probe import Audio, Probe, Video

VIDEO: dict[str, frozenset[str]] = {
    "mp4": frozenset({"h264", "hevc", "av1"}),
    "mov": frozenset({"h264", "hevc", "prores"}),
    "webm": frozenset({"vp8", "vp9", "av1"}),
    "avi": frozenset({"mpeg4", "mjpeg"}),
}
AUDIO: dict[str, frozenset[str]] = {
    "mp4": frozenset({"aac", "mp3"}),
    "mov": frozenset({"aac", "mp3", "alac", "pcm_s16le"}),
    "webm": frozenset({"opus", "vorbis"}),
    "avi": frozenset({"mp3", "ac3", "pcm_s16le"}),
    "mp3": frozenset({"mp3"}),
    "m4a": frozenset({"aac", "alac"}),
    "aac": frozenset({"aac"}),
    "wav": frozenset({"pcm_s16le"}),
    "ogg": frozenset({"vorbis", "opus", "flac"}),
    "opus": frozenset({"opus"}),
    "flac": frozenset({"flac"}),
}
"""What players expect in each container; ffmpeg would put more there."""
PLAYABLE = frozenset({"yuv420p", "yuvj420p", "yuv420p10le"})
"""Pixel formats that players take; professional ones are worth encoding anew."""


def picture_fits(picture: Video, made: Format) -> bool:
    """Whether a picture can be copied into the format."""
    return (
        picture.codec in VIDEO.get(made.name, ())
        and (picture.codec == "prores" or picture.pixel_format in PLAYABLE)
        and keeps_turn(picture, made)
    )


def keeps_turn(picture: Video, made: Format) -> bool:
    """Whether the format can say how far a picture is turned, if it is."""
    return picture.rotation == 0 or made.name in ("mp4", "mov")


def sound_fits(sound: Audio, made: Format) -> bool:
    """Whether a sound can be copied into the format."""
    return sound.codec in AUDIO.get(made.name, ())


def tag(picture: Video, made: Format) -> list[tuple[str, str | None]]:
    """HEVC is called hvc1 where Apple's players are to play it."""
    return [("-tag:v", "hvc1")] if picture.codec == "hevc" and made.name in ("mp4", "mov") else []


def alike(probes: list[Probe]) -> bool:
    """Whether files look as if one could follow the other; fingerprints have the last word."""
    first = probes[0]
    return all(
        (found.format, found.video, found.audio) == (first.format, first.video, first.audio)
        for found in probes
    ) and not any(found.still for found in probes)
