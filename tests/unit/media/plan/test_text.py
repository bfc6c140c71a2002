"""@text-overlay: each key of its style, shown by pixels of a plain picture of 480x270."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.media.request.check import check
from tests.rigs.media.pixels import Box, Frame, frame, job, overlay
from tests.rigs.media.plans import ask, options

Make = Callable[..., Path]
PLAIN = {"fontSize": 28, "boxBorderW": 0}


def test_words_are_burned_into_the_middle_and_nowhere_else(
    tmp_path: Path, picture: Path, before: Frame
) -> None:
    after = overlay(tmp_path, picture, "Words", boxBorderW=0)
    box = after.drawn(before)
    assert box.middle == pytest.approx((240, 135), abs=2)
    assert 90 < box.width < 160
    assert 30 < box.height < 48  # capitals of an em of 48
    inked = after.changed(before)
    assert 0.15 < len(inked) / (box.width * box.height) < 0.6  # letters, not a slab
    assert after.count((255, 255, 255)) > 500


POSITIONS = {
    "top-left": "lt", "top": "ct", "top-center": "ct", "top-right": "rt", "left": "lm",
    "center-left": "lm", "center": "cm", "middle": "cm", "center-right": "rm", "right": "rm",
    "bottom-left": "lb", "bottom": "cb", "bottom-center": "cb", "bottom-right": "rb",
    "Bottom Right": "rb", "top_left": "lt", "bottomCenter": "cb",
}  # fmt: skip


@pytest.mark.parametrize("name", POSITIONS)
def test_positions(tmp_path: Path, picture: Path, before: Frame, name: str) -> None:
    box = overlay(tmp_path, picture, "Here", position=name, margin=30, **PLAIN).drawn(before)
    assert _lies(box) == POSITIONS[name]


def _lies(box: Box) -> str:
    """Where words with a margin of 30 lie in 480x270."""
    across = {"l": box.left - 30, "c": box.middle[0] - 240, "r": box.right - 450}
    down = {"t": box.top - 30, "m": box.middle[1] - 135, "b": box.bottom - 240}
    return "".join(
        next((name for name, off in offs.items() if abs(off) <= 2), "?") for offs in (across, down)
    )


@pytest.mark.parametrize(
    ("x", "y", "corner"),
    [
        (0, 0, (0, 0)),
        ("10", "20", (10, 20)),
        ("w/4", "h/2", (120, 135)),
        ("if(gt(w,h),w/10,0)", "max(5,h-text_h-500)", (48, 5)),
    ],
)
def test_x_and_y(
    tmp_path: Path, picture: Path, before: Frame, x: Any, y: Any, corner: tuple[int, int]
) -> None:
    box = overlay(tmp_path, picture, "Here", x=x, y=y, **PLAIN).drawn(before)
    assert (box.left, box.top) == pytest.approx(corner, abs=2)


def test_expressions_reckon_with_the_size_of_the_words(
    tmp_path: Path, picture: Path, before: Frame
) -> None:
    box = overlay(tmp_path, picture, "Here", x="w-text_w-7", y="H-th-9", **PLAIN).drawn(before)
    assert (box.right, box.bottom) == pytest.approx((473, 261), abs=2)


def test_the_box_reaches_as_far_as_asked(tmp_path: Path, picture: Path, before: Frame) -> None:
    words = overlay(tmp_path, picture, "Box", x=100, y=100, fontSize=28, boxBorderW=0)
    ink = words.drawn(before)
    boxed = overlay(
        tmp_path, picture, "Box", x=100, y=100, fontSize=28, boxBorderW=15, boxColor="red"
    )
    box = boxed.drawn(before)
    assert box == pytest.approx(
        (ink.left - 15, ink.top - 15, ink.right + 15, ink.bottom + 15), abs=2
    )
    assert boxed.at(box.left + 2, box.top + 2) == pytest.approx((255, 0, 0), abs=4)
    usual = overlay(tmp_path, picture, "Box")  # black, half seen through, 20 wide
    assert usual.at(240, 135 - 30) == pytest.approx((16, 32, 48), abs=4)


def test_size(tmp_path: Path, picture: Path, before: Frame) -> None:
    small, large = (
        overlay(tmp_path, picture, "HHH", fontSize=size, boxBorderW=0).drawn(before)
        for size in (30, 60)
    )
    assert large.height / small.height == pytest.approx(2, abs=0.12)
    assert large.width / small.width == pytest.approx(2, abs=0.12)
    assert small.height == pytest.approx(30 * 0.716, abs=2)  # Arial's capitals


def test_color(tmp_path: Path, picture: Path) -> None:
    for color, drawn in (
        ("red", (255, 0, 0)), ("#00ff80", (0, 255, 128)), ("0xFFFF00", (255, 255, 0)),
        ("white@0.5", (143, 159, 175)),
    ):  # fmt: skip
        after = overlay(tmp_path, picture, "███", fontColor=color, **PLAIN)
        assert after.count(drawn, near=6) > 500, color


def test_line_breaks_and_line_spacing(tmp_path: Path, picture: Path, before: Frame) -> None:
    steps = []
    for spacing in (0, 25):
        after = overlay(tmp_path, picture, "HHH\nHHH\nHHH", lineSpacing=spacing, **PLAIN)
        tops = [top for top, _ in after.lines(before)]
        assert len(tops) == 3
        assert tops[2] - tops[1] == pytest.approx(tops[1] - tops[0], abs=1)
        steps.append(tops[1] - tops[0])
    assert steps[1] - steps[0] == pytest.approx(25, abs=1)
    assert steps[0] == pytest.approx(28 * 1.2, abs=2)


def test_wrapping(tmp_path: Path, picture: Path, before: Frame) -> None:
    words = "HHHH HHHH HHHH HHHH"
    assert len(overlay(tmp_path, picture, words, fontSize=20, boxBorderW=0).lines(before)) == 1
    after = overlay(tmp_path, picture, words, charsPerLine=9, fontSize=20, boxBorderW=0)
    assert len(after.lines(before)) == 2
    narrow = overlay(tmp_path, picture, words, textWidth=130, fontSize=20, boxBorderW=0)
    assert len(narrow.lines(before)) == 2
    assert 90 < narrow.drawn(before).width < 160
    asian = overlay(tmp_path, picture, "国" * 12, textWidth=130, fontSize=20, boxBorderW=0)
    assert asian.drawn(before).width <= 130


def test_alignment_of_lines(tmp_path: Path, picture: Path, before: Frame) -> None:
    for align in ("left", "center", "right"):
        after = overlay(tmp_path, picture, "HHHHHH\nHH", align=align, **PLAIN)
        (top, bottom), whole = after.lines(before)[1], after.drawn(before)
        short = [x for x, y in after.changed(before) if top <= y < bottom]
        before_, behind = min(short) - whole.left, whole.right - 1 - max(short)
        assert {"left": before_, "center": abs(before_ - behind), "right": behind}[align] <= 2
        assert before_ + behind > 40


def test_outline(tmp_path: Path, picture: Path, before: Frame) -> None:
    bare = overlay(tmp_path, picture, "Line", **PLAIN)
    lined = overlay(tmp_path, picture, "Line", outlineThickness=4, outlineColor="#ff0000", **PLAIN)
    assert bare.count((255, 0, 0)) == 0
    assert lined.count((255, 0, 0)) > 400
    assert lined.drawn(before).height - bare.drawn(before).height == pytest.approx(8, abs=2)
    assert lined.count((255, 255, 255)) > 0.6 * bare.count((255, 255, 255))


def test_bold_and_italic(tmp_path: Path, picture: Path, before: Frame) -> None:
    plain, bold, italic = (
        overlay(tmp_path, picture, "IIII", **PLAIN, **style)
        for style in ({}, {"bold": True}, {"italic": True})
    )
    assert len(bold.changed(before)) > 1.2 * len(plain.changed(before))
    assert italic.drawn(before).width > plain.drawn(before).width
    assert italic.changed(before) != plain.changed(before)


def test_what_would_be_syntax_is_drawn_as_it_stands(
    tmp_path: Path, picture: Path, before: Frame
) -> None:
    """Nothing in it is markup to libass, nor to ffmpeg's graphs."""
    plain = overlay(tmp_path, picture, "a", **PLAIN).drawn(before)
    for words in ("{\\b1}a", "a\\Na", "a\\ha", "a,[b];c:d=e", "100% 'a' \"b\"", "%{pts}", "a\\"):
        result = overlay(tmp_path, picture, words, **PLAIN)
        assert len(result.lines(before)) <= 2, words  # the dot of a letter may stand apart
        assert result.drawn(before).width > 1.4 * plain.width, words


