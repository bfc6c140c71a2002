"""Subtitles by address: every way to write it, how the file is converted, and what is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.media.errors import Canceled, MediaError, Refused
from lib.media.request.check import check
from lib.media.run import subtitle_parser, subtitles
from tests.rigs.media.pixels import Frame, drawn, frame, job
from tests.rigs.media.plans import ask, options

Make = Callable[..., Path]
URL = "https://example.com/a.srt"
SIGNED = "https://x.supabase.co/storage/v1/object/sign/a/b.srt?token=eyJ.a-_b&download=1"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nHHHHHH\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nHHHHHH\n"
ASS = """[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&H00FFFFFF,&H0,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,HHHHHH
"""
STYLE = "force_style='FontSize=24,PrimaryColour=&H00FFFF00'"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (f"subtitles={URL}", URL),
        (f"subtitles='{URL}'", URL),
        ("subtitles=https\\://example.com/a.srt", URL),
        ("subtitles='https\\://example.com/a.srt'", URL),
        ("subtitles=https\\\\://example.com/a.srt", URL),
        ("subtitles=https\\\\\\://example.com/a.srt", URL),
        ("subtitles='https\\\\://example.com/a.srt'", URL),
        ("subtitles='https\\\\\\://example.com/a.srt'", URL),
        (f"subtitles=filename={URL}", URL),
        (f"subtitles=filename='{URL}'", URL),
        (f"subtitles=f='{URL}'", URL),
        ("ass=https\\://example.com/a.srt", URL),
        (f"subtitles='{SIGNED}'", SIGNED),
        (f"subtitles={SIGNED}", SIGNED),
        ("subtitles='" + SIGNED.replace(":", "\\:") + "'", SIGNED),
        ("subtitles='https://example.com\\:8443/a.srt'", "https://example.com:8443/a.srt"),
        ("subtitles='https://example.com/it%27s%2C.srt'", "https://example.com/it%27s%2C.srt"),
        ("subtitles=gs\\://bucket/a.srt", "gs://bucket/a.srt"),
        ("subtitles='gs://bucket/a.srt'", "gs://bucket/a.srt"),
    ],
)
@pytest.mark.parametrize("styled", [False, True])
def test_however_an_address_is_escaped_our_copy_is_read(
    written: str, address: str, styled: bool
) -> None:
    text = f"hflip,{written}" + (f":{STYLE}" if styled and "ass=" not in written else "")
    checked = check(ask(options=options(("-vf", text))))
    assert [(each.kind, each.url, each.name) for each in checked.remotes] == [
        ("subtitles", address, "subtitles0.ass")
    ]
    display = dict(checked.output)["-vf"] or ""
    name = "ass" if "ass=" in written else "subtitles"
    assert display.startswith(f"hflip,{name}=filename=subtitles0.ass")
    assert "://" not in display
    assert ("PrimaryColour" in display) == (styled and name == "subtitles")


def test_each_file_is_fetched_once_however_often_it_is_named() -> None:
    graph = f"subtitles='{URL}',subtitles='{URL}',subtitles='{SIGNED}'"
    mark = ("@subtitles", {"url": URL})
    checked = check(ask(options=options(("-vf", graph), mark)))
    assert [each.url for each in checked.remotes] == [URL, SIGNED]
    assert (dict(checked.output)["-vf"] or "").count("subtitles0.ass") == 2


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ("subtitles=filename=/etc/passwd", "never a path"),
        ("subtitles=/etc/passwd", "never a path"),
        ("subtitles=f=a.srt", "never a path"),
        ("subtitles='file\\:///etc/passwd'", "never a path"),
        ("subtitles", "it names no file"),
        ("subtitles=force_style='FontSize=24'", "it names no file"),
        ("subtitles='http://127.0.0.1/a.srt'", "not public"),
        (f"subtitles='{URL}':fontsdir=/", "no allowed option"),
    ],
)
def test_what_is_no_address_is_refused_with_one_reason(graph: str, said: str) -> None:
    with pytest.raises(Refused) as error:
        check(ask(options=options(("-vf", graph))))
    assert len(error.value.refusals) == 1
    assert said in str(error.value.refusals[0])


@pytest.fixture(scope="module")
def dark(make_media: Make) -> Path:
    return make_media(
        "dark384.mp4", "-f", "lavfi", "-i", "color=0x204060:s=384x288:r=10:d=3", "-crf", "5"
    )


def with_text(folder: Path, dark: Path, file: str, *pairs: tuple[str, Any]) -> Path:
    return job(folder, dark, *pairs, output_format="mp4", files={URL: file.encode()})


@pytest.mark.parametrize("file", [SRT, VTT, ASS], ids=["srt", "vtt", "ass"])
@pytest.mark.parametrize("way", ["filter", "virtual"])
def test_they_are_seen_from_their_start_to_their_end_and_at_the_bottom(
    tmp_path: Path, dark: Path, file: str, way: str
) -> None:
    pair: Any = ("@subtitles", {"url": URL})
    if way == "filter":
        pair = ("-vf", "subtitles='https\\://example.com/a.srt'")
    after = with_text(tmp_path, dark, file, pair)
    before = frame(dark, 1.5)
    assert frame(after, 0.5).changed(before) == set()
    assert frame(after, 2.5).changed(before) == set()
    box = frame(after, 1.5).drawn(before)
    assert box.middle[0] == pytest.approx(192, abs=3)
    assert box.top > 240
    assert box.bottom < 288
    assert 8 < box.height < 18


@pytest.mark.parametrize(
    ("place", "low", "high"), [("top", 0, 60), ("center", 114, 174), ("bottom", 228, 288)]
)
def test_position_and_style(
    tmp_path: Path, make_media: Make, place: str, low: int, high: int
) -> None:
    still = make_media(
        "dark384.png", "-f", "lavfi", "-i", "color=0x204060:s=384x288", "-frames:v", "1"
    )
    style = {"fontSize": 32, "fontColor": "#ffff00", "position": place}
    after = _styled(tmp_path, still, style)
    box = after.drawn(frame(still))
    assert low <= box.top < box.bottom <= high
    assert box.middle[0] == pytest.approx(192, abs=3)
    assert after.count((255, 255, 0)) > 200


def test_each_key_of_the_style(tmp_path: Path, make_media: Make) -> None:
    still = make_media(
        "dark384.png", "-f", "lavfi", "-i", "color=0x204060:s=384x288", "-frames:v", "1"
    )
    before = frame(still)
    plain = _styled(tmp_path, still, {"fontSize": 32})
    assert _styled(tmp_path, still, {"fontSize": 32, "font": "Anton"}) != plain
    larger = _styled(tmp_path, still, {"fontSize": 64}).drawn(before)
    assert larger.height > 1.6 * plain.drawn(before).height
    raised = _styled(tmp_path, still, {"fontSize": 32, "margin": 100}).drawn(before)
    assert plain.drawn(before).bottom - raised.bottom == pytest.approx(90, abs=2)
    lined = {"fontSize": 32, "outline": 4, "outlineColor": "red"}
    assert _styled(tmp_path, still, lined).count((255, 0, 0)) > 500
    boxed = {"fontSize": 32, "box": True, "boxColor": "#00ff00"}
    assert _styled(tmp_path, still, boxed).count((0, 255, 0)) > 1000
    bold = _styled(tmp_path, still, {"fontSize": 32, "bold": True})
    assert bold.count((255, 255, 255)) > 1.15 * plain.count((255, 255, 255))


def test_a_box_lets_as_much_through_as_asked(tmp_path: Path, make_media: Make) -> None:
    white = make_media(
        "white384.png", "-f", "lavfi", "-i", "color=white:s=384x288", "-frames:v", "1"
    )
    style = {"fontSize": 40, "fontColor": "red", "box": True, "boxColor": "black@0.5"}
    after = _styled(tmp_path, white, style)
    assert after.count((135, 135, 135), near=16) > 1000


def test_scripts_are_as_large_as_latin_letters(tmp_path: Path, make_media: Make) -> None:
    """An alef is about as high as a capital, at any size a style asks for."""
    still = make_media(
        "dark384.png", "-f", "lavfi", "-i", "color=0x204060:s=384x288", "-frames:v", "1"
    )
    for size in (30, 60):
        latin, arabic = (
            _styled(tmp_path, still, {"fontSize": size, "outline": 0}, words).drawn(frame(still))
            for words in ("H", "\u0627")
        )
        assert arabic.height / latin.height == pytest.approx(1, abs=0.15)


def _styled(folder: Path, still: Path, style: dict[str, Any], words: str = "HHHHHH") -> Frame:
    """The words at once, over a still."""
    file = SRT.replace("00:00:01,000", "00:00:00,000").replace("HHHHHH", words).encode()
    pair = ("@subtitles", {"url": URL, "style": style})
    return drawn(folder, still, pair, files={URL: file})


def test_force_style_of_the_caller(tmp_path: Path, dark: Path) -> None:
    after = with_text(tmp_path, dark, SRT, ("-vf", f"subtitles='{URL}':{STYLE}"))
    assert frame(after, 1.5).count((0, 255, 255)) > 25  # ASS has blue first


@pytest.mark.parametrize(
    "text",
    ["Привет", "مرحبا", "שלום", "नमस्ते", "你好", "Größe", "😀"],
)
def test_subtitles_in_any_script(tmp_path: Path, dark: Path, text: str) -> None:
    """The words differ from the empty boxes that would stand for missing letters."""
    seen = {
        frame(
            with_text(tmp_path, dark, SRT.replace("HHHHHH", words), ("@subtitles", {"url": URL})),
            1.5,
        )
        for words in (text, "\U0003fffd" * len(text))
    }
    assert len(seen) == 2
    assert all(len(each.changed(frame(dark, 1.5))) > 30 for each in seen)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("\ufeffЖЖ".encode(), "ЖЖ"),
        ("Привет".encode("utf-16"), "Привет"),
        ("Größe".encode("cp1252"), "Größe"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, said: str) -> None:
    """A byte order mark, UTF-16, and the old code page of Windows."""
    text = data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    head, tail = SRT.split("HHHHHH")
    source = tmp_path / "a"
    source.write_bytes(
        (head + text + tail).encode("utf-16") if text else head.encode() + data + tail.encode()
    )
    assert subtitles.rewrite(source, tmp_path / "b.ass") == 1
    assert said in (tmp_path / "b.ass").read_text(encoding="utf-8")


def test_what_an_ass_file_brings_along_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text(ASS + "\n[Fonts]\nfontname: evil.ttf\n!!!!\n\n[Graphics]\nfilename: e.png\n")
    subtitles.rewrite(source, tmp_path / "b.ass")
    written = (tmp_path / "b.ass").read_text()
    assert "evil" not in written
    assert "e.png" not in written
    assert "HHHHHH" in written


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 100, b"#EXTM3U\n/etc/passwd\n"])
def test_what_is_no_subtitles_is_said(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "a"
    source.write_bytes(data)
    with pytest.raises(MediaError, match="can't be read") as error:
        subtitles.rewrite(source, tmp_path / "b.ass")
    assert error.value.category == "validation"
    assert not (tmp_path / "b.ass").exists()


TIMES = "00:00:01,000 --> 00:00:02,000\n"


def rewritten(folder: Path, data: str | bytes, **limits: Any) -> int:
    """The number of events of a file."""
    source = folder / "source"
    source.write_bytes(data.encode() if isinstance(data, str) else data)
    return subtitles.rewrite(
        source, folder / "written.ass", limits=subtitles.LIMITS._replace(**limits)
    )


def rejected(folder: Path, data: str | bytes, **limits: Any) -> str:
    """Why a file is not accepted; it leaves nothing behind."""
    with pytest.raises(MediaError) as error:
        rewritten(folder, data, **limits)
    assert error.value.category == "validation"
    assert [path.name for path in folder.iterdir()] == ["source"]
    return str(error.value)


def test_a_line_has_at_most_5000_characters(tmp_path: Path) -> None:
    for head in ("1\n" + TIMES, "WEBVTT\n\n" + TIMES.replace(",", ".")):
        assert rewritten(tmp_path, head + "x" * 5000 + "\n") == 1
        (tmp_path / "written.ass").unlink()
        assert "more than 5,000 characters" in rejected(tmp_path, head + "x" * 5001)
        assert "more than 5,000 characters" in rejected(tmp_path, head + "x" * 5001 + "\r\nx")


def test_a_file_has_at_most_five_megabytes(tmp_path: Path) -> None:
    text = ("1\n" + TIMES + ("x" * 99 + "\n") * 52_428).encode()
    assert rewritten(tmp_path, text + b"x" * (subtitles.MAX_BYTES - len(text) - 1) + b"\n") == 1
    (tmp_path / "written.ass").unlink()
    assert "larger than 5 MB" in rejected(tmp_path, text.ljust(subtitles.MAX_BYTES + 1, b"x"))


def test_there_are_at_most_50000_events(tmp_path: Path) -> None:
    assert rewritten(tmp_path, (TIMES + "a\n") * 50_000) == 50_000
    (tmp_path / "written.ass").unlink()
    assert "more than 50,000 subtitles" in rejected(tmp_path, (TIMES + "a\n") * 50_001)


@pytest.mark.parametrize(
    ("text", "recognized"),
    [
        (SRT, "srt"), ("\n\n" + SRT, "srt"), ("junk\n" + SRT, "srt"),
        ("1\n0:0:1.5 --> 0:0:2.5\nx\n", "srt"), ("1\n  00:00:01,0-->00:00:02,0 X1:1\nx", "srt"),
        (VTT, "vtt"), ("WEBVTT - a title\n\n", "vtt"), ("WEBVTT\tx", "vtt"), ("\nWEBVTT\n", "vtt"),
        ("WEBVTTX\n", None), ("webvtt\n", None),
        (ASS, "ass"), ("; a comment\n\n" + ASS, "ass"), ("[script info]\n[V4 Styles]\n", "ssa"),
        ("[Script Info]\nScriptType: v4.00\n", "ssa"), ("[V4+ Styles]\n", "ass"),
        ("[Events]\nDialogue: 0", "ass"), ("[Script Info] x\n", None),
        ('<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"/>', None),
        ("{1}{50}x|y\n", None), ("[0][20]x|y\n", None), ("00:00:01:x\n", None),
        ('{"info": {}, "styles": {}, "events": []}', None), ("<SAMI><BODY></BODY></SAMI>", None),
        ("[00:01.00]a song\n", None), ("#EXTM3U\nhttp://h/\n", None), ("", None), ("\0" * 99, None),
    ],
)  # fmt: skip
def test_the_format_is_chosen_by_the_content(text: str, recognized: str | None) -> None:
    assert subtitle_parser.recognized(text.split("\n")) == recognized


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        '<p begin="0s" end="2s">x</p></div></body></tt>',
        '<?xml version="1.0"?><tt', "{1}{1}25\n{1}{50}x|y\n", "[0][20]x|y\n", "00:00:01:x\n",
        '{"info": {}, "styles": {}, "events": [{"start": 0, "end": 1, "text": "x"}]}',
        "<SAMI><BODY><SYNC Start=0><P>x</P></BODY></SAMI>",
    ],
)  # fmt: skip
def test_other_formats_are_refused(tmp_path: Path, text: str) -> None:
    assert "not SRT, WebVTT, ASS or SSA" in rejected(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "[Script Info]\n[Events]\nDialogue: 0,x,0:0:1.0,D\n",
        "[Script Info]\n[V4+ Styles]\nStyle: D,Arial,x\n[Events]\nDialogue: 0,0:0:0.0,0:0:1.0,D\n",
        "[Script Info]\n[V4+ Styles]\nStyle: D,Arial,20,,,,\n", "[Script Info]\n[Events]\n",
        "WEBVTT\n\nnothing\n",
    ],
)  # fmt: skip
def test_whatever_the_parser_trips_over_is_the_files_fault(tmp_path: Path, text: str) -> None:
    assert "can't be read" in rejected(tmp_path, text)


def test_an_ssa_file(tmp_path: Path) -> None:
    text = (
        "[Script Info]\nScriptType: v4.00\n\n[V4 Styles]\n"
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, TertiaryColour,"
        " BackColour, Bold, Italic, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR,"
        " MarginV, AlphaLevel, Encoding\n"
        "Style: Default,Arial,20,16777215,255,0,0,0,0,1,2,0,2,10,10,10,0,1\n\n[Events]\n"
        "Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,HHHHHH\n"
    )
    assert rewritten(tmp_path, text) == 1
    assert "v4.00+" in (tmp_path / "written.ass").read_text()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(tmp_path: Path, ending: str) -> None:
    assert rewritten(tmp_path, SRT.replace("\n", ending)) == 1
    assert "HHHHHH" in (tmp_path / "written.ass").read_text()


BURNING = TIMES + ("<b" * 2_400 + "\n") * 400
"""The parser takes quadratic time over tags that are not closed."""


def test_hostile_files_cost_this_process_nothing(tmp_path: Path) -> None:
    began = time.process_time()
    assert "5,000 characters" in rejected(tmp_path, TIMES + "{" * 120_000)
    assert "too complex" in rejected(tmp_path, BURNING, cpu_seconds=1)
    assert time.process_time() - began < 1


def test_time_and_memory_are_limited(tmp_path: Path) -> None:
    assert "too complex" in rejected(tmp_path, BURNING, wall_seconds=2)
    large = ("1\n" + TIMES + "x\n") * 49_000
    assert "too complex" in rejected(tmp_path, large, memory_bytes=48 * 1024**2)
    assert "too complex" in rejected(tmp_path, large, output_bytes=1024**2)


def test_a_canceled_job_stops_the_parser(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text(BURNING)
    with pytest.raises(Canceled):
        subtitles.rewrite(source, tmp_path / "written.ass", canceled=lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_parser_that_does_not_start_is_not_the_files_fault(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text(SRT)
    with pytest.raises(MediaError) as error:
        subtitles.rewrite(
            source, tmp_path / "written.ass", limits=subtitles.LIMITS._replace(memory_bytes=4096)
        )
    assert error.value.category == "transient"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("{\\i1}a{\\i0} b", "{\\i1}a{\\i0} b"),
        ("open { brace", "open { brace"),
        ("closed } brace", "closed } brace"),
        ("{{{", "{{{"),
        ("}}}{", "}}}{"),
        ("\u0627{\u0627}", "{\\fscx151\\fscy151}\u0627{\\fscx100\\fscy100}{\u0627}"),
    ],
)
def test_only_text_outside_of_tags_is_scaled(text: str, written: str) -> None:
    assert subtitle_parser.sized(text) == written
