"""The formats, and the ffmpeg that makes them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.media.errors import Refused
from lib.media.formats import FORMATS, lookup
from lib.media.run import ffmpeg


def test_the_sixteen_formats() -> None:
    by_kind = {
        "video": "mp4 webm mov avi",
        "audio": "mp3 m4a aac wav ogg opus flac",
        "image": "jpeg jpg png gif webp",
    }
    by_name = {name: kind for kind, names in by_kind.items() for name in names.split()}
    assert len(by_name) == 16
    assert {name: lookup(name).kind for name in by_name} == by_name
    assert set(FORMATS) == set(by_name) - {"jpg"}


def test_case_and_alias_do_not_matter() -> None:
    assert lookup("MP4") is lookup("mp4")
    assert lookup("JPG") is lookup("jpeg")


@pytest.mark.parametrize("name", ["", "mkv", "mp4 ", "../mp4", "mp\u0664", "x" * 5000])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        lookup(name)
    assert "mp4, webm" in refused.value.refusals[0].instead
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("9.0.2", True), ("9.0.1", False), ("9.0", False), ("9.1", True), ("9.0.10", True),
        ("9.0.2.1", True), ("10.0", True), ("8.1.2", False), ("8.99", False), ("7.1.5", False),
        ("6.1.9", False), ("2.8", False),
    ],
)  # fmt: skip
def test_the_security_floor(version: str, enough: bool) -> None:
    assert ffmpeg.meets_floor(version) is enough


@pytest.fixture
def ffmpeg_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A FFMPEG_PATH for programs of a test's own; what was found out is forgotten after it."""
    program = tmp_path / "ffmpeg"
    monkeypatch.setenv("FFMPEG_PATH", str(program))
    ffmpeg.binary.cache_clear()
    yield program
    monkeypatch.undo()
    ffmpeg.binary.cache_clear()


def states(program: Path, version: str) -> None:
    """Make `program` a stand-in for ffmpeg that states a version."""
    program.write_text(f"#!/bin/sh\necho 'ffmpeg version {version} Copyright (c) 2000-2026'\n")
    program.chmod(0o700)


@pytest.mark.parametrize(
    "version", ["9.0.2", "n9.0.2", "9.0.2-static https://x", "9.1-1+b1", "10.0"]
)
def test_a_recent_ffmpeg_path_is_used(ffmpeg_path: Path, version: str) -> None:
    states(ffmpeg_path, version)
    assert ffmpeg.binary() == ffmpeg_path
    assert ffmpeg.meets_floor(ffmpeg.version())


@pytest.mark.parametrize(
    "version",
    [
        "9.0.1", "n8.1.2", "7.1.5-0+deb13u1", "4.4.2-0ubuntu0.22.04.1",
        # Nightly builds: neither a number of commits nor a date is a release.
        "N-118273-g0a1b2c3d4e", "2026-11-20-git-4d3b2a1-full_build", "git-2026-11-01-abc", "9",
        "9.0.2rc1", "20261101",
    ],
)  # fmt: skip
def test_an_old_or_unknown_ffmpeg_path_is_refused(ffmpeg_path: Path, version: str) -> None:
    states(ffmpeg_path, version)
    with pytest.raises(ffmpeg.FfmpegRefused, match=r"Use release 9\.0\.2 or later"):
        ffmpeg.binary()


def test_an_ffmpeg_path_that_does_not_run_is_refused(ffmpeg_path: Path) -> None:
    with pytest.raises(ffmpeg.FfmpegRefused, match="can't be run"):
        ffmpeg.binary()
    ffmpeg_path.write_text("#!/bin/sh\nexit 1\n")
    ffmpeg_path.chmod(0o700)
    with pytest.raises(ffmpeg.FfmpegRefused, match="can't be run"):
        ffmpeg.binary()


def test_a_worker_with_an_old_ffmpeg_does_not_start(ffmpeg_path: Path) -> None:
    states(ffmpeg_path, "9.0.1")
    ran = subprocess.run(
        [sys.executable, "-m", "local.processes.worker"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().endswith("or leave FFMPEG_PATH empty for the bundled one.")
    assert "Traceback" not in ran.stderr


def test_a_packed_ffmpeg_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    packed = tmp_path / "ffmpeg.gz"
    packed.write_bytes(gzip.compress(b"#!/bin/sh\n"))
    program = ffmpeg._unpacked(packed)
    assert program.read_bytes() == b"#!/bin/sh\n"
    assert os.access(program, os.X_OK)
    result = program.stat().st_mtime_ns
    assert ffmpeg._unpacked(packed) == program
    assert program.stat().st_mtime_ns == result
