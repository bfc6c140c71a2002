"""Makes lib/media/request/filters.json: ffmpeg's own description of the allowed filters.

Run by `make tables`, after a change of policy or of ffmpeg; a test tells when it is out of date.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from lib.media.request.policy import ALLOWED, TEXTS, TIGHTER, WITHHELD
from lib.media.run.ffmpeg import binary

TARGET = Path(__file__).parent.parent / "lib" / "media" / "request" / "filters.json"
OPTION = re.compile(
    r"^ {2,4}-?(?P<name>[\w-]+) +(?P<array>\[)?<(?P<type>\w+) *> *\]? *"
    r"(?P<flags>[.A-Z]{11}) ?(?P<help>.*)$"
)
CONSTANT = re.compile(r"^ {5}(?P<name>[\w.+>-]+) +(?P<value>-?\d+)? +[.A-Z]{11}(?: .*)?$")
RANGE = re.compile(r"\(from (\S+) to (\S+)\)")
DEFAULT = re.compile(r' \(default (?:"[^"]*"|[^)]*)\)$')
LIMITS = {
    "INT_MIN": -(2**31), "INT_MAX": 2**31 - 1, "UINT32_MAX": 2**32 - 1, "I64_MIN": -(2**63),
    "I64_MAX": 2**63 - 1, "FLT_MIN": 0, "FLT_MAX": 1e38, "-FLT_MAX": -1e38, "DBL_MIN": 0,
    "DBL_MAX": 1e300, "-DBL_MAX": -1e300,
}  # fmt: skip
ALSO = {"scale": {"framesync"}, "aresample": {"SWResampler"}}
"""Sections of inherited options that are taken besides the filter's own; framesync's always are."""


def describe(name: str, report: str) -> dict[str, Any]:
    """{says, timeline, inputs, outputs, options} of a filter, of `ffmpeg -h filter=<name>`."""
    lines = report.splitlines()
    options: list[dict[str, Any]] = []
    section = 0
    included = False
    pads = {"Inputs": "", "Outputs": ""}
    reading = ""
    for line in lines:
        if line.strip() in ("Inputs:", "Outputs:"):
            reading = line.strip(" :")
        elif reading and line.startswith("       #"):
            pads[reading] += "A" if "(audio)" in line else "V"
        elif reading and line.strip().startswith("dynamic"):
            pads[reading] = "N"
        if line.endswith("AVOptions:"):
            section += 1
            owner = line.removesuffix(" AVOptions:")
            included = section == 1 or owner in {"framesync", *ALSO.get(name, ())}
            continue
        if not included:
            continue
        if match := OPTION.match(line):
            options.append(_option(match, positional=section == 1))
        elif (match := CONSTANT.match(line)) and options:
            options[-1]["words"].append(match["name"])
    options = _joined(options)
    for option in options:
        bounds = [TIGHTER[name, each] for each in option["names"] if (name, each) in TIGHTER]
        if bounds:
            option["from"], option["to"] = bounds[0]
    return {
        "says": lines[1].strip().rstrip("."),
        "timeline": "support for timeline" in report,
        "inputs": pads["Inputs"],
        "outputs": pads["Outputs"],
        "options": [option for option in options if _allowed(name, option)],
    }


def _option(match: re.Match[str], *, positional: bool) -> dict[str, Any]:
    said = match["help"]
    bounds = RANGE.search(said)
    low, high = (_number(text) for text in bounds.groups()) if bounds else (None, None)
    return {
        "names": [match["name"]],
        "type": match["type"] + ("s" if match["array"] else ""),
        "from": low,
        "to": high,
        "words": [],
        "positional": positional,
        "says": DEFAULT.sub("", RANGE.sub("", said).replace("  ", " ")).strip().rstrip("."),
    }


def _joined(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An option's other names stand right after it and are described alike."""
    joined: list[dict[str, Any]] = []
    seen: set[str] = set()
    for option in options:
        if option["names"][0] in seen:  # framesync's, which the filter also has itself
            continue
        seen.update(option["names"])
        last = joined[-1] if joined else None
        facts = ("type", "from", "to", "words", "says", "positional")
        in_and_out = option["names"][0].startswith("out_")
        alike = last and all(last[fact] == option[fact] for fact in facts)
        if last and alike and option["says"] and not in_and_out:
            last["names"] += option["names"]
        else:
            joined.append(option)
    return joined


def _allowed(name: str, option: dict[str, Any]) -> bool:
    """Whether callers may give it, and keeps its place when not; text needs a kind."""
    if any((name, each) in WITHHELD for each in option["names"]):
        option["withheld"] = True
    if option["type"] in ("string", "strings", "dictionary", "binary"):
        kinds = {TEXTS[name, each] for each in option["names"] if (name, each) in TEXTS}
        if len(kinds) > 1:
            raise SystemExit(f"{name}={option['names']} has several kinds: {kinds}")
        option["type"] = next(iter(kinds), "")
        option["withheld"] = not kinds
    return bool(option["positional"]) or not option.get("withheld")


def _number(text: str) -> float:
    if text in LIMITS:
        return LIMITS[text]
    return float(text) if "." in text or "e" in text else int(text)


def table() -> dict[str, Any]:
    """{filter: description} of all that are allowed."""
    filters = {}
    for name in sorted(ALLOWED):
        report = subprocess.run(
            [str(binary()), "-hide_banner", "-h", f"filter={name}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        if not report.startswith("Filter "):
            raise SystemExit(f"this ffmpeg has no filter {name}")
        filters[name] = describe(name, report)
    return filters


def _stated(value: object) -> bool:
    """Whether a fact is written down. 0 is one, though it equals False."""
    return value is not None and value is not False and value != []


def text() -> str:
    """The whole file: a line for each option, so that a change can be read."""
    rows = []
    for name, facts in table().items():
        head = {key: value for key, value in facts.items() if key != "options"}
        options = ",\n    ".join(
            json.dumps({key: value for key, value in option.items() if _stated(value)})
            for option in facts["options"]
        )  # fmt: skip
        listed = f"[\n    {options}\n  ]" if options else "[]"
        rows.append(f'"{name}": {json.dumps(head)[:-1]}, "options": {listed}}}')
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(text())
