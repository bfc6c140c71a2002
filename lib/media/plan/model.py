"""The plan: pure data that says what ffmpeg is to do with a job's files, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from lib.media.formats import Format
from lib.media.plan.text import Text
from lib.media.request import values
from lib.media.request.check import Checked, Flags, Preset, Remote
from lib.media.run.probe import Probe, Video

Source = Literal["preset", "raw_options", "virtual_options", "defaults"]


class Machine(msgspec.Struct, frozen=True):
    """What a job runs on: it decides on threads, and on speed where the time is short."""

    cores: int = 2
    seconds_left: float = float("inf")


class Stream(msgspec.Struct, frozen=True):
    """What becomes of the picture or the sound, and why."""

    kind: Literal["video", "audio"]
    action: Literal["copy", "encode"]
    why: str


class Extra(msgspec.Struct, frozen=True):
    """A file read besides the job's inputs, by its name in the job's folder."""

    name: str
    flags: tuple[tuple[str, str | None], ...] = ()


class Plan(msgspec.Struct):
    """What ffmpeg is to do, but for the places of the inputs."""

    format: Format
    source: Source
    inputs: list[Flags]
    """Flags before each -i."""
    options: Flags
    """Flags of the output, -filter_complex and -map among them."""
    preset: Preset | None = None
    expected_seconds: float | None = None
    """How long the output should be, for the progress."""
    rate: float = 0
    """Frames a second of the output where it is known, to tell its length by."""
    complete: bool = False
    """Whether an output much shorter than expected means that an input was cut off."""
    joined: bool = False
    """Whether the inputs are read as one after the other, packets untouched."""
    adds_up: bool = False
    """Whether the output is as long as all inputs together, one after the other."""
    counts_packets: bool = False
    """Whether ffmpeg must report how much it read, since the output's length does not say it."""
    extras: list[Extra] = []
    texts: dict[str, Text] = {}
    """Pictures of words to draw first, by file name."""
    remotes: list[Remote] = []
    """Files to fetch first."""
    streams: list[Stream] = []
    notes: list[str] = []
    """What was chosen for the caller, in sentences."""
    draws_text: bool = False
    """Whether fonts are needed."""

    chose_copy: bool = False
    """Whether a stream is copied without the caller's asking: if it goes wrong, it is encoded."""

    @property
    def copies(self) -> bool:
        """Whether no stream is encoded anew."""
        return bool(self.streams) and all(each.action == "copy" for each in self.streams)

    @property
    def copies_picture(self) -> bool:
        """Whether the picture is copied."""
        return any((each.kind, each.action) == ("video", "copy") for each in self.streams)

    @property
    def appends(self) -> bool:
        """Whether ffmpeg only appends to the output, so that its bytes may travel at once."""
        layout = next((value or "" for flag, value in self.options if flag == "-movflags"), "")
        return self.format.appended or (
            any(flag in layout for flag in _FRAGMENTED)
            and not any(flag in layout for flag in _GOES_BACK)
        )


_FRAGMENTED = ("frag_keyframe", "frag_every_frame", "cmaf")
_GOES_BACK = ("faststart", "global_sidx")


def span(flags: dict[str, str | None], length: float | None) -> float | None:
    """What -ss, -sseof, -t and -to leave of `length` seconds."""
    start = values.seconds(flags["-ss"] or "0") if "-ss" in flags else 0.0
    if "-sseof" in flags and length is not None:
        start = max(0.0, length - values.seconds((flags["-sseof"] or "0").lstrip("-")))
    wanted: float | None = None
    if "-t" in flags:
        wanted = values.seconds(flags["-t"] or "0")
    elif "-to" in flags:
        wanted = max(0.0, values.seconds(flags["-to"] or "0") - start)
    if length is None:
        return wanted
    left = max(0.0, length - start)
    return left if wanted is None else min(left, wanted)


def lengths(checked: Checked, probes: Sequence[Probe]) -> list[float]:
    """Seconds that are read of each input; 0 where that is not known."""
    return [
        span(dict(flags), found.duration) or 0.0
        for flags, found in zip(checked.inputs, probes, strict=True)
    ]


def guarded(checked: Checked, probes: Sequence[Probe]) -> list[Flags]:
    """The flags before each -i: the caller's, and how damage in such a file is noticed."""
    return [[*flags, *_damage(found)] for flags, found in zip(checked.inputs, probes, strict=True)]


def _damage(found: Probe) -> Flags:
    """-xerror fails on damage that decoders report; this is for what they don't or over-report.

    A damaged still decodes to grey unless told to explode; video must not be, or recordings that
    begin between key frames fail. A WAV that was piped states no true length, and its last packet
    counts as corrupt.
    """
    if found.still:
        return [("-err_detect", "explode")]
    if found.format == "wav":
        return [("-fflags", "+discardcorrupt")]
    return []


def one_frame(made: Format) -> Flags:
    """What makes a picture of a video."""
    return [("-frames:v", "1")] if single(made) else []


def single(made: Format) -> bool:
    """Whether the format holds one picture, if nothing asks for more."""
    return made.kind == "image" and made.name != "gif"


def moving(found: Probe) -> Video | None:
    """The moving or still picture of a file; cover art is none."""
    return found.video if found.video and not found.video.attached else None
