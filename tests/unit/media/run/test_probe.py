"""What is found in real files, and what a file can't make us believe."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from lib.media.errors import MediaError
from lib.media.model import Audio, Probe, Video, media_metadata
from lib.media.run.probe import measure, parse, probe

Make = Callable[..., Path]

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
TONE = ("-f", "lavfi", "-i", "sine=d=1")


def test_a_plain_video(clip: Path) -> None:
    media = probe(clip)
    assert media == Probe(
        "mov,mp4,m4a,3gp,3g2,mj2",
        clip.stat().st_size,
        2.0,
        Video("h264", 320, 180, 25.0, pixel_format="yuv420p"),
        Audio("aac", 48000, "mono"),
    )
    assert media_metadata(media) == {
        "duration_seconds": 2.0,
        "format": "mov,mp4,m4a,3gp,3g2,mj2",
        "size_bytes": clip.stat().st_size,
        "width": 320,
        "height": 180,
        "fps": 25.0,
        "codec_video": "h264",
        "codec_audio": "aac",
        "has_video": True,
        "has_audio": True,
    }
    assert msgspec.convert(msgspec.to_builtins(media), Probe) == media


def test_a_relative_path(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip.parent)
    assert probe(Path(clip.name)) == probe(clip)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff"])
def test_stills_take_no_time(make_media: Make, name: str) -> None:
    media = probe(make_media(name, *PICTURE, "-frames:v", "1"))
    assert media.still
    assert media.duration == 0
    assert media.video is not None
    assert (media.video.width, media.video.height) == (64, 48)
    assert "fps" not in media_metadata(media)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation(make_media: Make, clip: Path, turn: int) -> None:
    turned = make_media(
        f"r{turn}.mp4", "-display_rotation", f"-{turn}", "-i", str(clip), "-c", "copy"
    )
    media = probe(turned)
    assert media.video is not None
    assert (media.video.rotation, media.video.width) == (turn, 320)


def test_cover_art_is_marked(make_media: Make) -> None:
    cover = make_media("cover.jpg", *PICTURE, "-frames:v", "1")
    tone = make_media("tone.mp3", *TONE)
    both = make_media(
        "both.mp3", "-i", str(tone), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy"
    )
    media = probe(both)
    assert media.video is not None
    assert media.video.attached
    assert media.duration == pytest.approx(1, abs=0.1)
    assert media_metadata(media)["has_video"] is True


def test_pixel_aspect(make_media: Make) -> None:
    media = probe(make_media("sar.mp4", *PICTURE, "-vf", "setsar=16/15"))
    assert media.video is not None
    assert media.video.sample_aspect == pytest.approx(16 / 15)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><html><body>Not found</body></html>" * 20,
        random.Random(1).randbytes(50_000),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 1 RTP/AVP 96\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'></MPD>",
        b"plain text\n" * 1000,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>",
        b"\0" * 10_000,
    ],
    ids=["empty", "html", "noise", "hls", "ffconcat", "sdp", "dash", "text", "svg", "zeros"],
)
@pytest.mark.parametrize("name", ["input0", "a.mp4", "a.m3u8"])
def test_what_is_no_media_is_refused(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(MediaError) as error:
        probe(path)
    assert error.value.category == "validation"
    assert str(tmp_path) not in str(error.value)


def test_a_giant_picture_is_refused_by_its_header(tmp_path: Path, make_media: Make) -> None:
    png = bytearray(make_media("small.png", *PICTURE, "-frames:v", "1").read_bytes())
    png[16:24] = (30_000).to_bytes(4, "big") * 2
    import zlib

    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    path = tmp_path / "giant.png"
    path.write_bytes(png)
    with pytest.raises(MediaError) as error:
        probe(path)
    assert error.value.category == "validation"


LIES = (
    "x\n  Duration: 09:00:00.00, start: 0.000000, bitrate: 1 kb/s\n"
    "  Stream #0:7(und): Video: hevc, yuv420p, 9999x9999, 99 fps\n"
    "00:00:00.000 [info]   Stream #0:0: Audio: mp3, 1 Hz, stereo\r\n"
    "00:00:00.000 [info] Input #0, avi, from 'x':\v\f\b"
)
TONGUE = "eng): Video: hevc, yuv420p, 9999x9999, 99 fps\n00:00:00.000 [info]   Stream #0:9(x"


@pytest.mark.parametrize("extension", ["mkv", "mp4", "mov", "avi", "webm"])
def test_metadata_is_never_believed(make_media: Make, clip: Path, extension: str) -> None:
    codecs = () if extension == "webm" else ("-c", "copy")
    lying = make_media(
        f"lies.{extension}", "-i", str(clip), *codecs, "-metadata", f"title={LIES}",
        "-metadata", f"comment={LIES}", "-metadata:s:v", f"language={TONGUE}",
        "-metadata:s:v", f"title={LIES}", "-metadata:s:a", f"handler_name={LIES}",
        "-metadata:s:v", "Display Matrix: rotation of -90.00 degrees=1",
    )  # fmt: skip
    media = probe(lying)
    assert media.duration == pytest.approx(2.0, abs=0.1)
    assert media.video is not None
    assert (media.video.width, media.video.height) == (320, 180)
    assert media.video.codec in ("h264", "vp9")
    assert media.video.rotation == 0
    assert media.audio is not None
    assert media.audio.codec in ("aac", "opus", "ac3", "mp3")


def test_megabyte_tags(make_media: Make, clip: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text(";FFMETADATA1\ntitle=" + "a\\\n" * 500_000 + "\n")
    big = make_media(
        "big.mkv", "-i", str(clip), "-f", "ffmetadata", "-i", str(notes), "-map_metadata", "1",
        "-map", "0", "-c", "copy",
    )  # fmt: skip
    assert big.stat().st_size > 1_000_000
    media = probe(big)
    assert media.video is not None
    assert media.duration == pytest.approx(2.0, abs=0.05)


HEAD = (
    "00:00:00.000 [info] Input #0, avi, from 'x':\n00:00:00.000 [info]   Duration: 00:00:02.00, s\n"
)
STREAM = "00:00:00.000 [info]   Stream #0:0: Audio: mp3<N>44100 Hz<N>stereo\n"


@pytest.mark.parametrize(
    "report",
    [
        "", HEAD, STREAM, HEAD + HEAD + STREAM, HEAD + STREAM.replace("<N>", ", "),
        HEAD + "00:00:00.000 [info]   Duration: 00:00:01.00, s\n" + STREAM,
        HEAD + STREAM.replace("Audio", "Subtitle"),
    ],
)  # fmt: skip
def test_reports_that_break_the_rules_are_not_believed(report: str) -> None:
    with pytest.raises(MediaError):
        parse(report, 1, "<N>")


def test_the_least_report() -> None:
    assert parse(HEAD + STREAM, 1, "<N>") == Probe(
        "avi", 1, 2.0, None, Audio("mp3", 44100, "stereo")
    )


def test_unknown_and_guessed_lengths_are_measured(make_media: Make, tmp_path: Path) -> None:
    streamed = make_media("streamed.webm", *PICTURE, *TONE, "-live", "1", "-f", "webm")
    media = probe(streamed)
    assert media.duration is None
    assert measure(streamed, media).duration == pytest.approx(1, abs=0.1)
    # silence first, so that the bit rate of the first frames is far from the mean
    guessed = make_media(
        "guessed.mp3", "-f", "lavfi", "-i", "aevalsrc='if(gt(t,2),random(0),0)':d=12",
        "-write_xing", "0", "-q:a", "0",
    )  # fmt: skip
    media = probe(guessed)
    assert media.estimated
    assert media.duration is not None
    assert media.duration > 20
    assert measure(guessed, media).duration == pytest.approx(12, abs=0.1)
    assert not measure(guessed, media).estimated


def test_known_lengths_are_left_alone(clip: Path) -> None:
    media = probe(clip)
    assert measure(clip, media) is media
