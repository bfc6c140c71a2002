"""What a preset or the defaults mean: quality, size, encoder settings."""

from __future__ import annotations

from lib.media.errors import MediaError
from lib.media.formats import Format, Settings
from lib.media.plan.model import Source
from lib.media.request.models import Checked

GIF_RATE = 12.0


def source(checked: Checked) -> Source:
    """Where a plan comes from when no option says it."""
    return "preset" if checked.request.preset else "defaults"


def quality(checked: Checked) -> str:
    """high, medium or low."""
    return (checked.request.preset and checked.request.preset.quality) or "medium"


def requests_quality(checked: Checked) -> bool:
    """Whether the preset names a quality."""
    return bool(checked.request.preset and checked.request.preset.quality)


def resolution(checked: Checked) -> str | None:
    """480p, 720p, 1080p, 4k, or None to keep the size."""
    return checked.request.preset.resolution if checked.request.preset else None


def video_codec(checked: Checked) -> Settings:
    """The video encoder and its settings for the requested quality."""
    return checked.format.video.get(quality(checked), ())


def audio_codec(checked: Checked) -> Settings:
    """The audio encoder and its settings for the requested quality."""
    return checked.format.audio.get(quality(checked), ())


def palette(start: str = "", end: str = "") -> str:
    """The graph that gives a GIF its own colors."""
    return f"{start}split[g0][g1];[g0]palettegen[gp];[g1][gp]paletteuse{end}"


def require(file_format: Format, video: bool, audio: bool) -> None:
    """Raises MediaError when the files lack what the format needs."""
    if file_format.kind == "audio" and not audio:
        raise MediaError(
            "validation",
            f"The input has no audio track, so it can't be converted to {file_format.name}. Send a"
            " file with audio, or choose a video or image format.",
        )
    if file_format.kind == "image" and not video:
        raise MediaError(
            "validation",
            f"The input has no video track, so it can't be converted to {file_format.name}. Send a"
            " video or an image, or choose an audio format.",
        )
    if not video and not audio:
        raise MediaError("validation", "The input has neither video nor audio.")
