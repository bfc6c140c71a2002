"""Every script is drawn with a packaged font: shaped, in its order, and never as empty boxes."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from lib.media import fonts
from lib.media.plan import text
from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from tests.rigs.media.pixels import Box, Frame, drawn, frame, overlay
from tests.rigs.media.plans import LIMITS
from tools.overlays import SCRIPTS

Make = Callable[..., Path]
Places = set[tuple[int, int]]
Shape = frozenset[tuple[int, int]]
UNASSIGNED = "\U0003fffd"
"""A letter that no font has: what it looks like is what a missing letter looks like."""
VAV = "\u05d5"
PAIRS = {
    "Latin": "ßŁ", "Vietnamese": "ếự", "Cyrillic": "Жф", "Greek": "Ωλ", "polytonic": "ἀᾷ",
    "Arabic": "مش", "Persian": "پگ", "Hebrew": "שם", "Devanagari": "नम", "Bengali": "বশ",
    "Gurmukhi": "ਸਤ", "Gujarati": "નમ", "Oriya": "ନମ", "Tamil": "வண", "Telugu": "హల",
    "Kannada": "ನಮ", "Malayalam": "നമ", "Sinhala": "ආය", "Thai": "สว", "Lao": "ສບ",
    "Myanmar": "မက", "Khmer": "សព", "Georgian": "გმ", "Armenian": "Բխ", "Ethiopic": "ሰለ",
    "Chinese": "你好", "Japanese": "こカ", "Korean": "안녕", "emoji": "😀🚀", "signs": "★✓",
    "currencies": "₹₿",
}  # fmt: skip


@pytest.fixture(scope="module")
def picture(make_media: Make) -> Path:
    return make_media(
        "plain360x200.png", "-f", "lavfi", "-i", "color=0x204060:s=360x200", "-frames:v", "1"
    )


@pytest.fixture(scope="module")
def before(picture: Path) -> Frame:
    return frame(picture)


@pytest.fixture(scope="module")
def missing(
    picture: Path, before: Frame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shape, Shape]:
    """A missing letter, as an overlay and as drawtext show it."""
    folder = tmp_path_factory.mktemp("missing")
    overlaid, direct = words(folder, picture, UNASSIGNED), drawtext(folder, picture, UNASSIGNED)
    return _shape(overlaid.changed(before)), _shape(direct.changed(before))


def words(folder: Path, picture: Path, said: str, font: str = "Arial", spacing: int = 0) -> Frame:
    """A text at a fixed place, so that the same words give the same pixels."""
    return overlay(
        folder, picture, said, font=font, fontSize=40, boxBorderW=0, x=10, y=10,
        lineSpacing=spacing,
    )  # fmt: skip


def drawtext(folder: Path, picture: Path, said: str, font: str = "") -> Frame:
    """A text drawn by the caller's own filter."""
    return drawn(folder, picture, ("-vf", _drawtext(said, font, 10)))


def _drawtext(said: str, font: str, y: int) -> str:
    names = f":font='{font}'" if font else ""
    return f"drawtext=text='{said}'{names}:fontsize=40:fontcolor=white:x=10:y={y}"


def _half(after: Frame, before: Frame, top: int, bottom: int) -> Places:
    return {(x, y) for x, y in after.changed(before) if top <= y < bottom}


def _shape(places: Places) -> Shape:
    """What was drawn, wherever it stands."""
    left, top = min(x for x, _ in places), min(y for _, y in places)
    return frozenset((x - left, y - top) for x, y in places)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_two_letters_of_a_script_differ_from_each_other_and_from_a_missing_one(
    tmp_path: Path, picture: Path, before: Frame, missing: tuple[Shape, Shape], name: str
) -> None:
    after = words(tmp_path, picture, "\n".join(PAIRS[name]), spacing=60)
    halves = _half(after, before, 0, 95), _half(after, before, 95, 200)
    assert len({*map(_shape, halves), missing[0]}) == 3
    for letter in halves:
        assert len(letter) > 60
        rows = {y for _, y in letter}
        assert 12 < max(rows) - min(rows) < 60  # about an em, whatever the font


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("signs", "currencies")])
def test_drawtext_takes_the_font_of_the_script(
    tmp_path: Path, picture: Path, before: Frame, missing: tuple[Shape, Shape], name: str
) -> None:
    one, other = list(PAIRS[name])
    graph = f"{_drawtext(one, '', 10)},{_drawtext(other, '', 110)}"
    after = drawn(tmp_path, picture, ("-vf", graph))
    halves = _half(after, before, 0, 95), _half(after, before, 95, 200)
    assert len({*map(_shape, halves), missing[1]}) == 3
    assert min(map(len, halves)) > 60


