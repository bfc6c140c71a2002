"""From a checked request and what its files hold to a plan, by steps that each decide one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib.media.model import Flags, Probe
from lib.media.plan import metering, preset
from lib.media.plan.draft import Draft, change
from lib.media.plan.lengths import lengths, output_rate, output_seconds, span
from lib.media.plan.model import Machine, Output, Plan, Source
from lib.media.plan.steps.codecs import REQUESTED, codecs, requested_streams
from lib.media.plan.steps.container import container, is_still
from lib.media.plan.steps.filters import filters
from lib.media.plan.steps.join import join, may_join_copied
from lib.media.plan.steps.maps import own_inputs
from lib.media.plan.steps.pace import pace
from lib.media.plan.steps.seek import seek, until_shortest
from lib.media.plan.steps.virtual_options import virtual_options
from lib.media.request import graph
from lib.media.request.models import Checked

STEPS: tuple[Callable[[Draft], Draft], ...] = (
    seek,
    until_shortest,
    join,
    filters,
    virtual_options,
    codecs,
    pace,
    container,
)
"""The steps of a plan, in order."""
TEXT_FILTERS = frozenset({"drawtext", "subtitles", "ass"})


def make_plan(
    checked: Checked,
    probes: Sequence[Probe],
    machine: Machine | None = None,
    *,
    coded_alike: bool = False,
) -> Plan:
    """The plan for a request. Raises MediaError when the files don't allow it.

    `coded_alike` tells that the inputs' fingerprints are the same (see `wants_fingerprints`).
    """
    draft = _start(checked, probes, machine or Machine(), coded_alike)
    for step in STEPS:
        draft = step(draft)
    plan = _finish(draft)
    plan.counts_packets = bool(metering.readings(plan, probes))
    return plan


def wants_fingerprints(checked: Checked, probes: Sequence[Probe]) -> bool:
    """Whether it is worth looking if the inputs are coded alike, to join them as they are."""
    return not checked.request.options and not checked.graph and may_join_copied(checked, probes)


def _start(checked: Checked, probes: Sequence[Probe], machine: Machine, coded_alike: bool) -> Draft:
    """The draft before the first step: the caller's options, and how long the inputs are."""
    draft = Draft(
        checked=checked,
        probes=probes,
        machine=machine,
        coded_alike=coded_alike,
        inputs=[
            [*flags, *_damage(probe)] for flags, probe in zip(checked.inputs, probes, strict=True)
        ],
        own=_own(checked, probes),
    )
    first = next(iter(own_inputs(checked)), 0)
    seconds = lengths(checked, probes)
    fields: dict[str, object] = {}
    match draft.kind:
        case "virtual":
            fields = {"seconds": span(dict(checked.inputs[first]), probes[first].duration)}
        case "options":
            fields = {
                "expected": output_seconds(draft.options, seconds),
                "rate": output_rate(draft.options, probes),
            }
        case "graph":
            fields = {"expected": sum(seconds) or None}
        case "plain":
            pass
    return change(draft, **fields)


def _own(checked: Checked, probes: Sequence[Probe]) -> Flags:
    """The caller's options that are passed on; the steps decide the rest."""
    if checked.virtual:
        return [flag for flag in checked.output if flag[0] not in ("-f", "-map")]
    own = [flag for flag in checked.output if flag[0] != "-f"]
    if checked.format.kind == "audio":
        return [_cover(flag, probes) for flag in own]
    return own


def _cover(flag: tuple[str, str | None], probes: Sequence[Probe]) -> tuple[str, str | None]:
    """-map 1 of a still image, made explicit: its image is wanted, as cover art."""
    name, value = flag
    plain = name == "-map" and value is not None and value.isdigit() and probes[int(value)].still
    return (name, f"{value}:v") if plain else flag


def _damage(probe: Probe) -> Flags:
    """How damage is noticed that decoders do not report, or report too often, beside -xerror.

    A damaged still decodes to gray unless told to explode; video must not be, or recordings that
    begin between key frames fail. A WAV that was piped states no true length, and its last packet
    counts as corrupt.
    """
    if probe.still:
        return [("-err_detect", "explode")]
    if probe.format == "wav":
        return [("-fflags", "+discardcorrupt")]
    return []


def _finish(draft: Draft) -> Plan:
    """The plan that a draft has become."""
    checked = draft.checked
    asks = draft.kind in ("options", "virtual")
    options = [
        *(flag for flag in draft.filters if flag[0] != "-vf"),
        *draft.maps,
        *(flag for flag in draft.filters if flag[0] == "-vf"),
        *draft.copies,
        *draft.video_codec,
        *draft.audio_codec,
        *draft.own,
        *draft.pace,
        *draft.container,
    ]
    streams = list(draft.streams)
    if asks and not streams:
        streams = requested_streams(dict(options), draft)
    output = Output(
        draft.format,
        options,
        0.0 if is_still(draft) and draft.kind != "graph" else draft.expected,
        draft.rate,
        draft.complete,
        streams,
        any(each.action == "copy" and each.why != REQUESTED for each in draft.streams),
    )
    return Plan(
        _source(draft),
        draft.inputs,
        [output],
        None if asks else checked.request.preset,
        joined=draft.joined,
        adds_up=draft.adds_up,
        extras=list(draft.extras),
        texts=draft.texts,
        remotes=checked.remotes,
        notes=list(draft.notes),
        draws_text=_draws_text(checked) or bool(draft.texts),
    )


def _source(draft: Draft) -> Source:
    match draft.kind:
        case "virtual":
            return "virtual_options"
        case "options":
            return "raw_options"
        case _:
            return preset.source(draft.checked)


def _draws_text(checked: Checked) -> bool:
    """Whether a filter of the caller's needs fonts."""
    own = [value or "" for flag, value in checked.output if flag in ("-vf", "-af")]
    trees = [checked.graph, *map(graph.parse, own)]
    return bool(checked.remotes) or any(
        each.name in TEXT_FILTERS for tree in trees for chain in tree for each in chain
    )
