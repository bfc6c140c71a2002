"""The plan: pure data that says what ffmpeg is to do with a job's files, and why."""

from __future__ import annotations

from typing import Literal

import msgspec

from lib.media.formats import Format
from lib.media.model import Flags
from lib.media.plan.text import Text
from lib.media.request.models import Preset, Remote

Source = Literal["preset", "raw_options", "virtual_options", "defaults"]


class Machine(msgspec.Struct, frozen=True):
    """What a job runs on: it decides on threads, and on speed where the time is short."""

    cores: int = 2
    seconds_left: float = float("inf")


class Stream(msgspec.Struct, frozen=True):
    """How the video or audio is produced, and why."""

    kind: Literal["video", "audio"]
    action: Literal["copy", "encode"]
    why: str


class Extra(msgspec.Struct, frozen=True):
    """A file read besides the job's inputs, by its name in the job's folder."""

    name: str
    flags: tuple[tuple[str, str | None], ...] = ()


class Output(msgspec.Struct):
    """A file that ffmpeg writes, and what is known of it before it runs."""

    format: Format
    options: Flags
    """Flags of the output, -filter_complex and -map among them."""
    expected_seconds: float | None = None
    """How long the output should be, for the progress."""
    rate: float = 0
    """Frames per second where it is known, to tell the length by."""
    complete: bool = False
    """Whether an output much shorter than expected means that an input was cut off."""
    streams: list[Stream] = []
    chose_copy: bool = False
    """Whether a stream is copied although the caller did not ask: if that fails, it is encoded."""

    @property
    def copies(self) -> bool:
        """Whether no stream is encoded."""
        return bool(self.streams) and all(each.action == "copy" for each in self.streams)

    @property
    def copies_video(self) -> bool:
        """Whether the video is copied."""
        return any((each.kind, each.action) == ("video", "copy") for each in self.streams)

    @property
    def appends(self) -> bool:
        """Whether ffmpeg only appends to the file, so that it can be sent while it grows."""
        layout = next((value or "" for flag, value in self.options if flag == "-movflags"), "")
        return self.format.appended or (
            any(flag in layout for flag in _FRAGMENTED)
            and not any(flag in layout for flag in _GOES_BACK)
        )


_FRAGMENTED = ("frag_keyframe", "frag_every_frame", "cmaf")
_GOES_BACK = ("faststart", "global_sidx")


class Plan(msgspec.Struct):
    """What ffmpeg is to do, except where the inputs and outputs are."""

    source: Source
    inputs: list[Flags]
    """Flags before each -i."""
    outputs: list[Output]
    """The files to write; one for now."""
    preset: Preset | None = None
    joined: bool = False
    """Whether the inputs are read as one after the other, packets untouched."""
    adds_up: bool = False
    """Whether the output is as long as all inputs together, one after the other."""
    counts_packets: bool = False
    """Whether ffmpeg must report how much it read, since the output's length does not say it."""
    extras: list[Extra] = []
    texts: dict[str, Text] = {}
    """Texts to draw as images first, by file name."""
    remotes: list[Remote] = []
    """Files to fetch first."""
    notes: list[str] = []
    """What was chosen for the caller, in sentences."""
    draws_text: bool = False
    """Whether fonts are needed."""

    @property
    def output(self) -> Output:
        """The only output."""
        (output,) = self.outputs
        return output
