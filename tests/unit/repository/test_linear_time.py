"""All handling of text that strangers send takes time linear to its length."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.rigs.linear_time import growth, patterns
from tests.rigs.linear_time.growth import Pattern

DYNAMIC = {
    "lib.media.request.values.kinds.pattern.parse": "its closures are collected",
    "lib.media.fonts._any_of": "a class of letters from a constant",
    "local.vercel.functions._pattern": "made of vercel.json's rewrites",
    "local.vercel.site._pattern": "made of vercel.json's rewrites",
    "standins.supabase.auth.redirects._pattern": "made of the operator's settings",
}
"""Where patterns are made of something else than literals, and why no caller has a say in it."""


@pytest.mark.slow
def test_every_regular_expression_takes_linear_time() -> None:
    result, dynamic = patterns.collect(list(patterns.modules()))
    assert len(result) > 90
    assert set(dynamic) == set(DYNAMIC)
    assert growth.in_a_child("patterns", result) == []


@pytest.mark.slow
def test_every_parser_takes_linear_time() -> None:
    assert growth.in_a_child("parsers") == []


BAD = [
    # What parsed `pan` and the tags of subtitles before.
    ("fullmatch", r"[A-Za-z0-9.()+]{1,30}"
     r"(?:\s*\|\s*[A-Za-z0-9]{1,4}\s*[=<][-+*. A-Za-z0-9]{1,120})*"),
    ("split", r"(\{[^}]*\}|\\[Nnh])"), ("sub", r"\[[^\]]* @ 0x[0-9a-f]+\]\s*"),
    ("split", r"\\*:"), ("fullmatch", r"(a+)+b"), ("search", r"\s+$"), ("search", r"<b[^>]*>"),
    ("fullmatch", r"(\d+\.?\d*)+s"), ("match", r"(x|xx)*y"), ("search", r".*:.*"),
]  # fmt: skip
GOOD = [
    ("fullmatch", r"[+-]?[0-9]{1,19}"), ("search", r"[\x00-\x20\x7f\\]"), ("sub", r"\{[^{}]*\}"),
    ("fullmatch", r"[a-z]+(?:,[a-z]+)*"), ("match", r".*: (?:Video|Audio)"),
]  # fmt: skip


@pytest.mark.slow
def test_a_pattern_of_more_than_linear_time_is_found() -> None:
    planted = [Pattern(f"bad {at}", text, 0, method) for at, (method, text) in enumerate(BAD)]
    planted += [Pattern(f"good {at}", text, 0, method) for at, (method, text) in enumerate(GOOD)]
    result = growth.in_a_child("patterns", planted)
    assert {each.partition(":")[0] for each in result} == {f"bad {at}" for at in range(len(BAD))}


PLANTED = r"""
import re
NAMED = re.compile(r"named+")
TABLE = {"a": (1, re.compile("in a table"))}

def pattern(expression):
    return lambda text: re.fullmatch(expression, text)

KIND = pattern("in a closure")

def use(text):
    return NAMED.fullmatch(text) or re.sub(r"in a call", "", text, flags=re.IGNORECASE)

def dynamic(text, made):
    return re.match(made, text)
"""


def test_patterns_are_collected_wherever_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result, dynamic = patterns.collect([module])
    assert {(each.expression, each.method) for each in result} == {
        ("named+", "fullmatch"),
        ("in a table", "search"),
        ("in a closure", "fullmatch"),
        ("in a call", "sub"),
    }
    assert dynamic == ["planted.dynamic", "planted.pattern"]
