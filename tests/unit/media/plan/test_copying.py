"""What is copied and what is encoded: the plan says it with its reason, the packets prove it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lib.media.model import Audio, Probe, Video
from lib.media.plan.model import Plan
from lib.media.run.ffmpeg import binary
from tests.rigs.media.pixels import frame, look
from tests.rigs.media.plans import ask, options, planned, sound, transcode, video

Make = Callable[..., Path]
COPY, ENCODE = "copy", "encode"


def decided(plan: Plan) -> dict[str, str]:
    """How each stream is produced; every one has a reason, and the flags agree."""
    arguments = dict(plan.output.options)
    for each in plan.output.streams:
        assert each.why.endswith(".")
        names = arguments.get(f"-c:{each.kind[0]}") or arguments.get("-c")
        assert (names == "copy") == (each.action == "copy"), each
    return {each.kind: each.action for each in plan.output.streams}


def coded(picture: str = "h264", tone: str = "aac", **facts: Any) -> Probe:
    """What a probe finds in a file coded so."""
    stream = video(**facts)
    assert stream.video is not None
    assert stream.audio is not None
    return msgspec.structs.replace(
        stream,
        video=msgspec.structs.replace(stream.video, codec=picture),
        audio=msgspec.structs.replace(stream.audio, codec=tone),
    )


@pytest.mark.parametrize(
    ("probe", "name", "picture", "tone"),
    [
        (coded(), "mp4", COPY, COPY),
        (coded(), "mov", COPY, COPY),
        (coded("hevc"), "mp4", COPY, COPY),
        (coded("av1", "opus"), "webm", COPY, COPY),
        (coded("vp9", "opus"), "webm", COPY, COPY),
        (coded("vp8", "vorbis"), "webm", COPY, COPY),
        (coded("vp9", "opus"), "mp4", ENCODE, ENCODE),
        (coded(), "webm", ENCODE, ENCODE),
        (coded("vp9", "aac"), "mp4", ENCODE, COPY),
        (coded("h264", "opus"), "mp4", COPY, ENCODE),
        (coded("prores", "pcm_s16le"), "mov", COPY, COPY),
        (coded("mpeg4", "mp3"), "avi", COPY, COPY),
        (coded(pixel_format="yuv444p"), "mp4", ENCODE, COPY),
        (coded(pixel_format="yuv420p10le"), "mp4", COPY, COPY),
        (coded(), "m4a", None, COPY),
        (coded(), "aac", None, COPY),
        (coded(tone="mp3"), "mp3", None, COPY),
        (coded(tone="opus"), "opus", None, COPY),
        (coded(tone="vorbis"), "ogg", None, COPY),
        (coded(), "mp3", None, ENCODE),
        (coded(), "gif", ENCODE, None),
    ],
)
def test_what_the_container_takes_is_copied(
    probe: Probe, name: str, picture: str | None, tone: str | None
) -> None:
    expected = {kind: act for kind, act in (("video", picture), ("audio", tone)) if act}
    assert decided(planned(ask(name), [probe])) == expected


@pytest.mark.parametrize(
    ("preset", "probe", "picture", "tone"),
    [
        ({"quality": "high"}, coded(), ENCODE, ENCODE),
        ({"quality": "low", "resolution": "720p"}, coded(), ENCODE, ENCODE),
        ({"resolution": "720p"}, coded(), COPY, COPY),
        ({"resolution": "1080p"}, coded(), COPY, COPY),  # never enlarged
        ({"resolution": "480p"}, coded(), ENCODE, COPY),
        ({"resolution": "720p"}, coded(rotation=90), COPY, COPY),
        ({"resolution": "480p"}, coded(rotation=90), ENCODE, COPY),
    ],
)
def test_presets(preset: dict[str, str], probe: Probe, picture: str, tone: str) -> None:
    assert decided(planned(ask(preset=preset), [probe])) == {"video": picture, "audio": tone}


@pytest.mark.parametrize(
    ("arguments", "picture", "tone"),
    [
        ([("-af", "volume=2")], COPY, ENCODE),
        ([("@normalize", {})], COPY, ENCODE),
        ([("@normalize", {}), ("-c:v", "copy")], COPY, ENCODE),
        ([("-b:a", "96k")], COPY, ENCODE),
        ([("-af", "volume=2"), ("-c:v", "copy")], COPY, ENCODE),
        ([("-vf", "hflip")], ENCODE, COPY),
        ([("-crf", 20)], ENCODE, COPY),
        ([("@text-overlay", {"text": "Hi"})], ENCODE, COPY),
        ([("@quote-card", {"quote": "Hi"})], ENCODE, COPY),
        ([("-vf", "hflip"), ("-c:a", "copy")], ENCODE, COPY),
        ([("@normalize", {}), ("-vf", "hflip")], ENCODE, ENCODE),
        ([("@normalize", {}), ("@text-overlay", {"text": "Hi"})], ENCODE, ENCODE),
        ([("@speed", 2)], ENCODE, ENCODE),
        ([("@trim", {"start": 1})], ENCODE, ENCODE),  # exact to the frame
        ([("-ss", 1), ("-t", 2)], ENCODE, ENCODE),
        ([("-c", "copy"), ("-ss", 1)], COPY, COPY),
        ([("-movflags", "+faststart")], COPY, COPY),
        ([("-metadata", "title=x")], COPY, COPY),
        (["-an"], COPY, None),
        (["-vn"], None, COPY),
    ],
)
def test_options_that_leave_a_stream_alone(arguments: Any, picture: Any, tone: Any) -> None:
    expected = {kind: act for kind, act in (("video", picture), ("audio", tone)) if act}
    assert decided(planned(ask(options=options(*arguments)), [coded()])) == expected


def test_a_stream_that_does_not_fit_is_encoded_though_no_option_changes_it() -> None:
    plan = planned(ask(options=options(("-af", "volume=2"))), [coded("vp9", "opus")])
    assert decided(plan) == {"video": ENCODE, "audio": ENCODE}
    assert plan.output.streams[0].why == "vp9 does not fit mp4 as it is."


def test_only_what_we_chose_to_copy_is_encoded_should_it_go_wrong() -> None:
    chosen = planned(ask(options=options(("-af", "volume=2"))), [coded()])
    request = planned(ask(options=options(("-af", "volume=2"), ("-c:v", "copy"))), [coded()])
    assert (chosen.output.chose_copy, request.output.chose_copy) == (True, False)


def test_reasons_name_what_decided() -> None:
    turned = planned(ask("webm"), [coded("vp9", "opus", rotation=90)])
    assert decided(turned) == {"video": ENCODE, "audio": COPY}
    assert turned.output.streams[0].why == "It is turned, which webm can't state."
    cut = planned(ask(input_options=[options(("-t", 2))]), [coded()])
    assert {each.why for each in cut.output.streams} == {"The input's options cut or shift it."}
    request = planned(ask(), [coded("hevc")])
    assert request.output.streams[0].why == "hevc fits mp4 as it is."
    assert ("-tag:v", "hvc1") in request.output.options  # or Apple's players show nothing


# The same, by the packets that come out.


@pytest.fixture(scope="module")
def clips(make_media: Make) -> dict[str, Path]:
    """Two seconds in each of the codings."""
    paths = {}
    for name, settings in {
        "h264.mp4": ("-c:v", "libx264", "-c:a", "aac", "-g", "10"),
        "other.mp4": ("-c:v", "libx264", "-c:a", "aac", "-g", "10", "-vf", "hue=h=90"),
        "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"),
        "small.mp4": ("-c:v", "libx264", "-c:a", "aac", "-s", "96x54"),
    }.items():
        paths[name] = make_media(
            f"copy-{name}", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=20:d=2", "-f", "lavfi",
            "-i", "sine=d=2:r=48000", "-pix_fmt", "yuv420p", *settings,
        )  # fmt: skip
    return paths


def packets(path: Path, stream: str) -> list[str]:
    """The checksum of each packet of a stream, whatever its time."""
    output = subprocess.run(
        [str(binary()), "-loglevel", "error", "-i", str(path), "-map", f"0:{stream}", "-c", "copy",
         "-f", "framemd5", "-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    # stream, two times, duration, size, checksum; what is to be skipped may follow
    return [line.split(",")[5].strip() for line in output.splitlines() if line[0] != "#"]


@pytest.mark.parametrize(
    ("source", "name", "streams"),
    [
        ("h264.mp4", "mp4", "va"), ("h264.mp4", "mov", "va"), ("h264.mp4", "m4a", "a"),
        ("vp9.webm", "webm", "va"), ("vp9.webm", "opus", "a"),
    ],
)  # fmt: skip
def test_copied_packets_are_the_same(
    tmp_path: Path, clips: dict[str, Path], source: str, name: str, streams: str
) -> None:
    media, _, output = transcode(tmp_path, [clips[source]], name)
    for stream in streams:
        assert packets(output, stream) == packets(clips[source], stream)
    assert media.duration == pytest.approx(2, abs=0.1)
    assert (media.video is not None) == ("v" in streams)


def test_sound_as_bare_aac(tmp_path: Path, clips: dict[str, Path]) -> None:
    """ADTS puts a head of its own before each packet, so only their count is the same."""
    _, _, output = transcode(tmp_path, [clips["h264.mp4"]], "aac")
    assert len(packets(output, "a")) == len(packets(clips["h264.mp4"], "a"))


@pytest.mark.parametrize("arguments", [("-af", "volume=2"), ("@normalize", {})])
def test_an_edit_of_the_sound_keeps_the_picture(
    tmp_path: Path, clips: dict[str, Path], arguments: tuple[str, Any]
) -> None:
    source = clips["h264.mp4"]
    media, _, output = transcode(tmp_path, [source], options=options(arguments))
    assert packets(output, "v") == packets(source, "v")
    assert packets(output, "a") != packets(source, "a")
    assert media.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("arguments", [("-vf", "hflip"), ("@text-overlay", {"text": "Hi"})])
def test_an_edit_of_the_picture_keeps_the_sound(
    tmp_path: Path, clips: dict[str, Path], arguments: tuple[str, Any]
) -> None:
    source = clips["h264.mp4"]
    _, _, output = transcode(tmp_path, [source], options=options(arguments))
    assert packets(output, "a") == packets(source, "a")
    assert packets(output, "v") != packets(source, "v")


def test_a_quality_encodes(tmp_path: Path, clips: dict[str, Path]) -> None:
    source = clips["h264.mp4"]
    _, _, output = transcode(tmp_path, [source], preset={"quality": "low"})
    assert packets(output, "v") != packets(source, "v")
    _, _, same = transcode(tmp_path, [source], preset={"resolution": "1080p"})
    assert packets(same, "v") == packets(source, "v")


@pytest.mark.parametrize(
    "arguments",
    [
        [("-c", "copy"), ("-ss", 0.5), ("-t", 1)],
        [("-c", "copy"), ("@trim", {"start": 0.5, "duration": 1})],
        [("@trim", {"start": 0.5, "duration": 1}), ("-c:v", "copy"), ("-c:a", "copy")],
    ],
)
def test_a_copied_cut(tmp_path: Path, clips: dict[str, Path], arguments: Any) -> None:
    """A part of the packets, from a key frame (there is one each half second) on."""
    source = clips["h264.mp4"]
    media, _, output = transcode(tmp_path, [source], options=options(*arguments))
    part, whole = packets(output, "v"), packets(source, "v")
    at = whole.index(part[0])
    assert at % 10 == 0
    assert set(part) <= set(whole)
    assert len(part) in range(10, 33)
    assert media.duration == pytest.approx(1, abs=0.6)


def test_files_coded_alike_follow_each_other(tmp_path: Path, clips: dict[str, Path]) -> None:
    paths = [clips["h264.mp4"], clips["other.mp4"], clips["h264.mp4"]]
    media, _, output = transcode(tmp_path, paths)
    assert packets(output, "a") == [each for path in paths for each in packets(path, "a")]
    # A joined key frame, one in ten, repeats how it is coded; the rest is the same to the bit.
    joined, apart = packets(output, "v"), [each for path in paths for each in packets(path, "v")]
    assert len(joined) == len(apart) == 120
    pairs = enumerate(zip(joined, apart, strict=True))
    assert {at % 10 for at, (one, other) in pairs if one != other} == {0}
    assert media.duration == pytest.approx(6, abs=0.15)
    assert frame(output, 1.0) == frame(clips["h264.mp4"], 1.0)
    assert frame(output, 3.0) == frame(clips["other.mp4"], 1.0)


def test_files_that_differ_are_encoded(tmp_path: Path, clips: dict[str, Path]) -> None:
    paths = [clips["h264.mp4"], clips["small.mp4"]]
    media, _, output = transcode(tmp_path, paths)
    assert media.video is not None
    assert media.video.width == 160
    assert not set(packets(output, "v")) & set(packets(paths[0], "v"))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_clips_of_a_phone_keep_their_turn(
    tmp_path: Path, clips: dict[str, Path], make_media: Make, turn: int
) -> None:
    """Copied, packets and turn are the same; where that can't be stated, the pixels are turned."""
    source = make_media(
        f"turned{turn}.mp4", "-display_rotation", str(turn), "-i", str(clips["h264.mp4"]),
        "-c", "copy",
    )  # fmt: skip
    before = look(source).video
    assert before is not None
    assert before.rotation in (90, 180, 270)
    media, _, output = transcode(tmp_path, [source], "mov")
    assert media.video is not None
    assert media.video.rotation == before.rotation
    assert packets(output, "v") == packets(source, "v")
    assert frame(output) == frame(source)
    turned, _, output = transcode(tmp_path, [source], "webm")
    assert turned.video is not None
    upright = (160, 90) if turn == 180 else (90, 160)
    assert (turned.video.width, turned.video.height) == upright
    assert turned.video.rotation == 0
    assert len(frame(output).changed(frame(source), 100)) < 0.05 * 160 * 90  # the same view


def test_probes_from_before_pixel_formats_were_noted_are_encoded() -> None:
    old = Probe(
        "mov,mp4,m4a,3gp,3g2,mj2", 1000, 10.0, Video("h264", 1280, 720, 25.0),
        Audio("aac", 48000, "stereo"),
    )  # fmt: skip
    assert decided(planned(ask(), [old])) == {"video": ENCODE, "audio": COPY}
    assert decided(planned(ask("mp3"), [sound()])) == {"audio": COPY}
