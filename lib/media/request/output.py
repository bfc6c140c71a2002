"""The check of what an output needs: its format, its streams and its length."""

from __future__ import annotations

from lib.media.formats import Format, animated
from lib.media.model import Flags
from lib.media.request import graph, values, virtual
from lib.media.request.findings import Findings


def check_maps(findings: Findings, output: Flags, tree: graph.Graph) -> None:
    """-map may name inputs that there are, and what the graph ends in."""
    ends = graph.open_outputs(tree)
    for flag, value in output:
        if flag != "-map" or value is None:
            continue
        if value.startswith("["):
            if value[1:-1] not in ends:
                findings.refuse(
                    "-map",
                    f"the graph has no open output {value}.",
                    f"It has {values.names(f'[{e}]' for e in ends) or 'none with a label'}.",
                )
        elif int(value.lstrip("-").partition(":")[0].rstrip("?")) >= len(findings.request.inputs):
            findings.refuse("-map", f"{value} names an input that is not there; 0 is the first.")


def check_format(findings: Findings, file_format: Format, output: Flags) -> None:
    """Refuse options that the output format does not allow."""
    for flag, value in output:
        if flag == "-f" and value != file_format.muxer:
            findings.refuse(
                "-f",
                f"{value} does not go with outputFormat {findings.request.outputFormat}.",
                "Leave -f out; outputFormat chooses it.",
            )
    if file_format.kind == "audio":
        drawn = virtual.needs_picture(findings.virtual)
        if drawn:
            findings.refuse(
                drawn,
                f"there is no picture in {file_format.name}.",
                "Choose a video or image format.",
            )
    if file_format.kind != "image" and any(
        isinstance(x, virtual.Thumbnail) for x in findings.virtual
    ):
        findings.refuse(
            "@thumbnail", f"{file_format.name} isn't an image format.", "Use jpeg, png or webp."
        )


def check_length(
    findings: Findings, file_format: Format, inputs: list[Flags], output: Flags
) -> None:
    """What repeats forever needs a length."""
    ends = any(flag in ("-t", "-to", "-frames:v") for flag, _ in output)
    ends |= (
        file_format.kind == "image"
        and file_format.name != "gif"
        and not animated(file_format, output)
    )
    ends |= any(
        isinstance(each, virtual.Trim) and (each.end is not None or each.duration is not None)
        for each in findings.virtual
    )
    endless = [_endless(flags) for flags in inputs]
    if ("-shortest", None) in output and not all(endless):
        ends = True
    for number, repeats in enumerate(endless):
        if repeats and not ends:
            findings.refuse(
                f"inputs[{number}]",
                "it repeats forever and nothing states a length.",
                "Add -t to the input or to the options, or -shortest with another input.",
            )


def _endless(flags: Flags) -> bool:
    options = dict(flags)
    repeats = (
        options.get("-stream_loop") == "-1"
        or options.get("-loop") == "1"
        or options.get("-ignore_loop") == "0"
    )
    return repeats and "-t" not in options and "-to" not in options
