"""What a job will cost and which lane it takes, before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lib.media.formats import animated, single
from lib.media.model import Probe
from lib.media.plan import metering
from lib.media.plan.lengths import STILL_SECONDS, span
from lib.media.request import values, virtual
from lib.media.request.models import Checked
from lib.media.request.policy import SOURCES

LONG_SECONDS = 120
HEAVY_PIXELS = 5 * 3840 * 2160


def billable_seconds(checked: Checked, probes: Sequence[Probe | None]) -> float | None:
    """What a job will be charged for, as far as that can be said before it runs.

    The larger of what the request reads, by what the files' headers state, and what it says it
    makes. What is charged is measured when the job ends (see `metering`). None while the length of
    a file that counts is not known.
    """
    output = [*checked.output, *_trimmed(checked).items()]
    keeps = metering.keeps_time(checked.inputs, output, probes) and not _changes_time(checked)
    output_seconds = _generated_seconds(checked, probes, dict(output))
    if _is_picture(checked):
        if keeps:
            return metering.picture_seconds([probe for probe in probes if probe])
        output_seconds = 0.0
    requested = dict(output) if keeps else {}
    total = 0.0
    for flags, probe in zip(checked.inputs, probes, strict=True):
        if probe is not None and probe.still:
            continue
        left = _read_seconds(dict(flags), probe, requested)
        if left is None:
            return None
        total += left
    return max(total + _shown_seconds(checked, probes), _slowed(checked, total), output_seconds)


def lane(checked: Checked, probes: Sequence[Probe | None]) -> Literal["short", "long", "heavy"]:
    """The lane of a job (docs/contract.md, section 4.2): heavy for several inputs of many pixels,
    long for over two minutes of media, else short.
    """
    pixels = sum(
        probe.video.width * probe.video.height for probe in probes if probe and probe.video
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


def _read_seconds(
    options: dict[str, str | None], probe: Probe | None, requested: dict[str, str | None]
) -> float | None:
    """What -ss, -t and -to leave of an input, in its own time; `requested` are the output's."""
    length = probe.duration if probe is not None else None
    if options.get("-stream_loop", "0") != "0":
        repeats = int(options["-stream_loop"] or 0) + 1
        length = None if length is None else length * repeats if repeats else float("inf")
    left = span(requested, span({**options, **_in_its_own_time(options)}, length))
    return None if left == float("inf") else left


def _in_its_own_time(options: dict[str, str | None]) -> dict[str, str | None]:
    """-t and -to of an input as a length in the input's own time; none where there is no such."""
    if not {"-t", "-to"} & set(options):
        return {}
    seconds = metering.requested_seconds(list(options.items()))
    return {"-t": "9999999" if seconds is None else f"{seconds:.6f}"}


def _generated_seconds(
    checked: Checked, probes: Sequence[Probe | None], output: dict[str, str | None]
) -> float:
    """What a request says that it makes out of stills, repeats and filters that need no input."""
    stills = [
        dict(flags)
        for flags, probe in zip(checked.inputs, probes, strict=True)
        if probe is not None and probe.still
    ]
    looped = [still for still in stills if still.get("-loop") == "1"]
    endless = looped or any(("-stream_loop", "-1") in flags for flags in checked.inputs)
    sources = [each for chain in checked.graph for each in chain if each.name in SOURCES]
    seconds = max((_seconds(still.get("-t")) for still in looped), default=0.0)
    seconds = max([seconds, *(_source_seconds(dict(each.options)) for each in sources)])
    if endless or sources:
        limit = span(output, None)
        seconds = limit if seconds == 0 and limit is not None else min(seconds, limit or seconds)
    return seconds


def _shown_seconds(checked: Checked, probes: Sequence[Probe | None]) -> float:
    """How long stills are shown that a preset or the defaults make a video of."""
    if checked.request.options or checked.graph or checked.format.kind != "video":
        return 0.0
    return sum(
        _seconds(dict(flags).get("-t") or str(STILL_SECONDS))
        for flags, probe in zip(checked.inputs, probes, strict=True)
        if probe is not None and probe.still
    )


def _source_seconds(options: dict[str | None, str]) -> float:
    """The length that a source such as testsrc2 is given; 0 for none."""
    return _seconds(options.get("duration") or options.get("d"))


def _seconds(text: str | None) -> float:
    try:
        return values.seconds(text) if text else 0.0
    except ValueError:  # an expression
        return 0.0


def _is_picture(checked: Checked) -> bool:
    frames = dict(checked.output).get("-frames:v", "1")
    return single(checked.format) and frames == "1" and not animated(checked.format, checked.output)


def _changes_time(checked: Checked) -> bool:
    """Whether a virtual option or the graph reads more than it shows, or at another pace."""
    graphs = [("-filter_complex", checked.filters)] if checked.graph else []
    return any(
        isinstance(each, virtual.Speed)
        or (isinstance(each, virtual.Thumbnail) and each.count is not None)
        for each in checked.virtual
    ) or not metering.keeps_time([], graphs, [])


def _slowed(checked: Checked, seconds: float) -> float:
    """How long `seconds` last after @speed."""
    for each in checked.virtual:
        if isinstance(each, virtual.Speed):
            seconds /= each.factor
    return seconds
