"""Which streams can go into a container as they are, losing nothing and in almost no time."""

from __future__ import annotations

from lib.media.formats import Format
from lib.media.model import Audio, Probe, Video
from lib.media.plan.geometry import displayed_size, output_size
from lib.media.plan.preset import requests_quality, resolution
from lib.media.request.models import Checked

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
"""Pixel formats that players take; other formats are encoded again."""


def video_fits(video: Video, file_format: Format) -> bool:
    """Whether a video stream can be copied into the format."""
    return (
        video.codec in VIDEO.get(file_format.name, ())
        and (video.codec == "prores" or video.pixel_format in PLAYABLE)
        and keeps_rotation(video, file_format)
    )


def keeps_rotation(video: Video, file_format: Format) -> bool:
    """Whether the format can state the rotation of a video, if it has one."""
    return video.rotation == 0 or file_format.name in ("mp4", "mov")


def audio_fits(audio: Audio, file_format: Format) -> bool:
    """Whether an audio stream can be copied into the format."""
    return audio.codec in AUDIO.get(file_format.name, ())


def keeps_video(checked: Checked, video: Video, probe: Probe) -> bool:
    """Whether a request without options can copy this video stream."""
    size = resolution(checked)
    return (
        checked.may_copy
        and checked.format.kind == "video"
        and not requests_quality(checked)
        and not checked.inputs[0]
        and not probe.still
        and video_fits(video, checked.format)
        and (size is None or output_size(checked.format, size, video) == displayed_size(video))
    )


def keeps_audio(checked: Checked, probe: Probe) -> bool:
    """Whether a request without options can copy the audio stream of this file."""
    return (
        checked.may_copy
        and probe.audio is not None
        and not requests_quality(checked)
        and not checked.inputs[0]
        and audio_fits(probe.audio, checked.format)
    )


def tag(video: Video, file_format: Format) -> list[tuple[str, str | None]]:
    """HEVC is called hvc1 where Apple's players are to play it."""
    return (
        [("-tag:v", "hvc1")] if video.codec == "hevc" and file_format.name in ("mp4", "mov") else []
    )


def alike(probes: list[Probe]) -> bool:
    """Whether files look as if one could follow the other; fingerprints have the last word."""
    first = probes[0]
    return all(
        (probe.format, probe.video, probe.audio) == (first.format, first.video, first.audio)
        for probe in probes
    ) and not any(probe.still for probe in probes)