def test_visible_from_start_to_end(tmp_path: Path, make_media: Make) -> None:
    dark = make_media("dark.mp4", "-f", "lavfi", "-i", "color=0x204060:s=160x90:r=10:d=3")
    style = {"fontSize": 30, "boxBorderW": 0, "start": 1, "end": 2}
    after = job(
        tmp_path, dark, ("@text-overlay", {"text": "Hi", "style": style}), output_format="mp4"
    )
    seen = [
        bool(frame(after, moment).changed(frame(dark, moment), 80)) for moment in (0.5, 1.5, 2.5)
    ]
    assert seen == [False, True, False]


def test_what_is_not_known_is_a_warning(tmp_path: Path, picture: Path) -> None:
    payload = {"text": "Hi", "color": "red", "style": {"shadow": 2, "position": "upwards"}}
    text = str(check(ask("png", options=options(("@text-overlay", payload)))).warnings)
    assert [part for part in ("'color'", "'style.shadow'", "'upwards'") if part in text] == [
        "'color'", "'style.shadow'", "'upwards'"
    ]  # fmt: skip
    assert overlay(tmp_path, picture, "Hi", shadow=2) == overlay(tmp_path, picture, "Hi")
    known = {"fontSize": 20, "position": "bottom-right", "outlineThickness": 2, "margin": 9}
    clean = options(("@text-overlay", {"text": "Hi", "style": known}))
    assert check(ask("png", options=clean)).warnings == []


def test_numbers_may_come_as_text_and_the_object_as_json(tmp_path: Path, picture: Path) -> None:
    as_object = overlay(tmp_path, picture, "Größe\nзwei", fontSize=30, x=40, y=50)
    written = '{"text": "Größe\\nзwei", "style": {"fontSize": "30", "x": "40", "y": "50"}}'
    as_text = frame(job(tmp_path, picture, ("@text-overlay", written)))
    assert as_object == as_text
