"""The check of ffmpeg's flags and of virtual options."""

from __future__ import annotations

from lib.media.model import Flags
from lib.media.request import graph, tables, virtual
from lib.media.request.files import remote
from lib.media.request.filters import check_graph
from lib.media.request.findings import MAX_WARNINGS, Findings
from lib.media.request.models import Input, Option, Scalar
from lib.media.request.virtual import Virtual

MAX_DRAWN = 10
"""Texts that are drawn before the job: each @text-overlay and @quote-card."""


def input_flags(findings: Findings, number: int, item: Input) -> Flags:
    """The checked flags of one input."""
    return check_flags(findings, item.options or [], f"inputs[{number}]")


def check_flags(findings: Findings, options: list[Option], where: str) -> Flags:
    """The checked flags of a list of options; virtual options go to the findings."""
    flags: Flags = []
    for each in options:
        if each.option.startswith("@"):
            check_virtual(findings, each, where)
        else:
            flags += _check_flag(findings, each, where)
    return flags


def _check_flag(findings: Findings, each: Option, where: str) -> Flags:
    output = where == "options"
    option = each.option.strip()
    flag = tables.find(option, output=output)
    if flag is None:
        _refuse_flag(findings, each.option, where)
        return []
    if isinstance(each.argument, dict):
        findings.refuse(option, "its argument must be text or a number.")
        return []
    text = _text(each.argument)
    if flag.base in ("filter:v", "filter:a"):
        return [(flag.written, graph.show(check_graph(findings, text or "", option)))]
    letter = flag.base.partition(":")[2]
    kind = tables.codec_kind(letter, output=output) if flag.base in _CODECS else flag.flag.kind
    if kind is None:
        if text not in (None, "", "true", "1"):
            findings.refuse(option, "it takes no argument.", "Leave the argument out.")
        return [(flag.written, None)]
    if text is None or text.strip() == "":
        findings.refuse(option, "its argument is missing.", f"Give it {kind.says}.")
        return []
    try:
        written = kind.parse(text if flag.base.startswith("metadata") else text.strip())
    except ValueError as error:
        findings.refuse(option, f"its argument must be {error}.")
        return []
    return [(flag.written, written)]


def _refuse_flag(findings: Findings, option: str, where: str) -> None:
    base = option.strip().lstrip("-").partition(":")[0]
    known = tables.names(output=where == "options")
    here = tables.ADVICE.get(base)
    if here is None:
        here = findings.similar(option, known)
        elsewhere = tables.find(option, output=where != "options")
        if elsewhere is not None:
            here = (
                "It goes into the options of an input. "
                if where == "options"
                else "It goes into the job's `options`. "
            )
        here += "docs/allowed.md lists all that are."
    findings.refuse(option[:100], f"it is not among the flags allowed in {where}.", here)


def check_virtual(findings: Findings, each: Option, where: str) -> None:
    """Check a virtual option and note the files it names."""
    if each.option not in virtual.TYPES or where != "options":
        listed = ", ".join(virtual.TYPES)
        findings.refuse(
            each.option[:100],
            f"there is no such virtual option in {where}.",
            f"In `options` there are {listed}.",
        )
        return
    try:
        parsed = virtual.parse(each.option, each.argument)
    except ValueError as error:
        findings.refuse(each.option, f"its argument must be {error}.")
        return
    findings.warnings += virtual.warnings(parsed)[: MAX_WARNINGS - len(findings.warnings)]
    _note_remote(findings, parsed, each.option)
    drawn = sum(isinstance(known, _DRAWN) for known in findings.virtual)
    if isinstance(parsed, _DRAWN) and drawn == MAX_DRAWN:
        findings.refuse(
            each.option,
            f"a job draws at most {MAX_DRAWN} texts.",
            "Put several lines into one text, or use the filter drawtext.",
        )
        return
    findings.virtual.append(parsed)


def _note_remote(findings: Findings, parsed: Virtual, option: str) -> None:
    """Note the file that a virtual option names."""
    match parsed:
        case virtual.Watermark(url=str() as url):
            remote(findings, "image", url, option)
        case virtual.Watermark(input=int() as number) if number >= len(findings.request.inputs):
            findings.refuse(option, f"there is no input {number}.")
        case virtual.Subtitles():
            remote(findings, "subtitles", parsed.url, option)
        case _:
            pass


_DRAWN = (virtual.TextOverlay, virtual.QuoteCard)
_CODECS = ("c", "c:v", "c:a", "c:s")


def _text(argument: Scalar | None) -> str | None:
    """An argument as text; numbers may come as numbers."""
    match argument:
        case None:
            return None
        case bool():
            return "true" if argument else "false"
        case float() if argument.is_integer() and abs(argument) < 1e15:
            return str(int(argument))
        case _:
            return str(argument)
