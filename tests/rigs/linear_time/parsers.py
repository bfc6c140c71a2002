"""Every parser of text that a caller or a stranger's file or server can influence."""

from __future__ import annotations

import json
import string
from collections.abc import Callable

import msgspec

from lib.http import body
from lib.media import address, fonts
from lib.media.plan import text
from lib.media.request import expressions, graph, tables, values, virtual
from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest
from lib.media.run import probe, runner, subtitle_parser
from lib.media.run.progress import Clock

SEPARATOR = "<0123456789abcdef>"
LOOK = text.Look(fonts.DEFAULT, "center", 0, 1, "black")


def _request(option: str) -> Callable[[str], object]:
    def parse(argument: str) -> object:
        data = {
            "inputs": [{"url": "https://example.com/a.mp4"}],
            "outputFormat": "mp4",
            "options": [{"option": option, "argument": argument}],
        }
        return check(msgspec.convert(data, TranscodeRequest))

    return parse


def _flag(name: str) -> object:
    data = {
        "inputs": [{"url": "https://example.com/a.mp4"}],
        "outputFormat": "mp4",
        "options": [{"option": name, "argument": 1}],
    }
    return check(msgspec.convert(data, TranscodeRequest))


def _virtual(name: str, member: str) -> Callable[[str], object]:
    return lambda argument: virtual.parse(name, {member: argument})


def _lay_out(words: str) -> object:
    lines = [text.Line(line, 48, "white") for line in text.wrap(words[:10_000], 5)]
    return text.lay_out(lines, LOOK, border=0, box="")


def _kinds() -> list[tuple[str, Callable[[str], object]]]:
    """The parsers of values; of those that differ in their words and bounds only, one."""
    kinds = {**{each.says: each for each in _flag_kinds()}, **values.KINDS}
    distinct = {}
    for name, kind in kinds.items():
        made_by = getattr(kind.parse, "__qualname__", name)
        alike = made_by.endswith(("integer.<locals>.parse", "number.<locals>.parse",
                                  "choice.<locals>.parse", "flags.<locals>.parse",
                                  "renamed.<locals>.parse", "pattern.<locals>.parse"))  # fmt: skip
        distinct[made_by if alike else name] = (name, kind.parse)
    return list(distinct.values())


def _flag_kinds() -> list[values.Kind]:
    flags = [*tables.flags_of(output=True).values(), *tables.flags_of(output=False).values()]
    codecs = [tables.codec_kind(letter, output=True) for letter in ("", "v", "a")]
    return [each.kind for each in flags if each.kind is not None] + codecs


def _srt(line: str) -> object:
    return subtitle_parser.recognized(line.split("\n"))


PARSERS: list[tuple[str, Callable[[str], object]]] = [
    *_kinds(),
    ("drawn text, literal", values.LITERAL_TEXT.parse),
    ("drawn text, strftime", values.TIME_TEXT.parse),
    ("graph", graph.parse),
    ("graph shown", lambda line: graph.show(graph.parse(f"a={line}"))),
    ("expressions", expressions.parse),
    ("expression in a text's place", lambda line: text.placed(line, 1, 48)),
    *((f"request {option}", _request(option)) for option in (
        "-vf", "-af", "-filter_complex", "-x264-params", "-force_key_frames", "-metadata", "-map",
        "@text-overlay", "@trim", "@subtitles",
    )),
    ("graph of drawtext", lambda line: _request("-vf")(f"drawtext=text='{line}'")),
    ("graph of subtitles", lambda line: _request("-vf")(f"subtitles='http{line}'")),
    ("a flag's name", _flag),
    ("virtual text", _virtual("@text-overlay", "text")),
    ("virtual position", lambda line: virtual.place(line)),
    ("virtual URL", _virtual("@watermark", "url")),
    ("virtual time", _virtual("@trim", "start")),
    ("virtual JSON", lambda line: virtual.parse("@text-overlay", json.dumps({"text": line}))),
    ("virtual JSON, raw", lambda line: virtual.parse("@text-overlay", line)),
    ("virtual members", lambda line: virtual.parse("@text-overlay", {"text": "a", line: 1})),
    ("font runs", fonts.runs),
    ("one font", lambda line: fonts.single("Anton", line)),
    ("wrapped text", lambda line: text.wrap(line[:10_000], 5)),
    ("laid out text", _lay_out),
    ("color", lambda line: text.opacity(line)),
    ("subtitle format", _srt),
    ("subtitle text", subtitle_parser.sized),
    ("subtitle bytes", lambda line: subtitle_parser.decoded(line.encode())),
    ("probe", lambda line: probe.parse(line, 1, SEPARATOR)),
    ("probe, with facts", lambda line: probe.parse(line.replace("|", SEPARATOR), 1, SEPARATOR)),
    ("probe, a stream", lambda line: probe.parse(
        f"  Stream #0:0: Video: h264{SEPARATOR}{line}{SEPARATOR}25 fps", 1, SEPARATOR)),
    ("ffmpeg's last words", runner._reason),
    ("ffmpeg's box", runner._BOX.search),
    ("progress", lambda line: Clock().line(f"out_time_us={line}")),
    ("address", address.split),
    ("address, a host", lambda line: address.split(f"http://{line}/")),
    ("error sentence", body._sentence),
]  # fmt: skip

PIECES = [
    *string.punctuation, "a", "e", "k", "A", "0", "1", " ", "\t", "\n", "\r", "\u00e9", "\u0661",
    "\u0430",
    "\u4e2d", "\U0001f600", "\u0627", "\u200d", "aA", "a ", "a-", "1 ", "1|", "0/0 ", "1:", "1.",
    "1,", "|c0=c0 ", "c0 f=1 w=1|", "a=1:", "a=", "FontSize=24,", "[a]", "[0:v]", "[a @ 0x0", "%{",
    "%{n}", "%Y", "\\:", "\\\\'", "''", "'\\", "hflip,", "hflip;", "(1", "sin(", "1+", "-+", "iw/",
    "{\\", "{}", "\\N", "<b", "</", "\n\n", "-->", "0:0:0,0 --> 0:0:0,0", ", 1x1", "SAR 1:1",
    ", 1 fps", " - at `$", "%3A", "a.", "::", "\u4e2da", "\u0627a", "bbox x1:1 x2:1", '{"a":',
    "[1,",
]  # fmt: skip