@pytest.mark.parametrize(
    ("font", "like"),
    [("", "Arimo"), ("Arial", "Arimo"), ("DejaVu Sans", "Noto Sans"), ("Helvetica", "Arimo"),
     ("Courier New", "Roboto Mono"), ("No Such Font", "Arimo"), ("Times New Roman", "Lora")],
)  # fmt: skip
def test_drawtext_with_the_names_that_callers_know(
    tmp_path: Path, picture: Path, before: Frame, font: str, like: str
) -> None:
    for said in ("Hamburg", "Привет"):
        after = drawtext(tmp_path, picture, said, font)
        assert after == drawtext(tmp_path, picture, said, like)
        box = after.drawn(before)
        assert (box.left, box.top) == pytest.approx((11, 11), abs=6)
        assert box.width > 80


def test_families_are_what_they_are_called(tmp_path: Path, picture: Path) -> None:
    looks = {words(tmp_path, picture, "Rag", family.name) for family in fonts.FAMILIES}
    assert len(looks) == len(fonts.FAMILIES)
    assert words(tmp_path, picture, "Rag", "Arial") in looks


def test_arabic_letters_join(tmp_path: Path, picture: Path, before: Frame) -> None:
    joined = words(tmp_path, picture, "ببب")
    apart = words(tmp_path, picture, "ب\u200cب\u200cب")
    assert joined != apart
    assert joined.drawn(before).width < 0.8 * apart.drawn(before).width
    # Joined letters are one stroke: no column between them is empty. Apart, two gaps are.
    assert (_gaps(joined, before), _gaps(apart, before)) == (0, 2)


def test_arabic_runs_from_right_to_left(tmp_path: Path, picture: Path, before: Frame) -> None:
    """An alef does not join what follows: it stands apart, and at the right."""
    after = words(tmp_path, picture, "اببب")
    alone = words(tmp_path, picture, "ببب").drawn(before)
    bars = [x for x in _columns(after, before) if x > alone.right]
    assert bars
    assert max(bars) - min(bars) < 10


def test_hebrew_begins_at_the_right(tmp_path: Path, picture: Path, before: Frame) -> None:
    """A vav is a bar and a shin is wide; with a Latin word, each keeps its own direction."""
    bar = words(tmp_path, picture, VAV).drawn(before).width
    shin = words(tmp_path, picture, "ש").drawn(before).width
    assert bar < 0.5 * shin
    first, last = _letters(words(tmp_path, picture, f"ש {VAV}"), before)
    assert (first.width, last.width) == pytest.approx((bar, shin), abs=1)
    left, *_, right = _letters(words(tmp_path, picture, "ש I"), before)
    assert left.width < right.width


def test_indic_letters_are_shaped(tmp_path: Path, picture: Path, before: Frame) -> None:
    """The vowel sign i is written after its consonant and drawn before it; joiners hold."""
    plain, marked = words(tmp_path, picture, "न"), words(tmp_path, picture, "नि")
    assert marked.drawn(before).width > plain.drawn(before).width
    assert words(tmp_path, picture, "क्ष") != words(tmp_path, picture, "क्\u200cष")
    assert words(tmp_path, picture, "ශ්\u200dරී") != words(tmp_path, picture, "ශ්රී")


