"""Virtual options other than words: cards, marks, thumbnails, cuts, speed, loudness; and together.

What they do is read from the pixels and the audio of the output.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lib.media.errors import Refused
from lib.media.request.check import check
from lib.media.run.ffmpeg import binary
from tests.rigs.media.pixels import Box, Frame, drawn, frame, job, look
from tests.rigs.media.plans import ask, options, planned, video

Make = Callable[..., Path]
LOGO = "https://example.com/logo.png"
RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


@pytest.fixture(scope="module")
def logo(make_media: Make) -> Path:
    """Red, twice as wide as high."""
    return make_media("logo.png", "-f", "lavfi", "-i", "color=red:s=200x100", "-frames:v", "1")


@pytest.fixture(scope="module")
def colors(make_media: Make) -> Path:
    """Nine seconds: three of red, three of green, three of blue; a tone that rises with them."""
    graph = ";".join(
        f"color={name}:s=160x90:r=10:d=3[v{number}];sine=f={220 * 2**number}:d=3[a{number}]"
        for number, name in enumerate(("red", "lime", "blue"))
    )
    pads = "".join(f"[v{number}][a{number}]" for number in range(3))
    return make_media(
        "colors.mp4", "-filter_complex", f"{graph};{pads}concat=n=3:v=1:a=1",
        "-pix_fmt", "yuv420p", "-g", "20",
    )  # fmt: skip


# @quote-card


def test_quote_card(tmp_path: Path, picture: Path, before: Frame) -> None:
    quote = {"quote": "Well begun is half done.", "style": {"fontSize": 30}}
    alone = drawn(tmp_path, picture, ("@quote-card", quote))
    assert alone.at(3, 3) == pytest.approx((13, 26, 38), abs=4)  # all of it is darkened
    said = _bright(alone)
    assert said.middle == pytest.approx((240, 135), abs=8)
    signed = drawn(tmp_path, picture, ("@quote-card", quote | {"name": "Ari", "handle": "@ari"}))
    assert _bright(signed).height > said.height + 25  # who said it stands below
    assert signed != drawn(tmp_path, picture, ("@quote-card", quote | {"name": "Ari"}))
    narrow = quote | {"style": {"fontSize": 30, "charsPerLine": 8, "fontColor": "#ffff00"}}
    wrapped = drawn(tmp_path, picture, ("@quote-card", narrow))
    assert _bright(wrapped).width < 0.6 * said.width
    assert wrapped.count((255, 255, 0)) > 300


def _bright(after: Frame) -> Box:
    black = Frame(after.width, after.height, bytes(len(after.data)))
    box = after.changed(black, 120)
    across, down = {x for x, _ in box}, {y for _, y in box}
    return Box(min(across), min(down), max(across) + 1, max(down) + 1)


def test_members_that_are_not_known_are_warned_of() -> None:
    payload = {
        "quote": "Yes", "photo_url": "https://example.com/p.png", "output": "video",
        "style": {"fontSize": 30, "shadow": 3},
    }  # fmt: skip
    warnings = check(ask(options=options(("@quote-card", payload)))).warnings
    assert [re.findall("'(.*?)'", each)[0] for each in warnings] == [
        "photo_url", "output", "style.shadow",
    ]  # fmt: skip
    for name, argument in (
        ("@watermark", {"input": 0, "scale": 2}), ("@trim", {"end": 2, "from": 1}),
        ("@speed", {"factor": 2, "pitch": 1}), ("@normalize", {"lufs": -16}),
        ("@subtitles", {"url": "https://example.com/a.srt", "lang": "en"}),
    ):  # fmt: skip
        assert len(check(ask(options=options((name, argument)))).warnings) == 1, name


# @watermark


@pytest.mark.parametrize(
    ("position", "corner"),
    [
        ("top-left", (20, 20)), ("top", (192, 20)), ("top-right", (364, 20)),
        ("left", (20, 111)), ("center", (192, 111)), ("right", (364, 111)),
        ("bottom-left", (20, 202)), ("bottom-center", (192, 202)), ("bottom-right", (364, 202)),
    ],
)  # fmt: skip
def test_watermark_positions(
    tmp_path: Path, picture: Path, before: Frame, logo: Path, position: str,
    corner: tuple[int, int],
) -> None:  # fmt: skip
    after = _marked(tmp_path, picture, logo, position=position, size=0.2)
    assert after.drawn(before) == pytest.approx((*corner, corner[0] + 96, corner[1] + 48), abs=1)
    assert after.count(RED, near=8) == pytest.approx(96 * 48, rel=0.03)


@pytest.mark.parametrize(
    ("size", "width"), [("small", 58), ("medium", 96), ("large", 168), (0.5, 240), ("0.5", 240)]
)
def test_watermark_sizes(
    tmp_path: Path, picture: Path, before: Frame, logo: Path, size: Any, width: int
) -> None:
    box = _marked(tmp_path, picture, logo, size=size).drawn(before)
    assert (box.width, box.height) == pytest.approx((width, width / 2), abs=1)
    assert (box.right, box.bottom) == pytest.approx((460, 250), abs=1)


def test_watermark_margin_and_opacity(
    tmp_path: Path, picture: Path, before: Frame, logo: Path
) -> None:
    after = _marked(tmp_path, picture, logo, margin=0, opacity=0.25, size=0.2)
    box = after.drawn(before)
    assert (box.right, box.bottom) == (480, 270)
    # A quarter of red, three quarters of what lies below.
    assert after.at(450, 260) == pytest.approx((88, 48, 72), abs=4)
    with pytest.raises(AssertionError, match="nothing was drawn"):
        _marked(tmp_path, picture, logo, opacity=0).drawn(before)


def _marked(folder: Path, picture: Path, logo: Path, **mark: Any) -> Frame:
    files = {LOGO: logo.read_bytes()}
    return drawn(folder, picture, ("@watermark", {"url": LOGO} | mark), files=files)


def test_watermark_of_an_input(
    tmp_path: Path, picture: Path, before: Frame, logo: Path, colors: Path
) -> None:
    after = drawn(tmp_path, [picture, logo], ("@watermark", {"input": 1, "size": 0.2}))
    assert after.drawn(before) == pytest.approx((364, 202, 460, 250), abs=1)
    overlay_job = job(
        tmp_path, [colors, logo], ("@watermark", {"input": 1, "margin": 0, "size": 0.5}),
        output_format="mp4",
    )  # fmt: skip
    facts = look(overlay_job)
    assert facts.duration == pytest.approx(9, abs=0.15)  # a still lasts as long as the video
    assert facts.audio is not None
    assert frame(overlay_job, 8.5).at(150, 80) == pytest.approx(RED, abs=12)
    assert frame(overlay_job, 8.5).at(5, 5) == pytest.approx(BLUE, abs=12)
    with pytest.raises(Refused, match="no input 2"):
        check(ask(inputs=2, options=options(("@watermark", {"input": 2}))))


# @thumbnail


@pytest.mark.parametrize(
    ("at", "color"),
    [
        (1, RED), (4.5, GREEN), ("00:00:08", BLUE), ("10%", RED), ("50%", GREEN), ("90%", BLUE),
        ("100%", BLUE), (99, BLUE), (None, RED), (0, RED),
    ],
)  # fmt: skip
def test_thumbnail_at_a_time(
    tmp_path: Path, colors: Path, at: Any, color: tuple[int, int, int]
) -> None:
    after = drawn(tmp_path, colors, ("@thumbnail", {"at": at}))
    assert (after.width, after.height) == (160, 90)
    assert after.at(80, 45) == pytest.approx(color, abs=8)


def test_thumbnail_width_and_formats(tmp_path: Path, colors: Path) -> None:
    for name in ("png", "jpeg", "webp"):
        after = drawn(tmp_path, colors, ("@thumbnail", {"at": 4, "width": 64}), output_format=name)
        assert (after.width, after.height) == (64, 36)
        assert after.at(32, 18) == pytest.approx(GREEN, abs=12)


def test_thumbnails_on_a_sheet(tmp_path: Path, colors: Path) -> None:
    """Nine of nine seconds: three of each color, in rows, with a frame of black around each."""
    after = drawn(tmp_path, colors, ("@thumbnail", {"count": 9, "width": 80}))
    side, high = 84, 48  # 80x44 (even) and 4 between
    assert after.width == 4 + 3 * side
    rows = [
        [after.at(4 + 40 + side * column, 4 + 22 + high * row) for column in range(3)]
        for row in range(3)
    ]
    for row, color in zip(rows, (RED, GREEN, BLUE), strict=True):
        for cell in row:
            assert cell == pytest.approx(color, abs=12)
    assert after.at(1, 1) == BLACK
    strip = drawn(tmp_path, colors, ("@thumbnail", {"count": 3, "columns": 3, "width": 40}))
    assert strip.width == 4 + 3 * 44
    assert [strip.at(24 + 44 * column, 14) for column in range(3)] == [
        pytest.approx(color, abs=12) for color in (RED, GREEN, BLUE)
    ]


# @trim, @speed, @normalize


@pytest.mark.parametrize(
    ("trim", "seconds", "first", "last"),
    [
        ({"start": 2, "end": 4}, 2, RED, GREEN),
        ({"start": "00:00:03", "duration": 3}, 3, GREEN, GREEN),
        ({"start": 7}, 2, BLUE, BLUE),
        ({"end": 1.5}, 1.5, RED, RED),
        ({"start": "5.5", "end": 99}, 3.5, GREEN, BLUE),
    ],
)
def test_trim(
    tmp_path: Path, colors: Path, trim: dict[str, Any], seconds: float, first: Any, last: Any
) -> None:
    after = job(tmp_path, colors, ("@trim", trim), output_format="mp4")
    facts = look(after)
    assert facts.duration == pytest.approx(seconds, abs=0.12)
    assert frame(after).at(80, 45) == pytest.approx(first, abs=12)
    assert frame(after, seconds - 0.2).at(80, 45) == pytest.approx(last, abs=12)
    assert facts.audio is not None
    # The tone is that of the part: an octave higher with each color.
    pitches = {RED: 220, GREEN: 440, BLUE: 880}
    assert _pitch(after, 0.1, 0.3) == pytest.approx(pitches[first], rel=0.05)
    assert _pitch(after, seconds - 0.4, 0.3) == pytest.approx(pitches[last], rel=0.05)


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.5, 4])
def test_speed(tmp_path: Path, colors: Path, factor: float) -> None:
    after = job(tmp_path, colors, ("@speed", {"factor": factor}), output_format="mp4")
    length = 9 / factor
    facts = look(after)
    assert facts.duration == pytest.approx(length, rel=0.03)
    assert _seconds_of_sound(after) == pytest.approx(length, rel=0.03)
    for share, color, pitch in ((1 / 6, RED, 220), (1 / 2, GREEN, 440), (5 / 6, BLUE, 880)):
        assert frame(after, length * share).at(80, 45) == pytest.approx(color, abs=12)
        # Sound and picture keep together, and the pitch stays.
        assert _pitch(after, length * share, 0.2) == pytest.approx(pitch, rel=0.06)


def test_speed_may_be_a_bare_number(tmp_path: Path) -> None:
    for argument in (2, "2", '{"factor": "2"}', {"factor": 2}):
        plan = planned(ask(options=options(("@speed", argument))), [video()])
        assert "setpts=PTS/2" in str(dict(plan.output.options)["-filter_complex"])


@pytest.mark.parametrize("target", [-23, -16])
def test_normalize(tmp_path: Path, make_media: Make, target: float) -> None:
    quiet = make_media(
        "quiet.wav", "-f", "lavfi", "-i", "anoisesrc=d=8:a=0.02:c=pink:r=48000:seed=7"
    )
    assert _loudness(quiet) < -35
    after = job(tmp_path, quiet, ("@normalize", {"target": target}), output_format="wav")
    assert _loudness(after) == pytest.approx(target, abs=1)
    assert look(after).duration == pytest.approx(8, abs=0.1)


def _ffmpeg(*arguments: str) -> str:
    command = [str(binary()), "-hide_banner", "-nostdin", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def _loudness(path: Path) -> float:
    """Integrated loudness in LUFS, EBU R 128."""
    report = _ffmpeg("-i", str(path), "-af", "ebur128", "-f", "null", "-")
    return float(re.findall(r"I: +(-?[\d.]+) LUFS", report)[-1])


def _samples(path: Path, start: float, seconds: float) -> list[int]:
    data = subprocess.run(
        [str(binary()), "-loglevel", "error", "-i", str(path), "-ss", str(start), "-t",
         str(seconds), "-ac", "1", "-ar", "16000", "-f", "u8", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return [each - 128 for each in data]


def _pitch(path: Path, start: float, seconds: float) -> float:
    """Hertz of a pure tone, by how often it crosses zero."""
    samples = _samples(path, start, seconds)
    signs = [each > 0 for each in samples if abs(each) > 1]
    crossings = sum(one != other for one, other in pairwise(signs))
    return crossings / 2 / (len(samples) / 16000)


def _seconds_of_sound(path: Path) -> float:
    report = _ffmpeg("-i", str(path), "-map", "0:a", "-f", "null", "-")
    hours, minutes, rest = re.findall(r"time=(\d+):(\d+):([\d.]+)", report)[-1]
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


# Together


def test_with_raw_options(tmp_path: Path, make_media: Make) -> None:
    """The caller's -vf comes first, then the virtual ones, and -crf is obeyed."""
    halves = make_media(
        "halves.mp4", "-f", "lavfi", "-i",
        "color=blue:s=160x180:r=10:d=1[b];color=lime:s=160x180:r=10:d=1[a];[b][a]hstack",
        "-pix_fmt", "yuv420p",
    )  # fmt: skip
    words = ("@text-overlay", {"text": "LL", "style": {
        "fontSize": 40, "boxBorderW": 0, "x": 20, "y": 20}})  # fmt: skip
    sizes = {}
    for crf in (10, 45):
        after = job(
            tmp_path, halves, ("-vf", "hflip"), words, ("-crf", crf), ("-preset", "ultrafast"),
            output_format="mp4",
        )  # fmt: skip
        sizes[crf] = after.stat().st_size
        seen = frame(after)
        assert seen.at(10, 170) == pytest.approx(GREEN, abs=40)  # flipped
        assert seen.at(310, 170) == pytest.approx(BLUE, abs=40)
        flipped = drawn(tmp_path, halves, ("-vf", "hflip"))
        box = seen.changed(flipped, 110)
        assert min(x for x, _ in box) == pytest.approx(24, abs=5)  # the words are not
    assert sizes[10] > sizes[45]
    plan = planned(ask(options=options(("-vf", "hflip"), words, ("-crf", 30))), [video()])
    assert plan.source == "virtual_options"
    assert dict(plan.output.options)["-crf"] == "30"
    assert str(dict(plan.output.options)["-filter_complex"]).startswith("[0:v:0]hflip")


