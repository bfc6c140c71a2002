"""The check of filter graphs: filters, their options and the inputs they name."""

from __future__ import annotations

import msgspec

from lib.media import fonts
from lib.media.request import graph, policy, tables, values
from lib.media.request.files import remote
from lib.media.request.findings import Findings

MAX_FILTERS = 200
"""Filters of a graph."""


def check_graph(findings: Findings, text: str, where: str) -> graph.Graph:
    """The checked tree of a graph, its values rewritten."""
    try:
        tree = graph.parse(text)
    except graph.GraphError as error:
        findings.refuse(where, f"the filter graph can't be read: {error}.")
        return ()
    if sum(map(len, tree)) > MAX_FILTERS:
        findings.refuse(where, f"it holds more than {MAX_FILTERS} filters.")
        return ()
    for label in graph.outside_labels(tree):
        number = label.partition(":")[0]  # ASCII, as all labels are
        if number.isdigit() and int(number) >= len(findings.request.inputs):
            findings.refuse(where, f"[{label}] names an input that is not there; 0 is the first.")
    return tuple(tuple(_check_filter(findings, each, where) for each in chain) for chain in tree)


def _check_filter(findings: Findings, each: graph.Filter, where: str) -> graph.Filter:
    known = tables.filters().get(each.name)
    what = f"{where}: filter {each.name[:40]}"
    if known is None:
        instead = policy.ADVICE.get(each.name) or (
            findings.similar(each.name, policy.ALLOWED) + "docs/allowed.md lists all that are."
        )
        findings.refuse(what, "it is not among the filters allowed.", instead)
        return each
    requested = _rejoined(each) if each.name in ("subtitles", "ass") else each.options
    resolved = _resolved(findings, known, requested, f"{where}: {each.name}")
    text_kind = _text_kind(resolved)
    options: list[tuple[str | None, str]] = []
    for option, value in resolved:
        try:
            kind = text_kind if option.name == "text" else option.kind
            options.append((option.name, kind.parse(value) if kind else value))
        except ValueError as error:
            findings.refuse(f"{where}: {each.name}={option.name}", f"it must be {error}.")
    if each.name == "drawtext":
        options = _shown_with_our_fonts(options)
    elif each.name in ("subtitles", "ass"):
        names_file = any(key in (None, "filename", "f") for key, _ in requested)
        options = _with_our_copy(findings, options, f"{where}: {each.name}", names_file=names_file)
    return msgspec.structs.replace(each, options=tuple(options))


def _resolved(
    findings: Findings, known: tables.FilterTable, options: graph.Options, what: str
) -> list[tuple[tables.Option, str]]:
    """The allowed options of a filter, each at most once, with the texts that were sent."""
    resolved: dict[str, tuple[tables.Option, str]] = {}
    for position, (key, value) in enumerate(options):
        if key is None and position >= len(known.positional) > 0:
            count = len(known.positional)
            findings.refuse(what, f"it takes at most {count} options by position.")
            break
        option = known.options.get(key) if key else _positional(known, position)
        if option is None or option.kind is None:
            name = key or (option.name if option else value)
            allowed = values.names(_names(known)) or "none"
            findings.refuse(
                what,
                f"it has no allowed option {name[:60]!r}.",
                policy.ADVICE.get(name) or f"Allowed are {allowed}.",
            )
        elif option.name in resolved:
            findings.refuse(what, f"its option {option.name} is set twice.", "Set it once.")
        else:
            resolved[option.name] = option, value
        if option is None and key is None:
            break
    return list(resolved.values())


def _with_our_copy(
    findings: Findings, options: list[tuple[str | None, str]], what: str, *, names_file: bool
) -> list[tuple[str | None, str]]:
    """The subtitles filter, reading the file that we fetch; `names_file` if it named one at all."""
    if not names_file:
        findings.refuse(what, "it names no file.", f"Give {_SUBTITLES_SAY}.")
    return [
        (name, remote(findings, "subtitles", value, what) if name == "filename" else value)
        for name, value in options
    ]


_SUBTITLES_SAY = values.REMOTE_FILE.says


def _names(known: tables.FilterTable) -> list[str]:
    """The options callers may give, each by its first name."""
    return list(dict.fromkeys(each.name for each in known.options.values() if each.kind))


def _positional(known: tables.FilterTable, position: int) -> tables.Option | None:
    return known.positional[position] if position < len(known.positional) else None


def _text_kind(resolved: list[tuple[tables.Option, str]]) -> values.Kind:
    """How drawtext reads its text, which depends on its option `expansion`."""
    expansion = "normal"
    for option, value in resolved:
        if option.name == "expansion" and option.kind is not None:
            try:
                expansion = option.kind.parse(value)
            except ValueError:  # refused where the options are parsed
                continue
    match expansion:
        case "none" | "0":
            return values.LITERAL_TEXT
        case "strftime" | "2":
            return values.TIME_TEXT
        case _:
            return values.DRAWN_TEXT


def _shown_with_our_fonts(options: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """drawtext draws with one font: the one that has the text's script, where the named one lacks
    it."""
    by_name = dict(options)
    family, _, style = by_name.get("font", fonts.DEFAULT.name).partition(":")
    font, text = fonts.single(family.replace("\\-", "-"), by_name.get("text", ""))
    by_name |= {"text": text} if "text" in by_name else {}
    by_name["font"] = f"{font}:{style}" if style else font
    return list(by_name.items())


def _rejoined(each: graph.Filter) -> tuple[tuple[str | None, str], ...]:
    """The options of a subtitles filter whose address was escaped too little: https, //host/…"""
    options: list[tuple[str | None, str]] = []
    for key, value in each.options:
        at_address = options and options[-1][1].startswith(("http", "gs"))
        if key is None and at_address and options[-1][0] in (None, "filename", "f"):
            options[-1] = (options[-1][0], f"{options[-1][1]}:{value}")
        else:
            options.append((key, value))
    # A backslash left over is one too many: no address has any.
    return tuple(
        (key, value.replace("\\", "") if value.startswith(("http", "gs")) else value)
        for key, value in options
    )
