"""The size of everything in a request is bounded, and so are the CPU time and the answer."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lib.media import address
from lib.media.errors import Refused
from lib.media.request import policy, tables, values, virtual
from lib.media.request.check import check
from lib.media.request.findings import MAX_REFUSALS, MAX_WARNINGS
from lib.media.request.flags import MAX_DRAWN
from lib.media.request.limits import MAX_GRAPHS, MAX_METADATA_BYTES
from lib.media.request.models import (
    MAX_ARGUMENT,
    MAX_EXPIRE_AFTER,
    MAX_OPTIONS,
    SHORT_EXPIRE_AFTER,
    TranscodeRequest,
)
from lib.media.request.values import Kind
from tests.rigs.hostile import burning
from tests.rigs.media.plans import ask, options

ROOT = Path(__file__).parents[4]
BODY_SECONDS = 3.0
"""CPU seconds for a megabyte; half a second on a quiet machine."""
ANSWER_CHARACTERS = 45_000
"""An answer holds its refusals twice."""


def refusal(request: TranscodeRequest) -> str:
    """All that is said against a request."""
    with pytest.raises(Refused) as refused:
        check(request)
    return " ".join(" ".join(each) for each in refused.value.refusals)


@pytest.mark.slow
def test_no_body_of_a_megabyte_costs_much_time_or_a_large_answer() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "tests.rigs.hostile.burning"],
        cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    checked = [json.loads(line) for line in child.stdout.splitlines()]
    assert child.returncode == 0, (checked[-1:], child.stderr[-2000:])
    assert [name for name, _, _ in checked] == list(burning.BODIES)
    assert [each for each in checked if each[1] > BODY_SECONDS] == []
    assert [each for each in checked if each[2] > ANSWER_CHARACTERS] == []


@pytest.mark.parametrize(
    ("within", "past", "said"),
    [
        (options(*["-an"] * MAX_OPTIONS), None, ""),
        (options(("-metadata", "a=" + "x" * 2000)), options(("-metadata", "a=" + "x" * 2001)),
         "-metadata"),
        (options(("-vf", "hflip" + " " * (MAX_ARGUMENT - 5))),
         options(("-vf", "hflip" + " " * (MAX_ARGUMENT - 4))), "20,000 characters"),
        (options(*[("@text-overlay", {"text": "a"})] * MAX_DRAWN),
         options(*[("@text-overlay", {"text": "a"})] * MAX_DRAWN, ("@quote-card", {"quote": "a"})),
         "at most 10 texts"),
        (options(("@text-overlay", {"text": "a" * 10_000})),
         options(("@text-overlay", {"text": "a" * 10_001})), "@text-overlay"),
        (options(*[("-vf", "hflip" + " " * (MAX_ARGUMENT - 5))] * (MAX_GRAPHS // MAX_ARGUMENT)),
         options(*[("-vf", "hflip" + " " * (MAX_ARGUMENT - 5))] * 10, ("-af", "anull")),
         "200,000 characters"),
        (options(("-vf", "hflip," * 199 + "hflip")), options(("-vf", "hflip," * 200 + "hflip")),
         "more than 200 filters"),
        (options(("@watermark", {"url": "https://e.com/" + "a" * (address.MAX_LENGTH - 14)})),
         options(("@watermark", {"url": "https://e.com/" + "a" * (address.MAX_LENGTH - 13)})),
         "@watermark"),
        (options(("-vf", "drawtext=text='%{eif\\:1\\:d\\:99}'")),
         options(("-vf", "drawtext=text='%{eif\\:1\\:d\\:100}'")), "digits from 0 to 99"),
    ],
)  # fmt: skip
def test_each_limit_and_one_past_it(within: Any, past: Any, said: str) -> None:
    check(ask(options=within))
    if past is not None:
        assert said in refusal(ask(options=past))


def test_the_options_of_each_input_are_limited() -> None:
    check(ask(inputs=2, input_options=[None, options(*["-an"] * MAX_OPTIONS)]))
    too_many = options(*["-an"] * (MAX_OPTIONS + 1))
    said = refusal(ask(inputs=2, input_options=[None, too_many]))
    assert said == "inputs[1] it has more than 100 options. Send fewer."


def test_addresses_are_limited() -> None:
    longest = "https://e.com/" + "a" * (address.MAX_LENGTH - 14)
    request = ask()
    request.inputs[0].url = longest
    check(request)
    request.inputs[0].url += "a"
    assert "8,192 characters" in refusal(request)


def test_metadata_is_limited() -> None:
    room = MAX_METADATA_BYTES - len('{"a":""}')
    check(ask(metadata={"a": "x" * room}))
    assert "8192 bytes" in refusal(ask(metadata={"a": "x" * (room + 1)}))
    deep: Any = 1
    for _ in range(48):
        deep = [deep]
    check(ask(metadata={"a": deep}))
    assert "50 deep" in refusal(ask(metadata={"a": [[[deep]]]}))


def test_expire_after_is_at_most_seven_days() -> None:
    for seconds in (0, 1, MAX_EXPIRE_AFTER):
        check(ask(expireAfter=seconds))
    for seconds in (MAX_EXPIRE_AFTER + 1, 3_000_000_000, 10**30):
        assert "expireAfter it must be at most 604800 seconds" in refusal(ask(expireAfter=seconds))
    with pytest.raises(msgspec.ValidationError):
        ask(expireAfter=-1)


def test_a_life_below_a_minute_is_warned_of() -> None:
    for seconds in (0, SHORT_EXPIRE_AFTER - 1):
        [warning] = check(ask(expireAfter=seconds)).warnings
        assert f"{seconds} seconds after the job ends" in warning
    assert check(ask(expireAfter=SHORT_EXPIRE_AFTER)).warnings == []


def test_fifty_refusals_at_most_and_the_last_says_that_there_are_more() -> None:
    def refused(count: int) -> list[Any]:
        with pytest.raises(Refused) as error:
            check(ask(options=options(*[(f"-zz{number}", 1) for number in range(count)])))
        return error.value.refusals

    assert len(refused(49)) == 49
    assert refused(49)[-1].what == "-zz48"
    for count in (50, 51, 100):
        assert len(refused(count)) == MAX_REFUSALS
        assert refused(count)[-1].rule == "it has more faults than these 49."


def test_an_option_of_a_filter_is_set_once() -> None:
    for graph in (
        "scale=w=2:width=2", "scale=2:2:w=2", "scale=w=2:w=2", "drawtext=text=a:text=b",
        "drawtext=expansion=none:text='%{e\\:while(1\\,0)}':expansion=normal",
    ):  # fmt: skip
        assert "is set twice" in refusal(ask(options=options(("-vf", graph))))
    check(ask(options=options(("-vf", "scale=w=2:h=2,scale=w=2:h=2"))))


def test_surplus_options_by_position_are_refused_once() -> None:
    said = refusal(ask(options=options(("-vf", "scale=" + "1:" * 5000))))
    assert said.count("by position") == 1


@pytest.mark.parametrize(
    ("expansion", "text", "accepted"),
    [
        ("none", "%{metadata\\:x} 100%", True),
        ("normal", "%{metadata\\:x}", False),
        ("strftime", "%Y-%m-%d %H\\:%M\\:%S %%", True),
        ("strftime", "%99999Y", False),
        ("1+1", "%99999Y", False),
        ("normal", "%{localtime\\:%Y-%m-%d %-d}", True),
        ("normal", "%{localtime\\:%3N}", True),
        ("normal", "%{localtime\\:%99Y}", False),
        ("normal", "%{pts\\:hms\\:-1.5}", True),
        ("normal", "%{pts\\:gmtime\\:0\\:%9Y}", False),
        ("normal", "%{eif\\:1\\:d\\:\u0661}", False),
    ],
)
def test_what_drawtext_expands(expansion: str, text: str, accepted: bool) -> None:
    request = ask(options=options(("-vf", f"drawtext=text='{text}':expansion={expansion}")))
    if accepted:
        check(request)
    else:
        assert "drawtext=text" in refusal(request)


def test_warnings_are_limited() -> None:
    unknown = {f"unknown{number}": 1 for number in range(100)}
    many = options(*[("@thumbnail", {"at": 1, **unknown})] * 20)
    assert len(check(ask("jpeg", options=many)).warnings) == MAX_WARNINGS


def _numeric() -> list[tuple[str, Kind]]:
    """Every kind of a flag or of a filter's option that has a range."""
    kinds: dict[str, Kind] = {}
    for output in (True, False):
        for name, flag in tables.flags_of(output=output).items():
            if flag.kind is not None:
                kinds[f"-{name} {output}"] = flag.kind
    for name, table in tables.filters().items():
        for option in table.options.values():
            if option.kind is not None:
                kinds[f"{name}={option.name}"] = option.kind
    ranged = {
        name: kind for name, kind in kinds.items() if kind.low is not None and kind.high is not None
    }
    return list(ranged.items())


