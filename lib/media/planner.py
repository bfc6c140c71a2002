"""From a checked request and what its files hold to a plan, a price and a lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lib.media import virtual
from lib.media.plan import Machine, Plan, single, span
from lib.media.presets import (
    copied_join_plan,
    joined_plan,
    may_join_copied,
    single_plan,
)  # fmt: skip
from lib.media.probe import Probe
from lib.media.raw import filter_plan, raw_plan
from lib.media.request import Checked

LONG_SECONDS = 120
HEAVY_PIXELS = 5 * 3840 * 2160


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
    machine = machine or Machine()
    if checked.request.options:
        return _thumbnailed(raw_plan(checked, probes, machine), checked, probes)
    if checked.graph:
        return filter_plan(checked, probes, machine)
    if len(probes) > 1 and not single(checked.format):
        if coded_alike and may_join_copied(checked, probes):
            return copied_join_plan(checked, probes)
        return joined_plan(checked, probes, machine)
    return single_plan(checked, probes, machine)


def wants_fingerprints(checked: Checked, probes: Sequence[Probe]) -> bool:
    """Whether it is worth looking if the inputs are coded alike, to join them as they are."""
    return not checked.request.options and not checked.graph and may_join_copied(checked, probes)


def billable_seconds(checked: Checked, probes: Sequence[Probe | None]) -> float | None:
    """Seconds of input that count: what -ss, -t and -to leave of each, stills nothing, summed.

    None while the length of a file that counts is not known.
    """
    output = dict(checked.output) | _trimmed(checked)
    total = 0.0
    for flags, found in zip(checked.inputs, probes, strict=True):
        if found is not None and found.still:
            continue
        given = dict(flags)
        length = found.duration if found is not None else None
        if given.get("-stream_loop", "0") != "0":
            repeats = int(given["-stream_loop"] or 0) + 1
            length = None if length is None else length * repeats if repeats else float("inf")
        left = span(output, span(given, length))
        if left is None or left == float("inf"):
            return None
        total += left
    return total


def lane(checked: Checked, probes: Sequence[Probe | None]) -> Literal["short", "long", "heavy"]:
    """The contract's lane: heavy for many large pictures, long over two minutes, else short."""
    pixels = sum(
        found.video.width * found.video.height for found in probes if found and found.video
    )
    if len(probes) > 1 and pixels > HEAVY_PIXELS:
        return "heavy"
    return "long" if (billable_seconds(checked, probes) or 0) > LONG_SECONDS else "short"


def _trimmed(checked: Checked) -> dict[str, str | None]:
    """@trim as the flags it stands for."""
    flags: dict[str, str | None] = {}
    for each in checked.virtual:
        if isinstance(each, virtual.Trim):
            start = virtual.moment(each.start)
            flags["-ss"] = f"{start:g}"
            if each.end is not None:
                flags["-t"] = f"{virtual.moment(each.end) - start:g}"
            elif each.duration is not None:
                flags["-t"] = f"{virtual.moment(each.duration):g}"
    return flags


def _thumbnailed(plan: Plan, checked: Checked, probes: Sequence[Probe]) -> Plan:
    """Seek to the moment of a thumbnail before anything is read."""
    for each in checked.virtual:
        if isinstance(each, virtual.Thumbnail) and each.count is None and not probes[0].still:
            length = probes[0].duration or 0.0
            if isinstance(each.at, str) and each.at.endswith("%"):
                moment = length * float(each.at[:-1]) / 100
            else:
                moment = virtual.moment(each.at) if each.at is not None else length / 10
            if length:
                moment = min(moment, max(0.0, length - _last_frame(plan, probes[0])))
            if moment and "-ss" not in dict(plan.inputs[0]):
                plan.inputs[0] = [("-ss", f"{moment:.3f}"), *plan.inputs[0]]
    return plan


def _last_frame(plan: Plan, found: Probe) -> float:
    """How long before the end the last frame surely lies."""
    return 2 / (plan.rate or (found.video.fps if found.video else 0) or 25)
