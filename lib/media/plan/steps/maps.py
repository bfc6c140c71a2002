"""Which streams go into the output: what -map names, and what a graph ends in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lib.media.formats import Format
from lib.media.model import Flags, Probe
from lib.media.request import graph, tables, virtual
from lib.media.request.models import Checked

_AUDIO_SPLITTERS = frozenset({"asplit", "channelsplit", "acrossover"})


class RequestedMaps(NamedTuple):
    """What the caller's -map options name: a video, an audio stream, and the rest."""

    video: str
    audio: str
    others: Flags


def requested_maps(checked: Checked) -> RequestedMaps:
    """The caller's -map options."""
    video = audio = ""
    others: Flags = []
    for flag, value in checked.output:
        if flag != "-map" or value is None:
            continue
        label = value.strip("[]") if value.startswith("[") else ""
        kind = stream_kind(checked.graph, label) if label else value.partition(":")[2][:1]
        plain = value.rstrip("?")
        if kind == "v" and not video and not value.startswith("-"):
            video = plain
        elif kind == "a" and not audio and not value.startswith("-"):
            audio = plain
        else:
            others.append((flag, value))
    return RequestedMaps(video, audio, others)


def own_inputs(checked: Checked) -> list[int]:
    """The inputs that are not the image of a @watermark."""
    marks = {each.input for each in checked.virtual if isinstance(each, virtual.Watermark)}
    return [number for number in range(len(checked.inputs)) if number not in marks]


def first_audio(probes: Sequence[Probe]) -> str:
    """The first audio stream of the inputs; empty for none."""
    return next((f"{number}:a:0" for number, probe in enumerate(probes) if probe.audio), "")


def graph_maps(tree: graph.Graph, file_format: Format, probes: Sequence[Probe]) -> Flags:
    """-map for what the graph leaves open, and the audio if just one input has any."""
    outputs = graph.open_outputs(tree)
    if not outputs:  # ffmpeg maps an unlabelled end by itself
        return []
    maps: Flags = [("-map", f"[{label}]") for label in outputs]
    audible = [number for number, probe in enumerate(probes) if probe.audio]
    if len(audible) == 1 and file_format.kind == "video" and not _makes_audio(tree):
        maps.append(("-map", f"{audible[0]}:a:0"))
    return maps


def _makes_audio(tree: graph.Graph) -> bool:
    """Whether a filter of the graph outputs audio."""
    return any(
        "A" in tables.filters()[each.name].outputs or ("a", "1") in each.options
        for chain in tree
        for each in chain
    )


def stream_kind(tree: graph.Graph, label: str) -> str:
    """v or a: what a label of the graph carries."""
    for chain in tree:
        for each in chain:
            if label in each.outputs:
                return _output_kind(each, each.outputs.index(label))
    return "v"


def _output_kind(each: graph.Filter, at: int) -> str:
    """v or a: what a filter puts out at one of its outputs."""
    if each.name == "concat":
        options = dict(each.options)
        videos, audios = int(options.get("v", "1")), int(options.get("a", "0"))
        return "v" if at % (videos + audios) < videos else "a"
    outputs = tables.filters()[each.name].outputs
    if outputs == "N":
        return "a" if each.name in _AUDIO_SPLITTERS else "v"
    return outputs[min(at, len(outputs) - 1)].lower() if outputs else "v"
