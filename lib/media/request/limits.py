"""The check of sizes: what is too large is refused before any of it is parsed."""

from __future__ import annotations

from typing import Any

import msgspec

from lib.media.errors import Refused
from lib.media.request.findings import Findings, _printable
from lib.media.request.models import (
    MAX_ARGUMENT,
    MAX_EXPIRE_AFTER,
    MAX_OPTIONS,
    SHORT_EXPIRE_AFTER,
)

MAX_METADATA_BYTES = 8192
MAX_GRAPHS = 200_000
"""Characters of all filter graphs of a request."""
MAX_DEPTH = 50


def check_sizes(findings: Findings) -> None:
    """Refuse what is too large before any of it is parsed. Raises Refused."""
    request = findings.request
    lists = [(f"inputs[{at}]", item.options or []) for at, item in enumerate(request.inputs)]
    lists.append(("options", request.options or []))
    graphs = sum(len(each.filter) for each in request.filters or [])
    for where, options in lists:
        if len(options) > MAX_OPTIONS:
            findings.refuse(where, f"it has more than {MAX_OPTIONS} options.", "Send fewer.")
            continue
        for each in options:
            text = each.argument if isinstance(each.argument, str) else ""
            graphs += len(text) if each.option.startswith(_GRAPHS) else 0
            if len(text) > MAX_ARGUMENT:
                findings.refuse(
                    _printable(each.option),
                    f"its argument has more than {MAX_ARGUMENT:,} characters.",
                    "Send a shorter one.",
                )
    if graphs > MAX_GRAPHS:
        findings.refuse(
            "the request", f"its filter graphs have more than {MAX_GRAPHS:,} characters."
        )
    arguments = [each.argument for _, options in lists for each in options]
    if not findings.refusals and _too_deep(arguments):
        findings.refuse("the request", f"it is nested more than {MAX_DEPTH} deep.")
    if findings.refusals:
        raise Refused(findings.refusals)


def check_request(findings: Findings) -> None:
    """Check the members of a request that are not options."""
    request = findings.request
    _check_metadata(findings)
    if request.expireAfter is not None and request.expireAfter > MAX_EXPIRE_AFTER:
        findings.refuse(
            "expireAfter",
            f"it must be at most {MAX_EXPIRE_AFTER} seconds (7 days).",
            "Leave it out to keep the files as long as your plan does.",
        )
    elif request.expireAfter is not None and request.expireAfter < SHORT_EXPIRE_AFTER:
        findings.warnings.append(
            f"expireAfter deletes the output {request.expireAfter} seconds after the job ends: a"
            " client that polls may find it gone. Allow a minute or more for the download."
        )
    if _holds_nul(msgspec.to_builtins(msgspec.structs.replace(request, metadata=None))):
        findings.refuse("the request", "a text in it holds a NUL character.")


def _check_metadata(findings: Findings) -> None:
    metadata = findings.request.metadata
    if metadata is None:
        return
    try:
        size = len(msgspec.json.encode(metadata))
    except RecursionError:
        size = MAX_METADATA_BYTES + 1
    if size > MAX_METADATA_BYTES:
        findings.refuse("metadata", f"it is larger than {MAX_METADATA_BYTES} bytes.")
    elif _too_deep([metadata]):
        findings.refuse("metadata", f"it is nested more than {MAX_DEPTH} deep.")
    elif _holds_nul(metadata):
        findings.refuse("metadata", "a text in it holds a NUL character.")


_GRAPHS = ("-vf", "-af", "-filter", "-lavfi")


def _too_deep(values: list[Any]) -> bool:
    """Whether objects and lists lie more than MAX_DEPTH deep in each other."""
    for _ in range(MAX_DEPTH + 1):
        values = [
            inner
            for each in values
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(values)


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
