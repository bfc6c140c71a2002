"""Bodies of up to 1 MB that cost much CPU or a large answer wherever text is read carelessly.

As a program it checks each of them, and prints its CPU seconds and the characters of its refusals.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import msgspec

from lib.media import fonts
from lib.media.errors import Refused
from lib.media.request.check import check
from lib.media.request.findings import MAX_REFUSALS
from lib.media.request.models import MAX_ARGUMENT, TranscodeRequest
from tests.rigs.hostile.cases import body, option

CPU_SECONDS = 300
MEGABYTE = 1_000_000
URL = "https://example.com/a.mp4"


def of(piece: str, length: int = MAX_ARGUMENT) -> str:
    """`piece` repeated to a length."""
    return (piece * (length // len(piece) + 1))[:length]


def _graphs(prefix: str, piece: str, suffix: str = "") -> dict[str, Any]:
    room = MAX_ARGUMENT - len(prefix) - len(suffix)
    return body(options=[option("-vf", prefix + of(piece, room) + suffix)] * 9)


def _many(name: str, argument: Any) -> dict[str, Any]:
    return body(options=[option(name, argument)] * 49)


_PIECES = {
    "labels": "[a]", "chains": ";", "filters": "hflip,", "chains of one": "hflip;", "quotes": "'",
    "backslashes": "\\", "commas": ",", "equals": "=", "blanks": " ", "keys": "a=b:",
    "expansions": "%{", "colons": ":", "letters": "a", "other letters": "\u0436",
    "emoji": "\U0001f600", "digits": "1", "dots": ".", "lines": "\n", "unknown": "zz,",
    "unknown options": "drawtext=a=1:b=2:c=3,",
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    **{f"graph of {name}": _graphs("", piece) for name, piece in _PIECES.items()},
    **{
        f"filters of {name}": body(filters=[{"filter": of(piece)}] * 9)
        for name, piece in _PIECES.items()
    },
    "graphs past the total": _many("-vf", of("hflip,")),
    "labels of one filter": _graphs("", "[a]", "hflip"),
    "pan": body(options=[option("-af", "pan='stereo" + of("|c0=c0 ", 19_000) + "!'")] * 9),
    "options by position": _graphs("scale=", "1:"),
    "options by position, 500,000": body(options=[option("-vf", "scale=" + "1:" * 490_000)]),
    "flags of an input": body(
        inputs=[{"url": URL, "options": [option(f"-zz{number}") for number in range(20_000)]}]
    ),
    "100 flags of each input": body(
        inputs=[{"url": URL, "options": [option(f"-zz{n}" * 15) for n in range(100)]}] * 10
    ),
    "flags of emoji": body(options=[option("\U0001f600" * 100)] * 100),
    "brackets in JSON text": _many("@text-overlay", "[" * MAX_ARGUMENT),
    "one long JSON text": body(options=[option("@text-overlay", "[" * 900_000)]),
    "long expressions": _graphs("", "setpts=" + "1+" * 1990 + "1,", "hflip"),
    "deep expressions": _graphs("crop=w=", "("),
    "expressions of signs": _graphs("crop=w=", "-"),
    "backslashes in an expansion": _graphs("drawtext=text='%{", "\\", "}'"),
    "scripts by turns": _graphs("drawtext=text='", "\u4e2da\U0001f600\u0436", "'"),
    "scripts of an overlay": _many("@text-overlay", {"text": of("\u4e2da", 9990)}),
    "bands": body(options=[option("-af", "anequalizer=" + of("c0 f=1 w=1|", 19_000))] * 9),
    "numbers": body(options=[option("-af", "aecho=1:1:" + of("1|", 19_000))] * 9),
    "style": _graphs("subtitles=https\\\\://e.com/a.srt:force_style='", "FontSize=24\\,", "'"),
    "addresses put together": _graphs("subtitles=http", ":http"),
    "parameters": _many("-x264-params", of("keyint=1:")),
    "a list": _many("-bsf:v", of("null,")),
    "key frames": _many("-force_key_frames", of("1,")),
    "tags": _many("-metadata", "a=" + of("x", 19_000)),
    "metadata of many keys": body(metadata={str(number): "x" for number in range(80_000)}),
    "metadata of many lists": body(metadata={"a": [[]] * 300_000}),
    "an argument of many keys": body(
        options=[option("@thumbnail", {str(number): "x" for number in range(80_000)})]
    ),
    "maps": body(
        options=[option("-map", f"[{'z' * 38}]")] * 90,
        filters=[{"filter": of("[0:v]hflip[aaa];", 2800)}] * 10,
    ),
    "hosts": body(inputs=[{"url": f"https://{'a.' * 4000}/"}] * 10),
    "ports": body(inputs=[{"url": f"https://a:{'9' * 8000}/"}] * 10),
    "large numbers": body(options=[option("-crf", int("9" * 4000))] * 90),
    "large numbers of an overlay": body(
        options=[option("@text-overlay", {"text": "a", "style": {"x": int("9" * 4000)}})] * 90
    ),
}  # fmt: skip


def encoded(request: dict[str, Any]) -> bytes:
    """A body as JSON, its input a public address."""
    return json.dumps(request, ensure_ascii=False).replace("{clip}", URL).encode()


def main() -> None:
    """Check each body under a CPU limit."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    fonts.runs("a")  # its pattern is compiled once in a process
    for name, request in BODIES.items():
        data = encoded(request)
        began = time.process_time()
        refusals: list[Any] = []
        try:
            check(msgspec.convert(msgspec.json.decode(data), TranscodeRequest))
        except Refused as refused:
            refusals = refused.refusals
        except msgspec.ValidationError as error:
            refusals = [str(error)]
        assert len(refusals) <= MAX_REFUSALS
        seconds = time.process_time() - began
        length = sum(len(json.dumps(each)) for each in refusals)
        sys.stdout.write(f"{json.dumps([name, seconds, length])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
