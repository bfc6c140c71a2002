"""What people post for n8n, Make and Rendi runs, and makes what the same command by hand makes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from lib.media.model import Probe
from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from tests.rigs.workflows.workflows import (
    Expected,
    Workflow,
    load,
    make_fixtures,
    run_by_hand,
    run_ours,
)

WORKFLOWS = load()
TILE = 16
"""Pixels a side to which pictures are shrunk to see whether they show anything."""
FLAT = 12
"""A picture is flat whose brightest and darkest pixels differ by less."""
LATE = 2.0
"""Seconds by which ffmpeg may pass the end of the shortest stream when -shortest is the only limit.
"""
QUIETEST = -60.0
"""Decibels of the loudest sample below which a sound counts as silence."""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the files that all workflows begin with."""
    return make_fixtures(tmp_path_factory.mktemp("workflows"))


@pytest.fixture(scope="session")
def probes(source: Path) -> dict[str, Probe]:
    """What those files hold, by name."""
    return {path.name: probe(path) for path in source.iterdir() if path.suffix != ".srt"}


def test_there_are_a_hundred_and_each_says_what_comes_of_it() -> None:
    assert len(WORKFLOWS) >= 100
    assert len({each.name for each in WORKFLOWS}) == len(WORKFLOWS)
    for each in WORKFLOWS:
        assert each.goal, each.name
        assert each.expect.codec_video or each.expect.codec_audio, each.name
        assert each.expect.width or each.expect.seconds, each.name
        assert "{output}" in each.command, each.name
        for number in range(len(each.inputs)):
            assert f"{{input{number}}}" in each.command, each.name


@pytest.mark.slow
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=[each.name for each in WORKFLOWS])
def test_it_makes_what_the_command_by_hand_makes(
    workflow: Workflow, source: Path, probes: dict[str, Probe], tmp_path: Path
) -> None:
    result = [probes[each.file] for each in workflow.inputs]
    with ThreadPoolExecutor(1) as pool:
        by_hand = pool.submit(run_by_hand, workflow, source, tmp_path)
        ours = run_ours(workflow, source, tmp_path, result).path
    _fits(ours, workflow.expect)
    hand = by_hand.result().path
    _fits(hand, workflow.expect, slack=LATE)
    ratio = ours.stat().st_size / hand.stat().st_size
    assert 0.5 <= ratio <= 1.6, "about as large as by hand"
    seen = _compare(ours, hand, workflow.expect)
    if workflow.expect.has_video:
        assert seen.likeness >= workflow.expect.likeness
        assert seen.flat <= 0.5, "the image shows something"
    if workflow.expect.has_audio:
        assert max(seen.mean) - min(seen.mean) <= 1
        assert (max(seen.loudest) < QUIETEST) == workflow.expect.silent


def _fits(path: Path, expected: Expected, slack: float = 0) -> None:
    """The file is what was expected, as its probe tells; `slack` in seconds of its length."""
    media = probe(path)
    assert expected.container in media.format.split(",")
    assert (media.video is not None, media.audio is not None) == (
        expected.has_video,
        expected.has_audio,
    )
    if media.video:
        assert media.video.codec == expected.codec_video
        assert (media.video.width, media.video.height) == (
            expected.width,
            expected.height,
        )
        assert expected.fps is None or media.video.fps == pytest.approx(expected.fps, abs=0.02)
        assert expected.pixel_format in (None, media.video.pixel_format)
    if media.audio:
        assert media.audio.codec == expected.codec_audio
        assert expected.sample_rate in (None, media.audio.sample_rate)
        assert expected.channels in (None, media.audio.channels)
    if expected.seconds is not None:
        assert media.duration == pytest.approx(expected.seconds, abs=expected.within + slack)
    if expected.tags:
        tags = _tags(path)
        assert {key: tags.get(key, "") for key in expected.tags} == expected.tags


class _Seen(NamedTuple):
    """How two files compare."""

    likeness: float = 0
    """Peak signal-to-noise ratio of the pictures, in decibels; infinite for the same pixels."""
    flat: float = 0
    """Share of the first file's frames that show one color."""
    mean: Sequence[float] = ()
    loudest: Sequence[float] = ()
    """Decibels of both sounds, in no order: the mean level, and that of the loudest sample."""


def _compare(ours: Path, hand: Path, expected: Expected) -> _Seen:
    pictures = [
        "-filter_complex",
        f"[0:v]split[whole][tile];[whole][1:v]psnr=shortest=1,nullsink;"
        f"[tile]scale={TILE}:{TILE},format=gray[out]",
        "-map", "[out]", "-f", "rawvideo", "pipe:1",
    ]  # fmt: skip
    sounds = ["-map", "0:a", "-map", "1:a", "-af", "volumedetect", "-f", "null", "-"]
    finished = subprocess.run(
        [
            str(binary()), "-hide_banner", "-nostdin", "-nostats", "-i", str(ours),
            "-i", str(hand), *(pictures if expected.has_video else []),
            *(sounds if expected.has_audio else []),
        ],
        capture_output=True,
        check=True,
    )  # fmt: skip
    report = finished.stderr.decode(errors="replace")
    pixels = finished.stdout
    frames = [pixels[at : at + TILE**2] for at in range(0, len(pixels), TILE**2)]
    likeness = re.search(r"PSNR .*average:(\S+)", report)
    mean = [float(each) for each in re.findall(r" mean_volume: (\S+) dB", report)]
    loudest = [float(each) for each in re.findall(r" max_volume: (\S+) dB", report)]
    return _Seen(
        float(likeness[1]) if likeness else 0,
        sum(max(each) - min(each) < FLAT for each in frames) / len(frames) if frames else 0,
        mean,
        loudest,
    )


def _tags(path: Path) -> dict[str, str]:
    """The tags of a file."""
    listed = subprocess.run(
        [str(binary()), "-loglevel", "error", "-i", str(path), "-f", "ffmetadata", "-"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return dict(
        line.split("=", 1) for line in listed.splitlines() if "=" in line and line[0] != ";"
    )
