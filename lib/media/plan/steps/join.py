"""Join several inputs one after the other: packets as they are, or through a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lib.media.formats import Format, single
from lib.media.model import Flags, Probe, Video, moving
from lib.media.plan import stream_copy
from lib.media.plan.draft import Draft, change
from lib.media.plan.geometry import output_size
from lib.media.plan.lengths import first_video, lengths, shown_still
from lib.media.plan.model import Stream
from lib.media.plan.preset import GIF_RATE, palette, require, resolution
from lib.media.plan.steps.maps import own_inputs, requested_maps
from lib.media.request import graph
from lib.media.request.models import Checked

SAMPLE_RATE = 48_000


def join(draft: Draft) -> Draft:
    """Join the inputs of a request that says nothing of how they are combined."""
    if draft.kind == "virtual":
        return _joined_base(draft)
    if draft.kind != "plain" or len(draft.probes) < 2 or single(draft.format):
        return draft
    if draft.coded_alike and may_join_copied(draft.checked, draft.probes):
        return _copied(draft)
    return _joined(draft)


def may_join_copied(checked: Checked, probes: Sequence[Probe]) -> bool:
    """Whether several inputs could follow each other as they are, should they be coded alike."""
    first = probes[0]
    video = moving(first)
    return (
        len(probes) > 1
        and checked.format.kind != "image"
        and not any(checked.inputs)
        and stream_copy.alike(list(probes))
        and (video is None or stream_copy.keeps_video(checked, video, first))
        and (first.audio is None or stream_copy.keeps_audio(checked, first))
        and (checked.format.kind == "video" or video is None)
        and (video is not None or first.audio is not None)
    )


def _copied(draft: Draft) -> Draft:
    """Inputs that are coded alike: their packets follow each other."""
    first, file_format = draft.probes[0], draft.format
    video = moving(first)
    seconds = [probe.duration for probe in draft.probes if probe.duration is not None]
    known = len(seconds) == len(draft.probes)
    why = "The inputs are coded alike, so their packets follow each other."
    return change(
        draft,
        inputs=[[]],
        maps=[
            *([("-map", "0:v:0")] if video else []),
            *([("-map", "0:a:0")] if first.audio else []),
        ],
        video_codec=[
            ("-c", "copy"),
            *(stream_copy.tag(video, file_format) if video else []),
        ],
        expected=sum(seconds) if known else None,
        rate=video.fps if video else 0.0,
        complete=known,
        adds_up=True,
        joined=True,
        streams=(
            *([Stream("video", "copy", why)] if video else []),
            *([Stream("audio", "copy", why)] if first.audio else []),
        ),
    )


def _joined(draft: Draft) -> Draft:
    """All inputs one after the other, scaled to the first video's size and rate."""
    join = _join_graph(draft)
    probes, gif = draft.probes, draft.format.name == "gif"
    tree = f"{join.tree};{palette('[v]', '[out]')}" if gif else join.tree
    maps: Flags = [("-map", "[out]")] if gif else []
    if not gif:
        maps += [("-map", "[v]")] if join.video else []
        maps += [("-map", "[a]")] if join.audio else []
    known = all(probe.still or probe.duration is not None for probe in probes)
    why = "The inputs are joined, and differ or are to be changed."
    return change(
        draft,
        inputs=join.inputs,
        filters=[("-filter_complex", tree)],
        maps=maps,
        expected=sum(join.seconds) if known else None,
        rate=join.rate,
        adds_up=True,
        complete=known
        and not any(draft.checked.inputs)
        and not any(probe.estimated for probe in probes)
        and (join.video or not any(map(moving, probes))),
        streams=(
            *([Stream("video", "encode", why)] if join.video else []),
            *([Stream("audio", "encode", why)] if join.audio else []),
        ),
    )


def _joined_base(draft: Draft) -> Draft:
    """Join the inputs that virtual options work on, if no option or graph combines them."""
    checked = draft.checked
    combined = checked.graph or draft.own or requested_maps(checked).video
    if combined or len(own_inputs(checked)) < 2:
        return draft
    join = _join_graph(draft)
    return change(
        draft,
        inputs=join.inputs,
        chains=graph.parse(join.tree),
        video="[v]" if join.video else "",
        audio="[a]" if join.audio else "",
        seconds=sum(join.seconds),
    )


class _Join(NamedTuple):
    """A graph that joins all inputs to [v] and [a], and what it joins."""

    tree: str
    inputs: list[Flags]
    seconds: list[float]
    rate: float
    video: bool
    audio: bool


def _join_graph(draft: Draft) -> _Join:
    """The graph that joins all inputs. Raises MediaError if there is nothing to join."""
    file_format, probes = draft.format, draft.probes
    lead = first_video(probes) if file_format.kind != "audio" else None
    audio = file_format.kind != "image" and any(probe.audio for probe in probes)
    require(file_format, lead is not None, audio)
    inputs = list(draft.inputs)
    seconds = lengths(draft.checked, probes)
    width, height = output_size(file_format, resolution(draft.checked), lead) if lead else (0, 0)
    rate = _rate(lead, file_format) if lead else 0.0
    chains: list[str] = []
    pads = ""
    for number, probe in enumerate(probes):
        if probe.still and lead:
            inputs[number], seconds[number] = shown_still(inputs[number], rate)
        if lead:
            chains.append(_joined_video(number, probe, (width, height), rate, seconds[number]))
            pads += f"[v{number}]"
        if audio:
            chains.append(_joined_audio(number, probe, seconds[number]))
            pads += f"[a{number}]"
    ends = ("[v]" if lead else "") + ("[a]" if audio else "")
    chains.append(f"{pads}concat=n={len(probes)}:v={int(bool(lead))}:a={int(audio)}{ends}")
    return _Join(";".join(chains), inputs, seconds, rate, lead is not None, audio)


def _joined_video(
    number: int, probe: Probe, size: tuple[int, int], rate: float, length: float
) -> str:
    width, height = size
    fit = f"fps={rate:g},format=yuv420p,settb=AVTB[v{number}]"
    video = moving(probe)
    if video is None:
        return f"color=black:s={width}x{height}:r={rate:g}:d={length:.3f},setsar=1,{fit}"
    square = "scale=iw*sar:ih," if video.sample_aspect != 1 else ""
    return (
        f"[{number}:v:0]{square}scale={width}:{height}:force_original_aspect_ratio=decrease,"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1,{fit}"
    )


def _joined_audio(number: int, probe: Probe, length: float) -> str:
    to_stereo = f"aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    if probe.audio is None:
        return f"anullsrc=r={SAMPLE_RATE}:cl=stereo:d={length:.3f},{to_stereo}[a{number}]"
    return f"[{number}:a:0]aresample={SAMPLE_RATE},{to_stereo}[a{number}]"


def _rate(lead: Video, file_format: Format) -> float:
    """Frames per second of joined videos: the first's, within reason."""
    rate = min(lead.fps, 60.0) if lead.fps >= 1 else 25.0
    return min(rate, GIF_RATE) if file_format.name == "gif" else rate
