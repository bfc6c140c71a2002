"""The caller's filters, and ours that bring one input to its size."""

from __future__ import annotations

from lib.media.formats import single
from lib.media.model import Probe, Video, moving
from lib.media.plan import stream_copy
from lib.media.plan.draft import Draft, change, filter_audio, filter_video
from lib.media.plan.geometry import displayed_size, output_size
from lib.media.plan.lengths import shown_still, span
from lib.media.plan.model import Stream
from lib.media.plan.preset import GIF_RATE, palette, require, resolution
from lib.media.plan.steps.maps import (
    first_audio,
    graph_maps,
    own_inputs,
    requested_maps,
    stream_kind,
)
from lib.media.request import graph
from lib.media.request.models import Checked


def filters(draft: Draft) -> Draft:
    """The streams that the job begins with, after the caller's filters."""
    match draft.kind:
        case "virtual":
            return _own_filters(_base(draft))
        case "options" | "graph":
            return _graph(draft)
        case "plain":
            return draft if draft.adds_up else _resized(draft)


def _graph(draft: Draft) -> Draft:
    """The caller's graph as it is, and -map for what it leaves open."""
    checked = draft.checked
    if not checked.graph:
        return draft
    mapped = "-map" in draft.options
    maps = [] if mapped else graph_maps(checked.graph, draft.format, draft.probes)
    draft = change(draft, filters=[("-filter_complex", checked.filters)], maps=maps)
    if draft.kind == "options" or draft.format.kind == "audio":
        return draft
    return change(draft, streams=(Stream("video", "encode", "Filters change it."),))


def _resized(draft: Draft) -> Draft:
    """One input: its streams, and the size and rate that the preset asks for."""
    probe, file_format, checked = draft.probes[0], draft.format, draft.checked
    video = visible(draft)
    audio = probe.audio if file_format.kind != "image" else None
    require(file_format, video is not None, audio is not None)
    inputs = list(draft.inputs)
    length = span(dict(checked.inputs[0]), probe.duration)
    if probe.still and file_format.kind == "video":
        inputs[0], length = shown_still(inputs[0], 25.0)
    chain = ""
    if video and not stream_copy.keeps_video(checked, video, probe):
        chain = _resize(checked, video, still=probe.still)
    rate = video.fps if video and not probe.still else 0.0
    return change(
        draft,
        inputs=inputs,
        maps=[
            *([("-map", "0:v:0")] if video else []),
            *([("-map", "0:a:0")] if audio else []),
        ],
        filters=[("-vf", chain)] if chain else [],
        video="0:v:0" if video else "",
        audio="0:a:0" if audio else "",
        expected=length,
        rate=min(rate, GIF_RATE) if file_format.name == "gif" else rate,
        complete=_says_its_length(draft, probe),
    )


def visible(draft: Draft) -> Video | None:
    """The video stream of the only input that goes into the output; cover art becomes an image."""
    probe, kind = draft.probes[0], draft.format.kind
    if kind == "audio":
        return None
    return moving(probe) if kind == "video" else probe.video


def _says_its_length(draft: Draft, probe: Probe) -> bool:
    """Whether the output is as long as the file's header says.

    The length stated is that of the longest stream: nothing follows from it if that is left out.
    """
    return (
        not single(draft.format)
        and not draft.checked.inputs[0]
        and not probe.estimated
        and (draft.format.kind != "image" or probe.audio is None)
        and (visible(draft) is not None or moving(probe) is None)
    )


def _resize(checked: Checked, video: Video, *, still: bool) -> str:
    """The chain that scales a video, and gives a GIF its palette."""
    file_format = checked.format
    width, height = output_size(file_format, resolution(checked), video)
    chain: list[str] = []
    if file_format.name == "gif" and not still and video.fps > GIF_RATE:
        chain.append(f"fps={GIF_RATE:g}")
    if (width, height) != displayed_size(video) or video.sample_aspect != 1:
        chain += [f"scale={width}:{height}", "setsar=1"]
    if file_format.name == "gif":
        chain.append(palette())
    return ",".join(chain)


def _base(draft: Draft) -> Draft:
    """The video and audio that virtual options begin with, and the graph so far."""
    checked, probes = draft.checked, draft.probes
    requested = requested_maps(checked)
    draft = change(draft, maps=requested.others)
    if draft.chains:  # the inputs are joined
        return draft
    if checked.graph:
        ends = graph.open_outputs(checked.graph)
        videos = [end for end in ends if stream_kind(checked.graph, end) == "v"]
        audios = [end for end in ends if stream_kind(checked.graph, end) == "a"]
        return change(
            draft,
            chains=checked.graph,
            video=requested.video or (f"[{videos[0]}]" if videos else ""),
            audio=requested.audio or (f"[{audios[0]}]" if audios else first_audio(probes)),
        )
    first = next(iter(own_inputs(checked)), 0)
    probe = probes[first]
    video = probe.video if draft.format.kind == "image" else moving(probe)
    audio = f"{first}:a:0" if probe.audio else first_audio(probes)
    return change(
        draft,
        video=requested.video or (f"{first}:v:0" if video else ""),
        audio=requested.audio or audio,
    )


def _own_filters(draft: Draft) -> Draft:
    """The caller's -vf and -af, which run before the virtual options."""
    for flag, value in draft.own:
        if flag == "-vf" and draft.video:
            draft = filter_video(draft, graph.parse(value or ""))
        elif flag == "-af" and draft.audio:
            draft = filter_audio(draft, graph.parse(value or ""))
    return change(draft, own=[flag for flag in draft.own if flag[0] not in ("-vf", "-af")])
