"""A create request, as it comes over the wire, and the check of all that it asks of ffmpeg."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from lib.media import address, graph, tables
from lib.media.errors import Refusal, Refused
from lib.media.formats import lookup

MAX_METADATA_BYTES = 8192
MAX_OPTIONS = 100

Scalar = str | int | float | bool
Argument = Scalar | dict[str, Any] | None


class Option(msgspec.Struct, omit_defaults=True):
    """A flag of ffmpeg and its argument; a flag without one has none, null or ""."""

    option: Annotated[str, msgspec.Meta(max_length=100)]
    argument: Argument = None


class Input(msgspec.Struct, omit_defaults=True):
    """A file to read: the gs:// address of an upload or output, or a public http(s) URL."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=address.MAX_LENGTH)]
    options: list[Option] | None = None


class Preset(msgspec.Struct, omit_defaults=True):
    """What to make when no options say it: high, medium, low are CRF 18, 23, 28 of H.264."""

    quality: Literal["high", "medium", "low"] | None = None
    resolution: Literal["480p", "720p", "1080p", "4k"] | None = None


class Filter(msgspec.Struct):
    """A filter graph; several are joined with `;` and handed over as -filter_complex."""

    filter: Annotated[str, msgspec.Meta(max_length=20_000)]


class TranscodeRequest(msgspec.Struct, omit_defaults=True):
    """A job: what to read, what to make, how."""

    inputs: Annotated[list[Input], msgspec.Meta(min_length=1, max_length=10)]
    outputFormat: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    preset: Preset | None = None
    options: Annotated[list[Option], msgspec.Meta(max_length=MAX_OPTIONS)] | None = None
    filters: Annotated[list[Filter], msgspec.Meta(max_length=20)] | None = None
    metadata: dict[str, Any] | None = None


Flags = list[tuple[str, str | None]]
"""Flags as ffmpeg is told them."""


class Checked(msgspec.Struct):
    """All that a request asks of ffmpeg, normalised."""

    inputs: list[Flags]
    output: Flags
    filters: str | None
    graph: graph.Graph


def check(request: TranscodeRequest) -> Checked:
    """Everything that can be decided without the files. Raises Refused, naming every fault."""
    refusals: list[Refusal] = []
    output_format = _collect(refusals, lambda: lookup(request.outputFormat))
    if (
        request.metadata is not None
        and len(msgspec.json.encode(request.metadata)) > MAX_METADATA_BYTES
    ):
        refusals.append(Refusal("metadata", f"it is larger than {MAX_METADATA_BYTES} bytes."))
    if _holds_nul(msgspec.to_builtins(request)):
        refusals.append(Refusal("the request", "a text in it holds a NUL character."))
    inputs: list[Flags] = []
    for number, item in enumerate(request.inputs):
        if not item.url.startswith("gs://"):
            try:
                address.split(item.url)
            except ValueError as error:
                refusals.append(Refusal(f"inputs[{number}].url", str(error)))
        inputs.append(_flags(item.options or [], tables.INPUT, f"inputs[{number}]", refusals))
    options = request.options or []
    complexes = [each for each in options if each.option in ("-filter_complex", "-lavfi")]
    rest = [each for each in options if each not in complexes]
    output = _flags(rest, tables.OUTPUT, "options", refusals)
    for flag, value in output:
        if flag == "-f" and output_format and value != output_format.muxer:
            refusals.append(
                Refusal("-f", f"{value} does not go with outputFormat {request.outputFormat}.",
                        "Leave -f out; outputFormat chooses it.")
            )  # fmt: skip
    texts = [each.filter for each in request.filters or []]
    texts += [each.argument for each in complexes if isinstance(each.argument, str)]
    tree = _graph(";".join(texts), "filters", refusals) if texts else ()
    _bounded(inputs, output, refusals)
    if refusals:
        raise Refused(refusals)
    return Checked(inputs, output, graph.show(tree) if tree else None, tree)


