"""Media time as ffmpeg's demuxer shows it packet by packet; no header's length is used."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lib.media.run.ffmpeg import binary


def media_seconds(path: Path) -> float:
    """From the first packet's presentation to the last one's end, of the longest stream."""
    run = subprocess.run(
        [str(binary()), "-v", "error", "-i", str(path), "-map", "0:v?", "-map", "0:a?",
         "-c", "copy", "-copyts", "-f", "framecrc", "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    units: dict[str, float] = {}
    begins: dict[str, float] = {}
    ends: dict[str, float] = {}
    for line in run.stdout.splitlines():
        if line.startswith("#tb "):
            stream, unit = line.removeprefix("#tb ").split(": ")
            denominator, under = unit.split("/")
            units[stream] = int(denominator) / int(under)
        elif not line.startswith("#"):
            stream, _, pts, duration, *_ = (part.strip() for part in line.split(","))
            begin = int(pts) * units[stream]
            begins[stream] = min(begins.get(stream, begin), begin)
            end = begin + int(duration) * units[stream]
            ends[stream] = max(ends.get(stream, end), end)
    return max((ends[stream] - begins[stream] for stream in ends), default=0.0)
