"""Measures media time with ffmpeg: how far an input was read, and how long an output is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lib.media import cage, metering
from lib.media.cage import Limits
from lib.media.errors import Canceled
from lib.media.ffmpeg import binary
from lib.media.metering import Counts, Reading
from lib.media.plan import Plan
from lib.media.probe import Probe, guards, ports, remote
from lib.media.progress import Clock
from lib.media.run import Outcome

MEMORY_BYTES = 1024**3


def charged_seconds(
    plan: Plan,
    outcome: Outcome,
    places: Sequence[Path | str],
    probes: Sequence[Probe],
    output: Path,
    *,
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """The larger of what a run read and what it made; each look may take `seconds`.

    Raises Canceled.
    """
    made = made_seconds(
        plan, outcome.duration_seconds, output, seconds=seconds, cancelled=cancelled
    )
    read = read_seconds(
        metering.readings(plan, probes),
        outcome.packets,
        places,
        folder=output.parent,
        seconds=seconds,
        cancelled=cancelled,
    )
    return round(metering.charged(plan, probes, made, read), 3)


def read_seconds(
    readings: Sequence[Reading],
    counts: Counts | None,
    places: Sequence[Path | str],
    *,
    folder: Path,
    seconds: float,
    cancelled: Callable[[], bool],
) -> list[float]:
    """The media time that was read of each input; `counts` is what ffmpeg reported of it.

    The inputs are demuxed once more, as far as they were read; nothing is decoded. What can't be
    measured counts as its header says. Raises Canceled.
    """
    return [
        _read(each, counts, places[each.number], folder, seconds, cancelled) for each in readings
    ]


def made_seconds(
    plan: Plan, length: float, output: Path, *, seconds: float, cancelled: Callable[[], bool]
) -> float:
    """The length of the output, without what its first frame is shifted from zero.

    `length` is what ffmpeg's clock showed at the end. Raises Canceled.
    """
    if not length or not metering.may_shift(plan):
        return length
    clock = _demux(output, [], ["-map", "0:v?", "-map", "0:a?"], output.parent, seconds, cancelled)
    return min(length, clock.seconds) if clock and clock.seconds else length


def _read(
    reading: Reading,
    counts: Counts | None,
    place: Path | str,
    folder: Path,
    seconds: float,
    cancelled: Callable[[], bool],
) -> float:
    maps = ["-map", "0:v?", "-map", "0:a?"]
    frames = 0
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
    clock = _demux(place, _flat(reading), maps, folder, seconds, cancelled)
    if clock is None:
        length = reading.header_seconds
    else:
        frames = clock.frames
        begins_at_zero = not {"-ss", "-sseof"} & set(dict(reading.flags))
        length = metering.exact(clock.seconds, frames, reading.rate if begins_at_zero else 0.0)
    if reading.still and frames <= 1:
        return 0.0
    return length if reading.limit is None else min(length, reading.limit)


def _demux(
    place: Path | str,
    flags: list[str],
    maps: list[str],
    folder: Path,
    seconds: float,
    cancelled: Callable[[], bool],
) -> Clock | None:
    """ffmpeg's clock after the packets of a file were read; None when that failed."""
    where = place if remote(place) else Path(place).absolute()
    clock = Clock()
    finished = cage.run(
        [str(binary()), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error",
         "-progress", "pipe:1", *guards(where), *flags, "-i", str(where), *maps,
         "-c", "copy", "-copyinkf", "-f", "null", "-"],
        folder=folder,
        readable=[where] if isinstance(where, Path) else [],
        limits=Limits(seconds, max(1, int(seconds)), 0, MEMORY_BYTES),
        on_line=clock.line,
        connect=ports(where),
        cancelled=cancelled,
    )  # fmt: skip
    if finished.canceled:
        raise Canceled
    return clock if finished.returncode == 0 else None


def _flat(reading: Reading) -> list[str]:
    return [part for flag, value in reading.flags for part in (flag, value) if part is not None]
