"""Plans run by the real ffmpeg: every format, joined inputs, damage, limits, cancel."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.media.errors import Canceled, MediaError
from lib.media.formats import FORMATS
from lib.media.run.probe import probe
from lib.media.run.runner import Limits, run
from tests.rigs.media.plans import LIMITS, ask, options, planned, transcode

Make = Callable[..., Path]

EXPECTED = {
    "mp4": ("h264", "aac"), "webm": ("vp9", "opus"), "mov": ("h264", "aac"),
    "avi": ("mpeg4", "mp3"), "mp3": (None, "mp3"), "m4a": (None, "aac"), "aac": (None, "aac"),
    "wav": (None, "pcm_s16le"), "ogg": (None, "vorbis"), "opus": (None, "opus"),
    "flac": (None, "flac"), "jpeg": ("mjpeg", None), "png": ("png", None), "gif": ("gif", None),
    "webp": ("webp", None),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(tmp_path: Path, clip: Path, name: str) -> None:
    preset = {"quality": "medium", "resolution": "1080p"}  # as the n8n node always sends
    media, outcome, output = transcode(tmp_path, [clip], name, preset=preset)
    codecs = (
        media.video.codec if media.video else None,
        media.audio.codec if media.audio else None,
    )
    assert codecs == EXPECTED[name]
    still = FORMATS[name].kind == "image" and name != "gif"
    assert media.still is still
    seconds = 0.0 if still else 2.0
    assert outcome.output.duration_seconds == pytest.approx(seconds, abs=0.05)
    assert media.duration == pytest.approx(seconds, abs=0.1)
    if media.video:
        assert (media.video.width, media.video.height) == (320, 180)
    assert outcome.output.size_bytes == output.stat().st_size > 0
    assert outcome.wall_seconds > 0
    assert outcome.cpu_seconds > 0
    assert "{input0}" in outcome.arguments
    assert outcome.arguments[-1] == "{output}"
    assert not any("/tmp" in each for each in outcome.arguments)


def test_silent_video_is_measured_to_the_frame(tmp_path: Path, clip: Path) -> None:
    media, outcome, _ = transcode(tmp_path, [clip], options=options("-an", ("-t", 1)))
    assert media.audio is None
    assert outcome.output.duration_seconds == 1.0


def test_rotation_is_honoured(tmp_path: Path, clip: Path, make_media: Make) -> None:
    turned = make_media("turned.mp4", "-display_rotation", "90", "-i", str(clip), "-c", "copy")
    media, _, _ = transcode(tmp_path, [turned], "mp4", preset={"quality": "low"})
    assert media.video is not None
    assert (media.video.width, media.video.height, media.video.rotation) == (
        180,
        320,
        0,
    )
    copy, _, _ = transcode(tmp_path, [turned], "mp4")
    assert copy.video is not None
    assert (copy.video.width, copy.video.height, copy.video.rotation) == (
        320,
        180,
        270,
    )


def test_odd_sizes_become_even(tmp_path: Path, make_media: Make) -> None:
    odd = make_media("odd.gif", "-f", "lavfi", "-i", "testsrc2=s=65x49:r=10:d=1")
    media, _, _ = transcode(tmp_path, [odd], "mp4")
    assert media.video is not None
    assert (media.video.width, media.video.height) == (64, 48)


def test_inputs_that_differ_are_joined(tmp_path: Path, clip: Path, make_media: Make) -> None:
    silent = make_media(
        "silent.webm", "-f", "lavfi", "-i", "testsrc2=s=90x160:r=60:d=1", "-cpu-used", "8"
    )
    surround = make_media(
        "surround.mov", "-f", "lavfi", "-i", "testsrc2=s=640x480:r=10:d=1", "-f", "lavfi",
        "-i", "anoisesrc=d=1:r=44100,aformat=channel_layouts=5.1", "-c:a", "aac",
    )  # fmt: skip
    photo = make_media("photo.jpg", "-f", "lavfi", "-i", "testsrc2=s=101x99", "-frames:v", "1")
    tone = make_media("tone8.mp3", "-f", "lavfi", "-i", "sine=d=1:r=8000")
    paths = [clip, silent, surround, photo, tone]
    media, outcome, _ = transcode(tmp_path, paths, "mp4", preset={"quality": "low"})
    assert media.video is not None
    assert media.audio is not None
    assert (media.video.width, media.video.height, media.video.fps) == (
        320,
        180,
        25.0,
    )
    assert (media.audio.sample_rate, media.audio.channels) == (48000, "stereo")
    assert media.duration == pytest.approx(2 + 1 + 1 + 3 + 1, abs=0.15)
    assert outcome.output.duration_seconds == pytest.approx(media.duration, abs=0.1)


@pytest.mark.parametrize("name", ["gif", "mp3", "webm", "png"])
def test_joined_into_other_formats(tmp_path: Path, clip: Path, name: str) -> None:
    media, _, _ = transcode(tmp_path, [clip, clip], name)
    assert media.duration == pytest.approx(0 if name == "png" else 4, abs=0.1)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.bmp", "one.gif"])
def test_a_still_becomes_a_clip(tmp_path: Path, make_media: Make, name: str) -> None:
    path = make_media(name, "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-frames:v", "1")
    media, _, _ = transcode(tmp_path, [path, path], "mp4")
    assert media.duration is not None
    assert media.duration > (0 if name == "one.gif" else 5.9)


@pytest.mark.parametrize("name", ["opus", "ogg", "m4a", "mp3", "webm", "flac", "wav", "aac"])
@pytest.mark.parametrize("layout", ["5.1(side)", "7.1", "hexagonal"])
def test_surround_sound(tmp_path: Path, make_media: Make, name: str, layout: str) -> None:
    path = make_media(
        f"{layout}.wav",
        "-f",
        "lavfi",
        "-i",
        f"anoisesrc=d=0.3:r=8000,aformat=channel_layouts={layout}",
    )
    media, _, _ = transcode(tmp_path, [path], name)
    assert media.audio is not None


def test_private_metadata_does_not_travel(tmp_path: Path, clip: Path, make_media: Make) -> None:
    tagged = make_media(
        "tagged.mov", "-i", str(clip), "-c", "copy", "-metadata", "title=SECRET",
        "-metadata", "location=+52.0+013.0/", "-movflags", "use_metadata_tags",
    )  # fmt: skip
    for request in (None, options(("-c", "copy"))):
        _, _, output = transcode(tmp_path, [tagged], "mp4", options=request)
        assert b"SECRET" not in output.read_bytes()
        assert b"+52.0" not in output.read_bytes()


def test_a_graph_and_progress(tmp_path: Path, clip: Path) -> None:
    graph = "[0:v][0:a][1:v][1:a]concat=n=2:v=1:a=1[v][a]"
    request = ask(inputs=2, filters=[{"filter": graph}])
    answer: list[float] = []
    paths = [clip, clip]
    run(
        planned(request, [probe(clip)] * 2), paths, tmp_path / "o.mp4",
        limits=LIMITS, on_progress=answer.append, canceled=lambda: False,
    )  # fmt: skip
    assert probe(tmp_path / "o.mp4").duration == pytest.approx(4, abs=0.1)
    assert answer == sorted(answer)
    assert all(0 <= percent <= 100 for percent in answer)
    assert answer[-1] > 90


SOURCES: dict[str, tuple[str, ...]] = {
    "d.mp4": ("-c:v", "libx264", "-movflags", "+faststart"),
    "d.mkv": ("-c:v", "libx264"),
    "d.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8"),
    "d.avi": ("-c:v", "mpeg4"),
    "d.ts": ("-c:v", "libx264"),
    "d.mp3": ("-vn",),
    "d.wav": ("-vn",),
    "d.flac": ("-vn",),
    "d.jpg": ("-frames:v", "1"),
    "d.png": ("-frames:v", "1"),
}


def _source(make_media: Make, name: str) -> Path:
    return make_media(
        name, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4",
        *SOURCES[name],
    )  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_cut_files_fail(tmp_path: Path, make_media: Make, name: str) -> None:
    """All but Ogg, which states no length: a cut one is simply a shorter one.

    So is a cut MPEG-TS, when it is copied; encoding it fails on the packet that was cut.
    """
    data = _source(make_media, name).read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[: len(data) * 55 // 100 + 7])
    _expect_damage(tmp_path, cut, encode=name == "d.ts")


@pytest.mark.parametrize("name", ["d.mp4", "d.mkv", "d.avi", "d.ts", "d.flac", "d.jpg", "d.png"])
def test_corrupt_files_fail(tmp_path: Path, make_media: Make, name: str) -> None:
    """Formats with checks or fragile coding; a flipped bit of MP3 or PCM is only a click."""
    data = bytearray(_source(make_media, name).read_bytes())
    dice = random.Random(7)
    for _ in range(40):
        data[dice.randrange(len(data) // 3, len(data) * 2 // 3)] ^= 0xFF
    bad = tmp_path / f"bad-{name}"
    bad.write_bytes(data)
    _expect_damage(tmp_path, bad)


def _expect_damage(folder: Path, path: Path, *, encode: bool = False) -> None:
    picture = path.suffix in (".jpg", ".png")
    sound = path.suffix in (".mp3", ".wav", ".flac", ".ogg")
    with pytest.raises(MediaError) as error:
        transcode(
            folder,
            [path],
            "webp" if picture else "mp3" if sound else "mp4",
            preset={"quality": "medium"} if encode else None,
        )
    assert error.value.category == "validation"
    assert str(folder) not in str(error.value)
    assert "damaged" in str(error.value)


def test_odd_but_sound_files_pass(tmp_path: Path, make_media: Make) -> None:
    stream = _source(make_media, "d.ts").read_bytes()
    late = tmp_path / "late.ts"  # a recording that begins between key frames
    late.write_bytes(stream[188 * (len(stream) // 188 // 5) :])
    padded = tmp_path / "padded.mp3"
    padded.write_bytes(bytes(3000) + _source(make_media, "d.mp3").read_bytes() + b"TAGjunk" * 30)
    piped = bytearray(_source(make_media, "d.wav").read_bytes())
    at = piped.index(b"data")
    piped[4:8] = piped[at + 4 : at + 8] = b"\xff" * 4  # what a program writes that can't seek
    unsized = tmp_path / "unsized.wav"
    unsized.write_bytes(piped)
    trailing = tmp_path / "trailing.mp4"
    trailing.write_bytes(_source(make_media, "d.mp4").read_bytes() + b"\0" * 1000)
    for path, name, seconds in (
        (late, "mp4", 3.2), (padded, "mp3", 4.0), (unsized, "flac", 4.0), (trailing, "mp4", 4.0)
    ):  # fmt: skip
        media, _, _ = transcode(tmp_path, [path], name)
        assert media.duration == pytest.approx(seconds, abs=0.5), path.name


def test_sound_that_ends_before_the_picture_is_no_damage(tmp_path: Path, make_media: Make) -> None:
    path = make_media(
        "short-sound.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=4",
        "-f", "lavfi", "-i", "sine=d=1",
    )  # fmt: skip
    media, _, _ = transcode(tmp_path, [path], "mp3")
    assert media.duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": options(("-ss", 60))}, "empty file"),
        ({"options": options("-an", "-vn")}, "ffmpeg could not do this"),
        ({"options": options(("-vf", "crop=9999:9999"))}, "ffmpeg could not do this"),
        ({"filters": [{"filter": "[0:v:5]hflip[v]"}]}, "ffmpeg could not do this"),
        ({"options": options(("-c:v", "libvorbis"))}, "-c:v"),
        ({"output_format": "webm", "options": options(("-c", "copy"))}, "ffmpeg could not do this"),
    ],
)
def test_what_ffmpeg_refuses_is_explained(
    tmp_path: Path, clip: Path, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words) as error:
        transcode(tmp_path, [clip], **fields)
    assert "/" not in str(error.value).replace("and/or", "")
    assert getattr(error.value, "category", "validation") == "validation"


ENDLESS: dict[str, Any] = {
    "input_options": [options(("-stream_loop", -1))],
    "options": options(("-t", 80_000)),
}


def _endless(clip: Path, folder: Path, limits: Limits, **fields: Any) -> None:
    run(
        planned(ask(**(ENDLESS | fields)), [probe(clip)]), [clip], folder / "o.mp4",
        limits=limits, on_progress=lambda percent: None, canceled=lambda: False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "fields", "category"),
    [
        (LIMITS._replace(wall_seconds=0.7), {}, "processing_limit"),
        (LIMITS._replace(cpu_seconds=1), {}, "processing_limit"),
        (
            LIMITS._replace(output_bytes=300_000),
            {"options": options(("-t", 80_000), ("-c", "copy"))},
            "file_size",
        ),
        (
            LIMITS._replace(memory_bytes=200 * 1024**2),
            {"options": options(("-t", 80_000), ("-vf", "scale=8000:8000"))},
            "processing_limit",
        ),
    ],
    ids=["wall", "cpu", "size", "memory"],
)
def test_limits(
    tmp_path: Path, clip: Path, limits: Limits, fields: dict[str, Any], category: str
) -> None:
    began = time.monotonic()
    with pytest.raises(MediaError) as error:
        _endless(clip, tmp_path, limits, **fields)
    assert error.value.category == category
    assert time.monotonic() - began < 60  # without the limit it would take hours


def test_cancel_stops_an_endless_run(tmp_path: Path, clip: Path) -> None:
    plan = planned(ask(**ENDLESS), [probe(clip)])
    began = time.monotonic()
    with pytest.raises(Canceled):
        run(
            plan, [clip], tmp_path / "o.mp4", limits=LIMITS, on_progress=lambda percent: None,
            canceled=lambda: time.monotonic() - began > 0.5,
        )  # fmt: skip
    assert time.monotonic() - began < 30