def test_chinese_letters_look_as_their_language_has_them(tmp_path: Path, picture: Path) -> None:
    # 骨 is drawn otherwise in Chinese than in Japanese, which kana in the text tell.
    chinese, japanese = (
        drawn(tmp_path, picture, ("@text-overlay", {"text": said, "style": {
            "fontSize": 40, "boxBorderW": 0, "x": 10, "y": 10, "align": "left"}}))
        for said in ("骨\n中", "骨\nの")
    )  # fmt: skip
    cut = [{(x, y) for x, y in each.changed(frame(picture)) if y < 52}
           for each in (chinese, japanese)]  # fmt: skip
    assert cut[0] != cut[1]


def test_mixed_scripts_stand_on_one_line(tmp_path: Path, picture: Path, before: Frame) -> None:
    """Each is drawn with its own font at the same size, and all on the same baseline."""
    after = words(tmp_path, picture, "HПΩ國H")
    letters = _letters(after, before)
    assert letters[0].bottom == letters[1].bottom == letters[-1].bottom
    heights = [each.height for each in (letters[0], letters[1], letters[-1])]
    assert max(heights) - min(heights) <= 1


def test_emoji_leave_the_words_of_a_drawtext_readable(tmp_path: Path, picture: Path) -> None:
    assert drawtext(tmp_path, picture, "Hi😀") == drawtext(tmp_path, picture, "Hi")


@pytest.mark.parametrize(("font", "said"), [("Impact", "Жф"), ("Times", "Ωλ"), ("Oswald", "Ωλ")])
def test_drawtext_changes_a_font_that_lacks_the_letters(
    tmp_path: Path, picture: Path, font: str, said: str
) -> None:
    assert drawtext(tmp_path, picture, said, font) == drawtext(tmp_path, picture, said, "Arimo")
    assert drawtext(tmp_path, picture, "Rag", font) != drawtext(tmp_path, picture, "Rag", "Arimo")


def _columns(after: Frame, before: Frame) -> list[int]:
    return sorted({x for x, _ in after.changed(before)})


def _gaps(after: Frame, before: Frame) -> int:
    """How many times ink stops and begins again from left to right."""
    columns = _columns(after, before)
    return sum(right - left > 1 for left, right in pairwise(columns))


def _letters(after: Frame, before: Frame) -> list[Box]:
    """The boxes of what stands apart, from left to right."""
    changed = after.changed(before)
    columns = sorted({x for x, _ in changed})
    starts = [x for x in columns if x - 1 not in columns]
    ends = [x + 1 for x in columns if x + 1 not in columns]
    boxes = []
    for left, right in zip(starts, ends, strict=True):
        rows = [y for x, y in changed if left <= x < right]
        boxes.append(Box(left, min(rows), right, max(rows) + 1))
    return boxes


# A machine without fonts, and one whose fonts are others.


def test_only_packaged_folders_are_looked_into() -> None:
    written = fonts.configuration().read_text()
    assert re.findall("<dir>(.*?)</dir>", written) == [str(each) for each in fonts.folders()]
    own = str(fonts.configuration().parent / fonts.CACHE)
    assert re.findall("<cachedir>(.*?)</cachedir>", written) == [own]
    assert not {"<include", "prefix=", "/usr/share"} & set(
        re.findall(r"<include|prefix=|/usr/share", written)
    )
    assert fonts.environment() == {"FONTCONFIG_FILE": str(fonts.configuration())}


def test_every_font_that_is_picked_is_packaged(tmp_path: Path) -> None:
    """libass names each file it draws with; no script makes it reach for another."""
    lines = [text.Line(said, 20, "white") for said in SCRIPTS.values()]
    look = text.Look(fonts.DEFAULT, "left", 0, 0, "black")
    result = text.lay_out(lines, look, border=0, box="")
    (tmp_path / "all.ass").write_text(result.script, encoding="utf-8")
    finished = sandbox.run(
        [str(binary()), "-hide_banner", "-nostdin", "-loglevel", "verbose", "-filter_complex",
         f"color=black:s={result.width}x{result.height},subtitles=all.ass[o]", "-map", "[o]",
         "-frames:v", "1", "-f", "null", "-"],
        folder=tmp_path, readable=fonts.readable(), environment=fonts.environment(), limits=LIMITS,
    )  # fmt: skip
    assert finished.returncode == 0, finished.report
    picked = set(re.findall(r"fontselect: .* -> (/.*?), \d", finished.report))
    assert len(picked) > 15
    for each in picked:
        assert any(Path(each).is_relative_to(folder) for folder in fonts.folders()), each
    assert "failed to find any fallback" not in finished.report