def test_the_order_is_respected(tmp_path: Path, picture: Path, before: Frame, logo: Path) -> None:
    """What comes later lies above."""
    mark = ("@watermark", {"url": LOGO, "position": "center", "size": 0.5})
    words = ("@text-overlay", {"text": "████", "style": {
        "fontSize": 40, "boxBorderW": 0, "fontColor": "#00ff00"}})  # fmt: skip
    files = {LOGO: logo.read_bytes()}
    above = drawn(tmp_path, picture, mark, words, files=files)
    below = drawn(tmp_path, picture, words, mark, files=files)
    assert above.count(GREEN) > 1000
    assert below.count(GREEN) == 0
    assert below.count(RED, near=10) > above.count(RED, near=10)


def test_as_text_that_holds_json(tmp_path: Path, picture: Path) -> None:
    """As n8n sends them."""
    style = {"fontSize": 30, "position": "top"}
    pairs: list[tuple[Any, Any]] = [
        ({"text": "Hi", "style": style},
         '{"text": "Hi", "style": {"fontSize": 30, "position": "top"}}'),
    ]  # fmt: skip
    for as_object, as_text in pairs:
        assert drawn(tmp_path, picture, ("@text-overlay", as_object)) == drawn(
            tmp_path, picture, ("@text-overlay", as_text)
        )
    for bad in ("{", "[]", "7", '"text"'):
        with pytest.raises(Refused, match="object"):
            check(ask(options=options(("@text-overlay", bad))))


def test_many_at_once(tmp_path: Path, colors: Path, logo: Path) -> None:
    after = job(
        tmp_path, colors,
        ("@trim", {"start": 3, "end": 6}),
        ("@speed", {"factor": 1.5}),
        ("@watermark", {"url": LOGO, "position": "top-left", "margin": 0, "size": 0.5}),
        ("@text-overlay", {"text": "Hi", "style": {"fontSize": 20, "position": "bottom"}}),
        ("@normalize", {}),
        output_format="mp4", files={LOGO: logo.read_bytes()},
    )  # fmt: skip
    assert look(after).duration == pytest.approx(2, abs=0.1)
    for moment in (0.1, 1.8):
        seen = frame(after, moment)
        assert seen.at(20, 20) == pytest.approx(RED, abs=16)
        assert seen.at(150, 10) == pytest.approx(GREEN, abs=16)
        assert seen.at(150, 80) == pytest.approx(GREEN, abs=16)
        assert any(max(seen.at(x, 40)) < 160 for x in range(60, 100))  # the box of the words
    assert look(after).audio is not None
