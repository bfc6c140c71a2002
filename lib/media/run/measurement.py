"""Measures media time with ffmpeg: how far an input was read, and how long an output is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from lib.media.errors import Canceled, MediaError
from lib.media.model import Probe
from lib.media.plan import metering
from lib.media.plan.guards import guards, ports, remote
from lib.media.plan.metering import Counts, Reading
from lib.media.plan.model import Plan
from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from lib.media.run.progress import Clock
from lib.media.run.runner import Outcome
from lib.media.run.sandbox import Limits

MEMORY_BYTES = 1024**3
JUMP = 2
"""How many times the length that was expected makes a sound's timestamps doubtful."""


def charged_seconds(
    plan: Plan,
    outcome: Outcome,
    places: Sequence[Path | str],
    probes: Sequence[Probe],
    output: Path,
    *,
    seconds: float,
    canceled: Callable[[], bool] = lambda: False,
) -> float:
    """The larger of what a run read and what it made; each look may take `seconds`.

    Raises Canceled.
    """
    output_length = output_seconds(plan, outcome, output, seconds=seconds, canceled=canceled)
    # Joined packets get their times from the headers' lengths, which may be forged.
    doubtful = plan.joined and not (outcome.output.counted and plan.output.rate)
    read = read_seconds(
        metering.whole(probes) if doubtful else metering.readings(plan, probes),
        outcome.packets,
        places,
        folder=output.parent,
        seconds=seconds,
        canceled=canceled,
    )
    return round(metering.charged(plan, probes, output_length, read), 3)


def read_seconds(
    readings: Sequence[Reading],
    counts: Counts | None,
    places: Sequence[Path | str],
    *,
    folder: Path,
    seconds: float,
    canceled: Callable[[], bool],
) -> list[float]:
    """The media time that was read of each input; `counts` is what ffmpeg reported of it.

    The inputs are demuxed again, up to where they were read; nothing is decoded. What can't be
    measured to its end counts as far as it was measured, or as its header says, whichever is
    longer. Raises Canceled, MediaError.
    """
    return [
        _read(each, counts, places[each.number], folder, seconds, canceled) for each in readings
    ]


def output_seconds(
    plan: Plan, outcome: Outcome, output: Path, *, seconds: float, canceled: Callable[[], bool]
) -> float:
    """The length of the output, without what its first frame is shifted from zero.

    Raises Canceled.
    """
    length = outcome.output.duration_seconds
    if not length:
        return length
    if metering.may_shift(plan):
        maps = ["-map", "0:v?", "-map", "0:a?"]
        passed = _demux(output, [], maps, output.parent, seconds, canceled)
        length = min(length, passed.seconds) if passed.complete and passed.seconds else length
    if (
        plan.output.copies
        and not plan.output.copies_video
        and length > JUMP * (plan.output.expected_seconds or 0)
    ):
        # Copied packets keep their timestamps, which may jump: the samples are counted.
        passed = _demux(output, [], _SAMPLES, output.parent, seconds, canceled, decoding=True)
        length = min(length, passed.seconds) if passed.complete and passed.seconds else length
    if not outcome.output.counted:
        length = metering.exact(length, _stated(output))
    return length


_SAMPLES = ["-map", "0:a:0", "-af", "asetpts=N/SR/TB"]


def _stated(output: Path) -> float:
    """The length in the header of a file that we wrote; 0 for none."""
    try:
        return probe(output).duration or 0.0
    except MediaError:
        return 0.0


class _Pass(msgspec.Struct, frozen=True):
    """How far ffmpeg came through a file, and whether it came to its end."""

    seconds: float
    frames: int
    complete: bool


def _read(
    reading: Reading,
    counts: Counts | None,
    place: Path | str,
    folder: Path,
    seconds: float,
    canceled: Callable[[], bool],
) -> float:
    maps = ["-map", "0:v?", "-map", "0:a?"]
    repeats = bool({"-stream_loop", "-ignore_loop"} & set(dict(reading.flags)))
    if counts is None and repeats:
        raise MediaError("validation", _NOT_MEASURED)
    if counts is not None:
        used = {
            stream: packets.used
            for (number, stream), packets in sorted(counts.items())
            if number == reading.number and packets.used
        }
        if not used or (reading.still and max(used.values()) <= 1):
            return 0.0
        maps = []
        for output, (stream, number) in enumerate(used.items()):
            maps += ["-map", f"0:{stream}", f"-frames:{output}", str(number)]
    flags = _flat(reading)
    passed = _demux(place, flags, maps, folder, seconds, canceled)
    if reading.still and passed.complete and passed.frames <= 1:
        return 0.0
    begin = metering.begin_seconds(reading)
    stated = max(0.0, reading.header_seconds - begin)
    if not passed.complete:
        length = max(stated, passed.seconds)
    else:
        counted = passed.frames / reading.rate if reading.rate and not begin else 0.0
        length = metering.exact(passed.seconds, counted, stated)
    if not reading.rate and not repeats and length > JUMP * stated + JUMP:
        # So far from what the header says, the times of packets may jump: samples do not.
        passed = _demux(place, flags, _SAMPLES, folder, seconds, canceled, decoding=True)
        length = min(length, passed.seconds) if passed.complete and passed.seconds else length
    return length if reading.limit is None else min(length, reading.limit)


_NOT_MEASURED = (
    "How often the input was repeated can't be measured: its tags imitate ffmpeg's own report."
    " Remove the tags from the file, or leave -stream_loop and -ignore_loop out."
)


def _demux(
    place: Path | str,
    flags: list[str],
    maps: list[str],
    folder: Path,
    seconds: float,
    canceled: Callable[[], bool],
    *,
    decoding: bool = False,
) -> _Pass:
    """Read the packets of a file."""
    where = place if remote(place) else Path(place).absolute()
    clock = Clock()
    finished = sandbox.run(
        [str(binary()), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error",
         "-progress", "pipe:1", *guards(where), *flags, "-i", str(where), *maps,
         *([] if decoding else ["-c", "copy", "-copyinkf"]), "-f", "null", "-"],
        folder=folder,
        readable=[where] if isinstance(where, Path) else [],
        limits=Limits(seconds, max(1, int(seconds)), 0, MEMORY_BYTES),
        on_line=clock.line,
        connect=ports(where),
        canceled=canceled,
    )  # fmt: skip
    if finished.canceled:
        raise Canceled
    return _Pass(clock.seconds, clock.frames, finished.returncode == 0)


def _flat(reading: Reading) -> list[str]:
    return [part for flag, value in reading.flags for part in (flag, value) if part is not None]
