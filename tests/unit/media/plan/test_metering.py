"""What a job is charged for: what was read or made, whatever a header claims."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lib.media.errors import MediaError
from lib.media.model import Flags, Probe
from lib.media.plan import metering
from lib.media.plan.metering import Packets, Reading
from lib.media.plan.price import billable_seconds
from lib.media.request import tables
from lib.media.request.check import check
from lib.media.run import measurement
from lib.media.run.probe import measure, probe
from lib.media.run.runner import run, run_or_encode
from tests.rigs.media.forged import forge
from tests.rigs.media.plans import LIMITS, ask, options, planned, still, video

Make = Callable[..., Path]

SECONDS = 12
FRAME = 0.04
PACKET = 0.03
"""The longest packet of audio made here: 1152 samples of 44,100 a second."""
EXACT = FRAME + PACKET
CODECS = {
    "mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "flv": ("-c:v", "flv", "-c:a", "aac", "-ar", "44100"),
    "avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "mp4": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
    "mp3": ("-vn", "-c:a", "libmp3lame"),
    "ogg": ("-vn", "-c:a", "libvorbis"),
    "opus": ("-vn", "-c:a", "libopus"),
}


@pytest.fixture
def clip_of(make_media: Make) -> Callable[..., Path]:
    """Makes a file of 12 seconds in a container."""

    def make(name: str = "mp4") -> Path:
        return make_media(
            f"clip.{name}", "-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={SECONDS}",
            "-f", "lavfi", "-i", f"sine=r=44100:d={SECONDS}", *CODECS[name],
        )  # fmt: skip

    return make


@pytest.fixture
def picture(make_media: Make) -> Path:
    return make_media("still.png", "-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1")


def charge(folder: Path, paths: Sequence[Path], output_format: str = "mp4", **fields: Any) -> float:
    """What a job of these files is charged for, in seconds."""
    count = {} if "input_options" in fields else {"inputs": len(paths)}
    alike = fields.pop("alike", False)
    request = ask(output_format, **count, **fields)
    probes = [measure(path, probe(path)) for path in paths]
    plan = planned(request, probes, coded_alike=alike)
    folder = Path(tempfile.mkdtemp(dir=folder))
    output = folder / f"output.{plan.output.format.extension}"
    plan, outcome = run_or_encode(
        plan,
        lambda: planned(request, probes),
        paths,
        output,
        limits=LIMITS,
        on_progress=lambda percent: None,
        canceled=lambda: False,
    )
    return measurement.charged_seconds(plan, outcome, paths, probes, output, seconds=30)


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
def test_a_forged_header_does_not_change_the_charge(
    tmp_path: Path, clip_of: Callable[..., Path], name: str
) -> None:
    honest = clip_of(name)
    forged = forge(honest, 1)
    extension = "mp4" if CODECS[name][0] == "-c:v" else "m4a"
    assert charge(tmp_path, [forged], extension) == pytest.approx(SECONDS, abs=EXACT)
    # The same where the output is short, and where it is a copy.
    fast = options(("-af", "atempo=2"), "-vn")
    assert charge(tmp_path, [forged], "mp3", options=fast) == pytest.approx(SECONDS, abs=EXACT)
    copy = options(("-c", "copy"))
    container = {"mkv": "mp4", "flv": "avi", "ogg": "ogg", "opus": "opus"}.get(name, name)
    assert charge(tmp_path, [forged], container, options=copy) == pytest.approx(SECONDS, abs=EXACT)


def test_a_wav_is_charged_for_as_far_as_its_header_lets_it_be_read(
    tmp_path: Path, make_media: Make
) -> None:
    wav = make_media("clip.wav", "-f", "lavfi", "-i", f"sine=r=44100:d={SECONDS}")
    assert charge(tmp_path, [forge(wav, 1)], "flac") == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 12),
        ({"preset": {"quality": "low"}}, 12),
        # Faster or slower: the larger of what was read and what was made.
        ({"input_options": [options(("-itsscale", 0.02))]}, 12),
        ({"input_options": [options(("-itsscale", 0.02), ("-t", 0.1))],
          "options": options("-an")}, 5),
        ({"input_options": [options(("-itsscale", 3))]}, 36),
        ({"input_options": [options(("-r", 240))]}, 12),
        ({"options": options(("-vf", "setpts=PTS/40"), ("-r", 240), "-an")}, 12),
        ({"options": options(("-vf", "settb=1/90000,setpts=PTS/40"), ("-r", 240), ("-t", 0.5),
                             "-an")}, 12),
        ({"options": options(("-vf", "setpts=2*PTS"), "-an")}, 24),
        ({"options": options(("-vf", "setpts=PTS+100/TB"), "-an", ("-fps_mode", "vfr"))}, 12),
        ({"options": options(("-af", "atempo=2"), "-vn")}, 12),
        ({"options": options(("-af", "atempo=0.5"), "-vn")}, 24),
        ({"options": options(("-af", "asetrate=88200"), "-vn")}, 12),
        ({"options": options(("@speed", {"factor": 2}))}, 12),
        ({"options": options(("@speed", {"factor": 0.5}))}, 24),
        # Spans: only what was requested.
        ({"options": options(("-ss", 4), ("-t", 2))}, 2),
        ({"options": options(("-ss", 4), ("-to", 6), ("-vf", "scale=32:24"))}, 2),
        ({"options": options(("@trim", {"start": 4, "duration": 2}))}, 2),
        ({"options": options(("@trim", {"start": 4, "end": 6}), ("@normalize", {}))}, 2),
        ({"input_options": [options(("-ss", 4), ("-t", 2))]}, 2),
        ({"input_options": [options(("-ss", 4), ("-t", 2))],
          "options": options(("-vf", "setpts=PTS/2"), "-an")}, 2),
        ({"input_options": [options(("-ss", 4), ("-t", 2), "-copyts")], "options": options("-an")},
         2),
        # Repeats.
        ({"input_options": [options(("-stream_loop", 2))]}, 36),
        ({"input_options": [options(("-stream_loop", -1))], "options": options(("-t", 30))}, 30),
        ({"input_options": [options(("-stream_loop", 2))],
          "options": options(("-vf", "setpts=PTS/40"), ("-r", 240), "-an")}, 36),
        # Words and pictures on top take no time.
        ({"options": options(("@text-overlay", {"text": "Hello"}))}, 12),
        # Made of nothing.
        ({"filters": [{"filter": "testsrc2=s=64x48:r=25:d=15[v]"}],
          "options": options(("-map", "[v]"))}, 15),
        ({"filters": [{"filter": "sine=d=15[a]"}], "options": options(("-map", "[a]"))}, 15),
    ],
)  # fmt: skip
def test_a_video_is_charged_for_what_is_read_or_made(
    tmp_path: Path, clip_of: Callable[..., Path], fields: dict[str, Any], seconds: float
) -> None:
    assert charge(tmp_path, [clip_of()], **fields) == pytest.approx(seconds, abs=2 * EXACT)


@pytest.mark.parametrize(
    ("output_format", "fields", "seconds"),
    [
        ("jpeg", {}, FRAME),
        ("png", {"preset": {"resolution": "480p"}}, FRAME),
        ("jpeg", {"options": options(("@thumbnail", {"at": "50%"}))}, FRAME),
        ("jpeg", {"options": options(("-ss", 5), ("-vf", "scale=32:24"))}, FRAME),
        ("jpeg", {"options": options(("-vf", "thumbnail=n=300"))}, SECONDS),
    ],
)
def test_a_picture_of_a_video_is_charged_for_the_frames_read(
    tmp_path: Path,
    clip_of: Callable[..., Path],
    output_format: str,
    fields: dict[str, Any],
    seconds: float,
) -> None:
    charged = charge(tmp_path, [clip_of()], output_format, **fields)
    assert charged == pytest.approx(seconds, abs=2 * EXACT)


def test_a_contact_sheet_is_charged_for_up_to_its_last_frame(
    tmp_path: Path, clip_of: Callable[..., Path]
) -> None:
    sheet = options(("@thumbnail", {"count": 4}))  # the last is in the middle of its quarter
    assert 10.5 <= charge(tmp_path, [clip_of()], "jpeg", options=sheet) <= SECONDS + EXACT


@pytest.mark.parametrize(
    ("output_format", "fields", "seconds"),
    [
        ("jpeg", {}, 0),
        ("gif", {}, 0),
        ("png", {"options": options(("-vf", "scale=32:24"))}, 0),
        ("mp4", {}, 3),
        ("mp4", {"input_options": [options(("-loop", 1), ("-t", 20))], "options": options("-an")},
         20),
        ("mp4", {"input_options": [options(("-loop", 1))],
                 "options": options(("-t", 20), ("-vf", "zoompan=d=1:s=64x48"))}, 20),
        ("mp4", {"filters": [{"filter": "testsrc2=s=64x48:d=20[b];[b][0:v]overlay[v]"}],
                 "options": options(("-map", "[v]"))}, 20),
    ],
)  # fmt: skip
def test_a_still_is_charged_for_what_is_made_of_it(
    tmp_path: Path, picture: Path, output_format: str, fields: dict[str, Any], seconds: float
) -> None:
    assert charge(tmp_path, [picture], output_format, **fields) == pytest.approx(seconds, abs=EXACT)


@pytest.mark.parametrize(
    ("output_format", "fields"),
    [
        ("mp4", {"preset": {"quality": "medium", "resolution": "480p"}}),
        ("mp4", {}),
        ("mp3", {}),
        ("mp4", {"options": options(("-crf", 30), ("-vf", "scale=32:24"))}),
        ("gif", {}),
        ("jpeg", {}),
    ],
)
def test_usual_jobs_need_no_second_look(
    tmp_path: Path, clip: Path, output_format: str, fields: dict[str, Any]
) -> None:
    probes = [probe(clip)]
    plan = planned(ask(output_format, **fields), probes)
    assert metering.readings(plan, probes) == []
    assert not plan.counts_packets
    assert not metering.may_shift(plan)
    output = tmp_path / f"output.{plan.output.format.extension}"
    outcome = run(plan, [clip], output, limits=LIMITS, on_progress=lambda percent: None,
                  canceled=lambda: False)  # fmt: skip
    assert outcome.output.counted or metering.is_picture(plan)


def test_several_inputs_add_up(tmp_path: Path, clip_of: Callable[..., Path], picture: Path) -> None:
    clip, forged = clip_of(), forge(clip_of("webm"), 1)
    assert charge(tmp_path, [clip, clip]) == pytest.approx(24, abs=EXACT)
    assert charge(tmp_path, [clip, forged]) == pytest.approx(24, abs=2 * EXACT)
    assert charge(tmp_path, [clip, picture]) == pytest.approx(15, abs=2 * EXACT)
    beside: dict[str, Any] = {
        "filters": [{"filter": "[0:v]scale=64:48[a];[1:v]scale=64:48[b];[a][b]hstack[v]"}]
    }
    mapped: dict[str, Any] = {"options": options(("-map", "[v]"))}
    assert charge(tmp_path, [clip, forged], **beside, **mapped) == pytest.approx(24, abs=2 * EXACT)
    short: dict[str, Any] = {"options": options(("-map", "[v]"), ("-t", 3))}
    assert charge(tmp_path, [clip, forged], **beside, **short) == pytest.approx(6, abs=2 * EXACT)


def test_rounds_and_joins_of_forged_files_are_charged_for_all_their_packets(
    tmp_path: Path, clip_of: Callable[..., Path]
) -> None:
    """ffmpeg lays joined files one after the other by the lengths in their headers."""
    forged = forge(clip_of("mkv"), 1)
    twice = {"input_options": [options(("-stream_loop", 2))], "options": options(("-c", "copy"))}
    assert charge(tmp_path, [forged], "mov", **twice) == pytest.approx(36, abs=0.3)
    sound = forge(clip_of("mp3"), 1)
    assert charge(tmp_path, [sound, sound], "mp3", alike=True) == pytest.approx(24, abs=0.15)
    assert charge(tmp_path, [forged, forged], "mp4", alike=True) == pytest.approx(24, abs=0.3)


def test_many_pictures_in_one_file_are_no_still(tmp_path: Path, make_media: Make) -> None:
    many = make_media("many.bin", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=8", "-c:v",
                      "mjpeg", "-f", "mjpeg")  # fmt: skip
    fast = options(("-vf", "setpts=PTS/40"), ("-r", 240))
    assert charge(tmp_path, [many], options=fast) == pytest.approx(8, abs=2 * EXACT)


REPORT = """
[in#0/mov,mp4 @ 0x55ab] [verbose]   Input stream #0:0 (video): 500 packets read (99 bytes); \
490 frames decoded; 0 decode errors;
[in#0/mov,mp4 @ 0x55ab] [verbose]   Input stream #0:1 (audio): 863 packets read (99 bytes);
[h264 @ 0x55ab] [warning] something odd
that goes on
[info]     title           : x
[in#0/mov,mp4 @ 0x55ab] [verbose]   Total: 1363 packets (1597808 bytes) demuxed
"""


def test_the_allow_lists_name_what_there_is() -> None:
    outputs, inputs = tables.flags_of(output=True), tables.flags_of(output=False)
    ours = {"vf", "af", "filter_complex", "err_detect"}
    assert set(outputs) | ours >= metering.KEEPS_TIME
    assert set(inputs) | ours >= metering.INPUT_KEEPS_TIME
    assert set(tables.filters()) >= metering.FILTERS_KEEP_TIME


@pytest.mark.parametrize(
    "graph",
    ["setpts=PTS/2", "atempo=2", "asetrate=8000", "trim=end=1", "select='not(mod(n,2))'", "loop=2",
     "reverse", "fps=1/10", "fps=fps=source_fps", "zoompan=d=9", "testsrc2", "tile=2x2",
     "scale=2:2,setpts=PTS/2", "minterpolate", "framestep=9", "decimate", "concat=n=1"],
)  # fmt: skip
def test_filters_that_change_time_are_seen(graph: str) -> None:
    assert not metering.keeps_time([[]], [("-filter_complex", graph)], [video()])


@pytest.mark.parametrize("flags", [("-itsscale", "2"), ("-r", "240"), ("-framerate", "240"),
                                   ("-itsoffset", "5"), ("-copyts", None)])  # fmt: skip
def test_flags_of_an_input_that_change_time_are_seen(flags: tuple[str, str | None]) -> None:
    assert not metering.keeps_time([[flags]], [], [video()])
    assert metering.keeps_time([[("-ss", "1"), ("-t", "2")]], [("-vf", "fps=25")], [video()])


def test_the_report_is_read() -> None:
    assert metering.counts(REPORT) == {(0, 0): Packets(500, 490), (0, 1): Packets(863, 0)}
    assert Packets(500, 490).used == 490
    assert Packets(500, 400).used == 500
    assert Packets(863, 0).used == 863
    assert metering.plain(REPORT).strip() == "[h264 @ 0x55ab] something odd\nthat goes on"


def test_a_forged_line_of_the_report_makes_it_worthless() -> None:
    line = "[in#0/mov,mp4 @ 0x55ab] [verbose]   Input stream #0:0 (video): 1 packets read (9 bytes)"
    assert metering.counts(f"{REPORT}\n{line}; 1 frames decoded;") is None


def test_without_a_report_to_trust_the_whole_input_counts(
    tmp_path: Path, clip_of: Callable[..., Path]
) -> None:
    def read(flags: Flags) -> list[float]:
        reading = Reading(0, flags, None, 1.0, 25.0, still=False)
        return measurement.read_seconds(
            [reading], None, [forge(clip_of("mkv"), 1)], folder=tmp_path, seconds=30,
            canceled=lambda: False,
        )  # fmt: skip

    assert read([]) == pytest.approx([SECONDS], abs=2 * EXACT)
    with pytest.raises(MediaError, match="imitate"):
        read([("-stream_loop", "-1")])


def test_an_input_that_can_not_be_measured_to_its_end_counts_as_far_as_it_was(
    tmp_path: Path, clip_of: Callable[..., Path]
) -> None:
    """The file hangs where its time is up, and its header states a tenth of a second."""
    place = tmp_path / "hanging.mkv"
    os.mkfifo(place)
    clip = clip_of("mkv").read_bytes()
    ended = threading.Event()

    def send() -> None:
        with place.open("wb") as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(clip[: len(clip) // 2])
            pipe.flush()
            ended.wait()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        reading = Reading(0, [], None, 0.1, 25.0, still=False)
        [read] = measurement.read_seconds(
            [reading], None, [place], folder=tmp_path, seconds=5, canceled=lambda: False
        )
    finally:
        ended.set()
        sender.join()
    assert SECONDS * 0.3 < read < SECONDS * 0.7


@pytest.mark.parametrize(
    ("request_", "probes", "seconds"),
    [
        (ask(options=options(("-t", 1200)), input_options=[options(("-loop", 1))]), [still()],
         1200),
        (ask(input_options=[options(("-loop", 1), ("-t", 1200))], options=options("-an")),
         [still()], 1200),
        (ask(), [still()], 3),
        (ask("png"), [video(seconds=19)], FRAME),
        (ask(filters=[{"filter": "testsrc2=d=90[b];[b][0:v]overlay"}]), [still()], 90),
        (ask(options=options(("@speed", {"factor": 0.5}))), [video(seconds=10)], 20),
        (ask(options=options(("@speed", {"factor": 2}))), [video(seconds=10)], 10),
        (ask(options=options(("-vf", "setpts=PTS/40"), ("-t", 1), "-an")), [video(seconds=19)], 19),
        (ask(input_options=[options(("-itsscale", 0.02), ("-t", 0.1))]), [video(seconds=19)], 5),
        (ask(input_options=[options(("-r", 240), ("-t", 1))]), [video(seconds=19)], 19),
        (ask("jpeg", options=options(("@thumbnail", {"count": 4}))), [video(seconds=19)], 19),
    ],
)  # fmt: skip
def test_the_estimate_says_what_the_request_says(
    request_: Any, probes: list[Probe | None], seconds: float
) -> None:
    assert billable_seconds(check(request_), probes) == pytest.approx(seconds)