def test_fonts_of_the_machine_change_nothing(
    tmp_path: Path, picture: Path, before: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A font lies in wait that calls itself Arial and looks otherwise, where systems keep fonts."""
    expected = words(tmp_path, picture, "Rag"), drawtext(tmp_path, picture, "Rag", "Arial")
    home = tmp_path / "home"
    for place in (home / ".fonts", home / ".local" / "share" / "fonts"):
        place.mkdir(parents=True)
        (place / "trap.ttf").write_bytes(_trap())
    trap = tmp_path / "trap.conf"
    trap.write_text(f"<fontconfig><dir>{home / '.fonts'}</dir></fontconfig>")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local" / "share"))
    monkeypatch.setenv("FONTCONFIG_FILE", str(trap))
    assert (
        words(tmp_path, picture, "Rag"), drawtext(tmp_path, picture, "Rag", "Arial")
    ) == expected  # fmt: skip
    # The trap is one: outside the sandbox the same words come out in it.
    caught = tmp_path / "caught.png"
    subprocess.run(
        [str(binary()), "-loglevel", "error", "-nostdin", "-i", str(picture), "-vf",
         "drawtext=text=Rag:font=Arial:fontsize=40:fontcolor=white:x=10:y=10", str(caught)],
        check=True,
    )  # fmt: skip
    assert frame(caught).drawn(before)
    assert frame(caught) != expected[1]


def _trap() -> bytes:
    """Anton, calling itself Arial."""
    path = next(place for place in _files() if place.name.startswith("Anton"))
    data = path.read_bytes()
    renamed = data.replace("Anton".encode("utf-16-be"), "Arial".encode("utf-16-be"))
    assert renamed != data
    return renamed


def _files() -> list[Path]:
    return [
        place
        for folder in fonts.folders()
        for place in sorted(folder.rglob("*"))
        if place.suffix in (".ttf", ".otf", ".ttc")
    ]


def test_sizes_of_fonts_are_those_in_their_files() -> None:
    """fonts.py states how much of a font's height an em is; the OS/2 table has it."""
    in_files = dict(result for place in _files() for result in _extents(place.read_bytes()))
    stated = (*fonts.FAMILIES, *fonts.SCRIPTS, fonts.JAPANESE, fonts.KOREAN)
    for each in stated:
        assert in_files[each.name] == pytest.approx((each.ascent, each.descent), abs=0.001)


def _extents(data: bytes) -> list[tuple[str, tuple[float, float]]]:
    """Each font of a file by its family's name, with winAscent and winDescent in ems."""
    starts = [0]
    if data.startswith(b"ttcf"):
        starts = list(struct.unpack_from(f">{struct.unpack_from('>I', data, 8)[0]}I", data, 12))
    return [_extent(data, start) for start in starts]


def _extent(data: bytes, start: int) -> tuple[str, tuple[float, float]]:
    tables = {
        data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
        for at in range(start + 12, start + 12 + 16 * struct.unpack_from(">H", data, start + 4)[0],
                        16)
    }  # fmt: skip
    em = struct.unpack_from(">H", data, tables[b"head"] + 18)[0]
    ascent, descent = struct.unpack_from(">HH", data, tables[b"OS/2"] + 74)
    names = tables[b"name"]
    _, count, texts = struct.unpack_from(">HHH", data, names)
    result: dict[int, str] = {}
    for number in range(count):
        platform, _, _, kind, length, at = struct.unpack_from(">6H", data, names + 6 + 12 * number)
        if platform == 3:
            begin = names + texts + at
            result[kind] = data[begin : begin + length].decode("utf-16-be")
    return result.get(16, result[1]), (ascent / em, descent / em)
