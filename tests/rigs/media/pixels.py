"""Frames as pixels: what a job drew, and where."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lib.media.model import Probe
from lib.media.plan.planner import make_plan
from lib.media.request.check import check
from lib.media.request.models import Checked
from lib.media.run import subtitles
from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from lib.media.run.runner import run
from tests.rigs.media.plans import LIMITS, MACHINE, ask, options

Color = tuple[int, int, int]
SEEN = 40
"""A channel that differs by more has changed; less may come of coding and of soft edges."""


class Box(NamedTuple):
    """A part of a picture; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


class Frame(NamedTuple):
    """A picture: three bytes a pixel, row after row."""

    width: int
    height: int
    data: bytes

    def at(self, x: int, y: int) -> Color:
        """The color of a pixel."""
        start = 3 * (y * self.width + x)
        return self.data[start], self.data[start + 1], self.data[start + 2]

    def changed(self, before: Frame, seen: int = SEEN) -> set[tuple[int, int]]:
        """The places (x, y) whose color is not the same as before."""
        assert (self.width, self.height) == (before.width, before.height)
        matches: set[tuple[int, int]] = set()
        row = 3 * self.width
        for y in range(self.height):
            new, old = self.data[y * row : (y + 1) * row], before.data[y * row : (y + 1) * row]
            if new != old:
                matches |= {
                    (at // 3, y)
                    for at, (one, other) in enumerate(zip(new, old, strict=True))
                    if abs(one - other) > seen
                }
        return matches

    def drawn(self, before: Frame) -> Box:
        """The box around all that has changed. Fails when nothing has."""
        box = self.changed(before)
        assert box, "nothing was drawn"
        across, down = {x for x, _ in box}, {y for _, y in box}
        return Box(min(across), min(down), max(across) + 1, max(down) + 1)

    def count(self, color: Color, near: int = 60) -> int:
        """How many pixels have a color, or almost."""
        cells = zip(self.data[::3], self.data[1::3], self.data[2::3], strict=True)
        return sum(
            all(abs(one - other) <= near for one, other in zip(cell, color, strict=True))
            for cell in cells
        )

    def lines(self, before: Frame) -> list[tuple[int, int]]:
        """The bands of rows in which something has changed: first row, first row after it."""
        rows = sorted({y for _, y in self.changed(before)})
        bands: list[tuple[int, int]] = []
        for row in rows:
            if bands and bands[-1][1] == row:
                bands[-1] = (bands[-1][0], row + 1)
            else:
                bands.append((row, row + 1))
        return bands


def frame(path: Path, at: float | None = None) -> Frame:
    """The first frame of a file, or the one shown at a time in seconds."""
    facts = look(path).video
    assert facts is not None
    turned = facts.rotation in (90, 270)
    width, height = (facts.height, facts.width) if turned else (facts.width, facts.height)
    seek = ["-ss", str(at)] if at is not None else []
    data = subprocess.run(
        [str(binary()), "-loglevel", "error", "-nostdin", *seek, "-i", str(path), "-frames:v", "1",
         "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    assert len(data) == 3 * width * height, f"there is no frame at {at}"
    return Frame(width, height, data)


def look(path: Path) -> Probe:
    """What is in a file; a file that stays the same is looked into once."""
    return _look(path, path.stat().st_mtime_ns)


@cache
def _look(path: Path, changed_at: int) -> Probe:
    return probe(path)


def job(
    folder: Path,
    sources: Path | Sequence[Path],
    *pairs: tuple[str, Any] | str,
    output_format: str = "png",
    files: Mapping[str, bytes] | None = None,
    **fields: Any,
) -> Path:
    """Run a job with options; its output. `files` are what the addresses in options lead to."""
    paths = [sources] if isinstance(sources, Path) else list(sources)
    checked = check(ask(output_format, len(paths), options=options(*pairs), **fields))
    bring(checked, files or {}, folder)
    output = folder / f"output.{checked.format.extension}"
    run(
        make_plan(checked, [look(path) for path in paths], MACHINE), paths, output,
        limits=LIMITS, on_progress=lambda percent: None, canceled=lambda: False,
    )  # fmt: skip
    return output


def bring(checked: Checked, files: Mapping[str, bytes], folder: Path) -> None:
    """Put the files that a request names besides its inputs where a worker puts them."""
    for remote in checked.remotes:
        place = folder / remote.name
        if remote.kind == "image":
            place.write_bytes(files[remote.url])
        else:
            written = place.with_suffix(".source")
            written.write_bytes(files[remote.url])
            subtitles.rewrite(written, place)


def drawn(folder: Path, sources: Path | Sequence[Path], *pairs: Any, **fields: Any) -> Frame:
    """The image that a job makes."""
    return frame(job(folder, sources, *pairs, **fields))


def overlay(folder: Path, source: Path, text: str, **style: Any) -> Frame:
    """A picture with words over it."""
    return drawn(folder, source, ("@text-overlay", {"text": text, "style": style}))
