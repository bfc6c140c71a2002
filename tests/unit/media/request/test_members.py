"""Members that no model has: named, and dropped before anything is stored."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lib.media.request import virtual
from lib.media.request.check import check
from lib.media.request.members import MOST_CHARACTERS, MOST_NAMED, known_members, unknown_members
from lib.media.request.models import Option, TranscodeRequest

URL = {"url": "https://media.example.com/a.mp4"}


def request(**more: Any) -> dict[str, Any]:
    return {"inputs": [URL], "outputFormat": "mp4"} | more


def stored(data: dict[str, Any]) -> Any:
    """What a job keeps of a request."""
    parsed = msgspec.convert(data, TranscodeRequest)
    return msgspec.to_builtins(known_members(parsed))


def test_unknown_members_are_named_by_their_paths() -> None:
    data = request(
        inputs=[URL, URL | {"name": "b", "options": [{"option": "-ss", "value": 1}]}],
        preset={"quality": "low", "speed": 1},
        filters=[{"filter": "null", "label": 1}],
        options=[{"option": "-an", "extra": 1}],
        metadata={"any": {"thing": 1}},
        webhook="https://example.com",
    )
    assert unknown_members(data, TranscodeRequest) == [
        "inputs[1].name",
        "inputs[1].options[0].value",
        "preset.speed",
        "filters[0].label",
        "options[0].extra",
        "webhook",
    ]
    assert unknown_members(request(), TranscodeRequest) == []


def test_few_are_named_and_each_is_short() -> None:
    many = request(**{f"x{number}": 1 for number in range(MOST_NAMED + 1)})
    assert len(unknown_members(many, TranscodeRequest)) == MOST_NAMED
    at, past = "a" * MOST_CHARACTERS, "b" * (MOST_CHARACTERS + 1)
    assert unknown_members(request(**{at: 1, past: 1}), TranscodeRequest) == [at, past[:-1]]


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, [[[]]]])
def test_values_of_other_types_are_no_matter(value: Any) -> None:
    for data in (value, request(inputs=value), request(options=value), request(preset=value)):
        assert set(unknown_members(data, TranscodeRequest)) <= {"a"}


@pytest.mark.parametrize("name", sorted(virtual.TYPES))
def test_a_virtual_option_keeps_what_its_model_has(name: str) -> None:
    known: Any = {
        "@text-overlay": {"text": "a", "style": {"fontSize": 20, "fontColor": "red"}},
        "@quote-card": {"quote": "a", "style": {"font": "Lora"}},
        "@watermark": {"input": 0},
        "@thumbnail": {"at": 1},
        "@subtitles": {"url": "https://media.example.com/a.srt", "style": {"fontSize": 20}},
        "@trim": {"start": 1, "end": "00:00:02"},
        "@speed": {"factor": 2},
        "@normalize": {"target": -16},
    }[name]
    for text in (known, msgspec.json.encode(known).decode()):
        assert stored(request(options=[{"option": name, "argument": text}])) == request(
            options=[{"option": name, "argument": text}]
        )
    more: dict[str, Any] = known | {"unknown": "x" * 100_000}
    if "style" in known:
        more["style"] = more["style"] | {"shadow": ["x"] * 10_000}
    for text in (more, msgspec.json.encode(more).decode()):
        assert stored(request(options=[{"option": name, "argument": text}])) == request(
            options=[{"option": name, "argument": known}]
        )


def test_a_request_means_the_same_without_them() -> None:
    overlay = {"text": "a", "style": {"fontSize": 20, "shadow": 1}, "glow": {"text": "b"}}
    speed: Any = 2
    job_request = msgspec.convert(
        request(
            options=[
                {"option": "-crf", "argument": "30", "why": "smaller"},
                {"option": "@text-overlay", "argument": overlay},
                {"option": "@speed", "argument": speed},
                {"option": "@speed", "argument": "2"},
                {"option": "@normalize"},
                {"option": "@normalize", "argument": ""},
            ]
        ),
        TranscodeRequest,
    )
    remaining = known_members(job_request)
    before, after = check(job_request), check(remaining)
    assert [msgspec.to_builtins(each) for each in before.virtual] == [
        msgspec.to_builtins(each) for each in after.virtual
    ]
    assert before.output == after.output
    assert remaining.options is not None
    assert remaining.options[2:] == [
        Option("@speed", 2), Option("@speed", "2"), Option("@normalize"), Option("@normalize", ""),
    ]  # fmt: skip
