"""A plan under construction. Each step takes a draft and returns a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from lib.media.formats import Format
from lib.media.model import Flags, Probe
from lib.media.plan.model import Extra, Machine, Stream
from lib.media.plan.text import Text
from lib.media.request import graph
from lib.media.request.models import Checked

LABEL = "ffm"
"""The labels that we add to a graph begin with this."""

Kind = Literal["plain", "graph", "options", "virtual"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job, and what the steps have decided so far."""

    checked: Checked
    probes: Sequence[Probe]
    machine: Machine
    coded_alike: bool
    """Whether the inputs have the same fingerprint, so that their packets can follow each other."""

    inputs: list[Flags]
    """Flags before each -i."""
    own: Flags
    """The caller's options that are passed on."""
    chains: graph.Graph = ()
    """The filter graph of the steps; `video` and `audio` name where it ends."""
    video: str = ""
    """The video so far: a label in brackets or a stream such as 0:v:0; empty for none."""
    audio: str = ""
    maps: Flags = []
    filters: Flags = []
    """-vf, where one input needs no graph."""
    copies: Flags = []
    """Streams that are copied though the options do not say so."""
    video_codec: Flags = []
    audio_codec: Flags = []
    pace: Flags = []
    """Threads and speed that we add to the caller's own codec."""
    container: Flags = []

    seconds: float | None = None
    """The length of the media at this step, while virtual options change it."""
    expected: float | None = None
    """The length of the output; None if it is not known."""
    rate: float = 0.0
    complete: bool = False
    joined: bool = False
    adds_up: bool = False
    extras: tuple[Extra, ...] = ()
    texts: dict[str, Text] = {}
    streams: tuple[Stream, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def format(self) -> Format:
        """The format of the output."""
        return self.checked.format

    @property
    def kind(self) -> Kind:
        """What a request is made of: virtual options, options, a graph, or none of them."""
        if self.checked.virtual:
            return "virtual"
        if self.checked.request.options:
            return "options"
        return "graph" if self.checked.graph else "plain"

    @property
    def options(self) -> dict[str, str | None]:
        """The caller's options by flag."""
        return dict(self.own)


def change(draft: Draft, **fields: object) -> Draft:
    """The draft with other values for some fields."""
    return msgspec.structs.replace(draft, **fields)


def with_note(draft: Draft, *notes: str) -> Draft:
    """The draft with notes for the caller added."""
    return change(draft, notes=(*draft.notes, *notes))


def filter_video(draft: Draft, tree: graph.Graph) -> Draft:
    """Send the video through a graph with one input and one output."""
    (end,) = _labels(draft, 1)
    chains = (*draft.chains, *graph.joined(tree, draft.video.strip("[]"), end))
    return change(draft, chains=chains, video=f"[{end}]")


def filter_audio(draft: Draft, tree: graph.Graph) -> Draft:
    """Send the audio through a graph with one input and one output."""
    (end,) = _labels(draft, 1)
    chains = (*draft.chains, *graph.joined(tree, draft.audio.strip("[]"), end))
    return change(draft, chains=chains, audio=f"[{end}]")


def overlay(
    draft: Draft, tree: graph.Graph, source: str, x: str, y: str, enable: str = ""
) -> Draft:
    """Lay another video, from `source` and prepared by `tree`, over this one."""
    prepared, end = _labels(draft, 2)
    # As the video is coded: stills keep their full colors, and deep ones their depth.
    options = [("x", x), ("y", y), ("format", "auto")]
    options += [("enable", enable)] if enable else []
    layer = graph.Filter("overlay", tuple(options), (draft.video.strip("[]"), prepared), (end,))
    chains = (*draft.chains, *graph.joined(tree, source, prepared), (layer,))
    return change(draft, chains=chains, video=f"[{end}]")


def add_input(draft: Draft, extra: Extra) -> tuple[Draft, str]:
    """Read one more file; returns the draft and the file's video stream."""
    draft = change(draft, extras=(*draft.extras, extra))
    return draft, f"{len(draft.probes) + len(draft.extras) - 1}:v:0"


def add_text(draft: Draft, text: Text) -> tuple[Draft, str]:
    """Read a drawn text as one more input; returns the draft and the text's video stream."""
    name = f"text{len(draft.texts)}.png"
    return add_input(change(draft, texts={**draft.texts, name: text}), Extra(name))


def _labels(draft: Draft, count: int) -> list[str]:
    """Labels that are not in the graph yet."""
    existing = graph.labels(draft.chains)
    free: list[str] = []
    number = 0
    while len(free) < count:
        if (name := f"{LABEL}{number}") not in existing:
            free.append(name)
        number += 1
    return free
