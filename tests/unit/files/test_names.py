"""Labels: names in any script, clean, bounded, and never a path."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.files.names import (
    MAX_BYTES,
    extension,
    label,
    label_in_row,
    label_of_url,
    output_label,
    stored_stem,
)

UNCHANGED = [
    "клип.mp4", "отпуск 2026.mp4", "我的视频.mp4", "日本語.mp4", "עברית.mp4",
    "عرض تجريبي نهائي.mp4", "🎬.mp4", "👩‍👩‍👧.mov", "Été à Nîmes.mov", "it's.mp4", '"quoted".mp4',
    "100%.mp4", "%d.mp4", "a b  c.mp4", ".htaccess", "x", "C++ & Rust; part=1.mp4", "می‌خواهم.mp4",
]  # fmt: skip


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_name_in_any_script_is_kept(name: str) -> None:
    assert label(name) == name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("..", "file"), (".", "file"), ("...", "file"), ("", "file"), (" ", "file"),
        ("\u200b", "file"), ("\u202e", "file"), ("\x01\x02", "file"),
        ("../../../etc/passwd", "etc_passwd"), ("/etc/passwd", "etc_passwd"),
        ("..\\..\\x.mp4", "x.mp4"), ("AC/DC.mp4", "AC_DC.mp4"), ("a/../../b.mp4", "a_b.mp4"),
        ("a\r\nX-Header: y.mp4", "a X-Header: y.mp4"), ("a\x00.mp4", "a .mp4"),
        ("\u202egpm.4pm", "gpm.4pm"), ("\ufeffx.mp4", "x.mp4"), ("\u2067x\u2069.mp4", "x.mp4"),
        ("\x1b[31mred.mp4", "[31mred.mp4"), ("e\u0301.mp4", "é.mp4"), ("x.mp4 ", "x.mp4"),
        ("\ud800.mp4", "?.mp4"),
    ],
)  # fmt: skip
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert label(name) == cleaned


def test_the_limit_and_one_past_it() -> None:
    fits = "a" * (MAX_BYTES - 4) + ".mp4"
    assert label(fits) == fits
    cut = label("a" + fits)
    assert len(cut.encode()) == MAX_BYTES
    assert cut.endswith("a….mp4")


@pytest.mark.parametrize("letter", ["a", "я", "視", "🎬", "e\u0301\u0302", "👩\u200d👧", "x\ufe0f"])
def test_a_long_name_is_cut_between_characters(letter: str) -> None:
    name = label(letter * 300 + ".mp4")
    assert 230 < len(name.encode()) <= MAX_BYTES
    stem = name.removesuffix("….mp4")
    whole = unicodedata.normalize("NFC", letter)
    if "👧" not in letter:
        assert stem.replace(whole, "") == ""
    assert not stem.endswith("\u200d")


def test_a_character_without_end_is_cut() -> None:
    name = label("a" + "\u0302" * 300 + ".mp4")
    assert len(name.encode()) in (MAX_BYTES - 1, MAX_BYTES)


@given(st.text(max_size=600))
def test_any_text_becomes_one_clean_line(name: str) -> None:
    cleaned = label(name)
    assert 0 < len(cleaned.encode()) <= MAX_BYTES
    assert label(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned.isprintable() or not set("\r\n\0/\\\u202e") & set(cleaned)
    assert not set("\r\n\0/\\\u202e\u2028") & set(cleaned)
    result = output_label(cleaned, "webm")
    assert result.endswith(".webm")
    assert len(result.encode()) <= MAX_BYTES
    assert stored_stem(cleaned).isascii()


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("клип.mp4", "клип.mp3"), ("отпуск 2026", "отпуск 2026.mp3"), ("v1.2", "v1.2.mp3"),
        ("Mr. Smith", "Mr. Smith.mp3"), (".htaccess", "output.mp3"), ("a.tar.gz", "a.tar.mp3"),
        ("", "output.mp3"), ("x.MP4", "x.mp3"),
    ],
)  # fmt: skip
def test_an_output_has_its_own_extension(source: str, label: str) -> None:
    assert output_label(source, "mp3") == label


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/%D0%BA%D0%BB%D0%B8%D0%BF.mp4?token=1#x", "клип.mp4"),
        ("https://example.com/a%20b.mp4", "a b.mp4"), ("https://example.com/клип.mp4", "клип.mp4"),
        ("https://example.com/a%2Fb.mp4", "a_b.mp4"), ("https://example.com/%2e%2e", "file"),
        ("https://example.com/a%0d%0ab.mp4", "a b.mp4"), ("https://example.com/%ff.mp4", "�.mp4"),
        ("https://example.com/watch/", "watch"), ("https://example.com", "example.com"),
        ("https://example.com/?file=a.mp4", "example.com"),
    ],
)  # fmt: skip
def test_a_url_has_the_name_of_its_last_segment(url: str, name: str) -> None:
    assert label_of_url(url) == name


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("клип.mp4", "file"), ("Été à Nîmes.mov", "t-N-mes"), ("-i.mp4", "i"), ("..", "file"),
        ("отпуск 2026.mp4", "2026"), ("a" * 300, "a" * 80),
    ],
)  # fmt: skip
def test_the_stored_name_is_ascii(name: str, stem: str) -> None:
    assert stored_stem(name) == stem


def test_rows_of_earlier_versions_show_the_callers_part_of_the_stored_name() -> None:
    stored = "20251023-143045-0123abcd-my-video.mp4"
    assert label_in_row(stored, f"account/{stored}") == "my-video.mp4"
    assert label_in_row(stored, "account/20261127-000000-89abcdef-x.mp4") == stored


def test_extension() -> None:
    assert [extension(name) for name in ("a.MP4", "a", ".srt", "a.b.ts", "a.", "x.v2.1")] == [
        "mp4", "", "srt", "ts", "", "",
    ]  # fmt: skip