def _accepts(kind: Kind, value: Decimal) -> bool:
    try:
        kind.parse(f"{value:f}")
    except ValueError:
        return False
    return True


def test_the_bounds_of_every_number_are_accepted_and_one_step_past_is_not() -> None:
    numeric = _numeric()
    assert len(numeric) > 1000
    wrong = []
    for name, kind in numeric:
        for bound, outward in ((kind.low, -1), (kind.high, 1)):
            assert bound is not None
            if abs(bound) > 1e17:  # no range that anybody reaches
                continue
            exact = Decimal(repr(bound))
            step = Decimal(1) if "whole" in kind.says else Decimal("0.000000001")
            if not _accepts(kind, exact) or _accepts(kind, exact + outward * step):
                wrong.append((name, bound))
    assert wrong == []


def test_itsscale_takes_its_lowest_value() -> None:
    checked = check(ask(input_options=[options(("-itsscale", 0.01))]))
    assert checked.inputs[0] == [("-itsscale", "0.01")]


@pytest.mark.parametrize("digits", ["\u0661\u0662", "\u00b2", "\u0967", "1_0", "\uff11"])
def test_digits_are_ascii(digits: str) -> None:
    for flag in ("-crf", "-g", "-t", "-r", "-b:v", "-s", "-ac", "-map", "-metadata:s:\u0661"):
        assert flag.partition(":")[0] in refusal(ask(options=options((flag, digits))))


