"""How long the inputs are, after the flags that cut or repeat them."""

from __future__ import annotations

from collections.abc import Sequence

from lib.media.model import Flags, Probe, Video, moving
from lib.media.request import values
from lib.media.request.models import Checked

STILL_SECONDS = 3
"""How long a still image is shown when it becomes a video."""


def span(flags: dict[str, str | None], length: float | None) -> float | None:
    """What -ss, -sseof, -t and -to leave of `length` seconds."""
    start = values.seconds(flags["-ss"] or "0") if "-ss" in flags else 0.0
    if "-sseof" in flags and length is not None:
        start = max(0.0, length - values.seconds((flags["-sseof"] or "0").lstrip("-")))
    limit: float | None = None
    if "-t" in flags:
        limit = values.seconds(flags["-t"] or "0")
    elif "-to" in flags:
        limit = max(0.0, values.seconds(flags["-to"] or "0") - start)
    if length is None:
        return limit
    left = max(0.0, length - start)
    return left if limit is None else min(left, limit)


def lengths(checked: Checked, probes: Sequence[Probe]) -> list[float]:
    """Seconds that are read of each input; 0 where that is not known."""
    return [
        span(dict(flags), probe.duration) or 0.0
        for flags, probe in zip(checked.inputs, probes, strict=True)
    ]


def output_seconds(options: dict[str, str | None], inputs: Sequence[float]) -> float | None:
    """The length of the output after the caller's own flags; None if it is not known."""
    if options.get("-frames:v") == "1":
        return 0.0
    return span(options, max(inputs, default=0.0) or None)


def output_rate(options: dict[str, str | None], probes: Sequence[Probe]) -> float:
    """Frames per second of the output: -r, else those of the first video; 0 for none."""
    if options.get("-r"):
        return values.frames_per_second(options["-r"] or "0")
    video = first_video(probes)
    return video.fps if video else 0.0


def first_video(probes: Sequence[Probe]) -> Video | None:
    """The first video stream or still image of the inputs that is not cover art."""
    return next((video for probe in probes if (video := moving(probe))), None)


def shown_still(flags: Flags, rate: float) -> tuple[Flags, float]:
    """The flags that make a clip of a still image, and its seconds: -t, or STILL_SECONDS."""
    options = dict(flags)
    usual: Flags = [("-loop", "1"), ("-framerate", f"{rate:g}"), ("-t", f"{STILL_SECONDS}")]
    return (
        [*flags, *(flag for flag in usual if flag[0] not in options)],
        values.seconds(options.get("-t") or f"{STILL_SECONDS}"),
    )
