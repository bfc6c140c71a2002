"""The formats, and the ffmpeg that makes them."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

import pytest

from lib.media import ffmpeg
from lib.media.errors import Refused
from lib.media.formats import FORMATS, lookup


def test_the_sixteen_formats() -> None:
    by_kind = {
        "video": "mp4 webm mov avi",
        "audio": "mp3 m4a aac wav ogg opus flac",
        "image": "jpeg jpg png gif webp",
    }
    named = {name: kind for kind, names in by_kind.items() for name in names.split()}
    assert len(named) == 16
    assert {name: lookup(name).kind for name in named} == named
    assert set(FORMATS) == set(named) - {"jpg"}


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
        ("7.0.2", False), ("7.1.4", False), ("7.1.5", True), ("7.2", True), ("8.0.2", False),
        ("8.0.3", True), ("8.1", False), ("8.1.1", False), ("8.1.2", True), ("8.2", True),
        ("9.0.2", True), ("6.1.9", False), ("10.0", True),
    ],
)  # fmt: skip
def test_the_security_floor(version: str, enough: bool) -> None:
    assert ffmpeg.meets_floor(version) is enough


def test_our_ffmpeg_is_above_the_floor() -> None:
    assert ffmpeg.meets_floor(ffmpeg.version()), ffmpeg.version()


def test_a_packed_ffmpeg_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    packed = tmp_path / "ffmpeg.gz"
    packed.write_bytes(gzip.compress(b"#!/bin/sh\n"))
    program = ffmpeg._unpacked(packed)
    assert program.read_bytes() == b"#!/bin/sh\n"
    assert os.access(program, os.X_OK)
    made = program.stat().st_mtime_ns
    assert ffmpeg._unpacked(packed) == program
    assert program.stat().st_mtime_ns == made