@pytest.mark.parametrize("text", ["1e-999999", "1e999999", "9" * 41, "0." + "1" * 41, "1e1000dB"])
def test_numbers_are_of_bounded_length(text: str) -> None:
    with pytest.raises(ValueError):
        values.number(-1e300, 1e300).parse(text)
    with contextlib.suppress(ValueError):
        assert len(values.integer(-1e300, 1e300).parse(text)) < 310


@pytest.mark.parametrize("kind", ["pan", "curve", "numbers", "equalizer_bands"])
def test_parsed_lists_are_written_as_ffmpeg_reads_them(kind: str) -> None:
    accepted, refused = {
        "pan": (
            {
                "stereo|c0=c0|c1=c1": "stereo|c0=c0|c1=c1",
                "5.1(side)| FL = 0.5*FL + -0.2*c1 |FR<FR": "5.1(side)|FL= 0.5*FL + -0.2*c1|FR<FR",
                "mono": "mono",
            },
            ["", "|", "stereo|", "stereo|c0", "stereo|=c0", "stereo|c0=c0!", "stereo|toolong=c0",
             "stereo" + "|c0=c0" * 65],
        ),
        "curve": (
            {"0/0 0.5/0.4 1/1": "0/0 0.5/0.4 1/1", " 0/0\t1/1 ": "0/0 1/1"},
            ["", "0", "0/", "/1", "0/0,1/1", "0/0/0", "a/b"],
        ),
        "numbers": (
            {"1|2.5|.5": "1|2.5|.5", "1 -2e3 3": "1 -2e3 3", "60S|1k": "60S|1k", "1/2,3": "1/2,3"},
            ["", "|1", "1|", "1||x", "s", "1;2", "/etc/passwd"],
        ),
        "equalizer_bands": (
            {"c0 f=200 w=100 g=-10 t=1|c1 f=1 w=2 g=3": "c0 f=200 w=100 g=-10 t=1|c1 f=1 w=2 g=3"},
            ["", "|", "c0", "f=1", "c0 f=x", "c0 x=1", "c0 f=1" + "|c0 f=1" * 64],
        ),
    }[kind]  # fmt: skip
    parse = values.KINDS[kind].parse
    assert {text: parse(text) for text in accepted} == accepted
    for text in refused:
        with pytest.raises(ValueError):
            parse(text)


def test_messages_list_twenty_words_at_most() -> None:
    said = refusal(ask(options=options(("-c:v", "nothing"))))
    assert "and 10 more" in said or "more." in said
    for kind in (values.choice(*map(str, range(500))), values.flags(*(f"w{n}" for n in range(99)))):
        with pytest.raises(ValueError) as error:
            kind.parse("x")
        assert len(str(error.value)) < 200


def test_numbers_out_of_range_in_virtual_options() -> None:
    large = int("9" * 4000)
    for name, argument in (
        ("@speed", large), ("@speed", {"factor": large}), ("@trim", {"start": large}),
        ("@text-overlay", {"text": "a", "style": {"x": large}}), ("@thumbnail", {"at": large}),
        ("@trim", {"start": 0, "duration": 1e308}), ("@watermark", {"input": large}),
        ("@text-overlay", {"text": "a", "style": {"end": 1e300}}),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            virtual.parse(name, argument)


@pytest.mark.parametrize("depth", [10, 900, 1100, 100_000])
def test_nested_json_text_is_refused(depth: int) -> None:
    for bracket in ("[", '{"a":'):
        with pytest.raises(ValueError):
            virtual.parse("@text-overlay", bracket * depth)


def test_tighter_bounds_are_in_the_table() -> None:
    for (name, option), bounds in policy.TIGHTER.items():
        kind = tables.filters()[name].options[option].kind
        assert kind is not None
        assert (kind.low, kind.high) == bounds
