"""Inputs by URL over a line of 12.5 MB/s, against fetching them first, and against the line."""

from __future__ import annotations

import statistics
import subprocess
import time
from functools import partial
from pathlib import Path

from bench.rigs import engine
from bench.rigs.link import Link
from bench.rows import Row, timed
from lib.media.plan.argv import argv
from lib.media.run import ffmpeg

ROUNDS = 5
TRANSCODES = 7
"""The encoder fills all cores, so it meets whatever else runs; the line does not."""


def urls(folder: Path) -> list[Row]:
    """Thumbnails of a file with its index first and last, and a transcode of the whole."""
    served, work = folder / "served", folder / "work"
    served.mkdir()
    work.mkdir()
    _films(served)
    with Link(served) as link, engine.reaching(link.port):
        return [*_thumbnails(link, served, work), _transcode(link, served, work)]


def _thumbnails(link: Link, served: Path, work: Path) -> list[Row]:
    """A picture at 30 s, fetched by ranges; the whole takes so long that it is fetched once."""
    rows = []
    whole = work / "whole.mp4"
    fetching = timed(lambda: link.download("first.mp4", whole))
    for name, where in (("first.mp4", "first"), ("last.mp4", "last")):
        path = served / name
        picture = ["-ss", "30", "-i", str(path), "-frames:v", "1", str(work / "by-hand.jpg")]
        by_hand = fetching + timed(partial(_ffmpeg, *picture))
        body = {
            "inputs": [{"url": link.url(name)}],
            "outputFormat": "jpeg",
            "options": [{"option": "@thumbnail", "argument": {"at": 30}}],
        }
        before = link.counts()
        times = [timed(partial(engine.from_urls, body)) for _ in range(ROUNDS)]
        after = link.counts()
        seconds = statistics.median(times)
        size = path.stat().st_size
        sent_bytes = (after.sent_bytes - before.sent_bytes) / ROUNDS
        requests = (after.requests - before.requests) / ROUNDS
        what = f"thumbnail at 30 s of {size / 1e6:.0f} MB by URL, index {where}"
        rows += [
            Row(
                f"{what}, median of {ROUNDS}", f"{seconds:.2f} s",
                f"fetched first {by_hand:.1f} s", seconds / by_hand, 1 / 20,
            ),
            Row(
                f"{what}: bytes", f"{sent_bytes / 1e6:.1f} MB, {requests:.1f} requests",
                f"the file {size / 1e6:.0f} MB", sent_bytes / size, 0.05,
            ),
        ]  # fmt: skip
    return rows


def _transcode(link: Link, served: Path, work: Path) -> Row:
    """The whole of a film, encoded while it arrives, against its arrival and its encoding alone."""
    film = served / "film.mp4"
    body = {
        "inputs": [{"url": link.url(film.name)}],
        "outputFormat": "mp4",
        "preset": {"quality": "medium", "resolution": "480p"},
    }
    through, arriving, encoding = [], [], []
    for number in range(TRANSCODES):
        began = time.perf_counter()
        plan, _ = engine.from_urls(body)
        through.append(time.perf_counter() - began)
        if number in (0, TRANSCODES - 1):
            arriving.append(timed(lambda: link.download(film.name, work / "whole.mp4")))
        command = argv(plan, [film], work / "by-hand.mp4")
        encoding.append(timed(partial(_ffmpeg, *command)))
    seconds, line, encoder = map(min, (through, arriving, encoding))
    return Row(
        f"{film.stat().st_size / 1e6:.0f} MB by URL to 480p, best of {TRANSCODES}",
        f"{seconds:.2f} s",
        f"the line alone {line:.2f} s, ffmpeg alone {encoder:.2f} s",
        seconds / max(line, encoder), 1.15,
    )  # fmt: skip


def _films(served: Path) -> None:
    """About 200 MB of 1080p, key frames 1.92 s apart and none at 30 s; 50 MB of 720p.

    The latter's size was chosen so that two cores take about as long for it as the line.
    """
    long, short = served / "long.mp4", served / "short.mp4"
    _noise(long, "1920x1080", "10M")
    _noise(short, "1280x720", "22M")
    for path, count, layout, name in (
        (long, 17, [], "last.mp4"),
        (long, 17, ["-movflags", "+faststart"], "first.mp4"),
        (short, 2, ["-movflags", "+faststart"], "film.mp4"),
    ):
        looped = ["-stream_loop", str(count - 1), "-i", str(path), "-c", "copy"]
        _ffmpeg(*looped, *layout, str(served / name))


def _noise(path: Path, size: str, rate: str) -> None:
    """9.6 s of what a camera sees at so many bits a second."""
    _ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=9.6,noise=alls=12:allf=t",
        "-f", "lavfi", "-i", "sine=d=9.6:r=48000",
        "-c:v", "libx264", "-preset", "ultrafast", "-b:v", rate, "-maxrate", rate,
        "-bufsize", rate, "-g", "48", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path),
    )  # fmt: skip


def _ffmpeg(*arguments: str) -> None:
    command = [str(ffmpeg.binary()), "-loglevel", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