def _flags(
    options: list[Option], table: dict[str, Any], where: str, refusals: list[Refusal]
) -> Flags:
    flags: Flags = []
    for each in options:
        name = tables.ALIASES.get(each.option, each.option)
        text = _text(each.argument)
        if name.startswith("@"):
            refusals.append(
                Refusal(name, f"virtual options are not offered yet ({where}).",
                        "Use raw options or filters.")
            )  # fmt: skip
        elif name in tables.FLAG_ONLY and table is tables.OUTPUT:
            if text not in (None, "", "true", "1"):
                refusals.append(Refusal(name, "it takes no argument.", "Leave the argument out."))
            flags.append((name, None))
        elif name in tables.GRAPHS and table is tables.OUTPUT:
            tree = _graph(text or "", name, refusals)
            if len(tree) != 1 or any(part.inputs or part.outputs for part in tree[0]):
                refusals.append(
                    Refusal(name, "it must be one chain without link labels.",
                            "Send graphs with labels in `filters`.")
                )  # fmt: skip
            flags.append((name, graph.show(tree)))
        elif name not in table:
            refusals.append(
                Refusal(
                    name if name.isprintable() else repr(name),
                    f"it is not among the flags allowed in {where}.",
                    f"Allowed are {', '.join(sorted(table))}.",
                )
            )
        elif text is None or text == "":
            refusals.append(Refusal(name, "its argument is missing."))
        else:
            try:
                flags.append((name, table[name](text)))
            except ValueError as error:
                refusals.append(Refusal(name, f"its argument must be {error}."))
    return flags


def _graph(text: str, where: str, refusals: list[Refusal]) -> graph.Graph:
    """The checked tree of a graph, its values written anew."""
    try:
        tree = graph.parse(text)
    except graph.GraphError as error:
        refusals.append(Refusal(where, f"the filter graph can't be read: {error}."))
        return ()
    return tuple(tuple(_filter(each, where, refusals) for each in chain) for chain in tree)


def _filter(each: graph.Filter, where: str, refusals: list[Refusal]) -> graph.Filter:
    known = tables.FILTERS.get(each.name)
    if known is None:
        refusals.append(
            Refusal(
                f"{where}: filter {each.name[:40]}",
                "it is not among the filters allowed.",
                f"Allowed are {', '.join(sorted(tables.FILTERS))}.",
            )
        )
        return each
    options: list[tuple[str | None, str]] = []
    names = list(known)
    for position, (key, value) in enumerate(each.options):
        name = key or (names[position] if position < len(names) else "")
        if name not in known:
            refusals.append(
                Refusal(
                    f"{where}: {each.name}",
                    f"it has no allowed option {name or value!r}.",
                    f"Allowed are {', '.join(known) or 'none'}.",
                )
            )
            continue
        try:
            options.append((name, known[name](value)))
        except ValueError as error:
            refusals.append(Refusal(f"{where}: {each.name}={name}", f"it must be {error}."))
    return msgspec.structs.replace(each, options=tuple(options))


def _bounded(inputs: list[Flags], output: Flags, refusals: list[Refusal]) -> None:
    """What repeats for ever needs a length."""
    ends = any(flag in ("-t", "-to", "-frames:v") for flag, _ in output)
    for number, flags in enumerate(inputs):
        given = dict(flags)
        endless = given.get("-stream_loop") == "-1" or given.get("-loop") == "1"
        if endless and not ends and "-t" not in given:
            refusals.append(
                Refusal(f"inputs[{number}]", "it repeats for ever and nothing states a length.",
                        "Add -t to the input or to the options.")
            )  # fmt: skip


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(key) or _holds_nul(each) for key, each in value.items())
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def _text(argument: Argument) -> str | None:
    """An argument as text; numbers may come as numbers."""
    match argument:
        case None:
            return None
        case bool():
            return "true" if argument else "false"
        case dict():
            return msgspec.json.encode(argument).decode()
        case float() if argument.is_integer() and abs(argument) < 1e15:
            return str(int(argument))
        case _:
            return str(argument)


def _collect(refusals: list[Refusal], step: Any) -> Any:
    try:
        return step()
    except Refused as refused:
        refusals += refused.refusals
        return None
