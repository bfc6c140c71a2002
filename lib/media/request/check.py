"""The check of everything in a create request, before a job exists.

Any request body is checked in time linear to its size: each text has a maximum length, and the
check stops at MAX_REFUSALS.
"""

from __future__ import annotations

from lib.media.errors import Refused
from lib.media.formats import Format, lookup
from lib.media.request.files import clean_urls
from lib.media.request.filters import check_graph
from lib.media.request.findings import Findings
from lib.media.request.flags import check_flags, input_flags
from lib.media.request.limits import check_request, check_sizes
from lib.media.request.models import PUBLIC, Checked, Sources, TranscodeRequest
from lib.media.request.output import check_format, check_length, check_maps


def check(request: TranscodeRequest, sources: Sources = PUBLIC) -> Checked:
    """Everything that can be decided without the files. Raises Refused, naming every fault."""
    findings = Findings(request, sources)
    check_sizes(findings)
    clean_urls(findings)
    request = findings.request
    file_format = _format(findings)
    check_request(findings)
    inputs = [input_flags(findings, number, item) for number, item in enumerate(request.inputs)]
    options = request.options or []
    flags = [each for each in options if each.option not in _COMPLEX]
    output = check_flags(findings, flags, "options")
    texts = _graphs(findings)
    tree = check_graph(findings, ";".join(texts), "filters") if texts else ()
    check_maps(findings, output, tree)
    if file_format:
        check_format(findings, file_format, output)
        check_length(findings, file_format, inputs, output)
    if findings.refusals or file_format is None:
        raise Refused(findings.refusals)
    return Checked(
        request,
        file_format,
        findings.urls,
        inputs,
        output,
        tree,
        findings.virtual,
        findings.remotes,
        findings.warnings,
        findings.notes,
    )


def _format(findings: Findings) -> Format | None:
    """The output format; None, and a refusal, for an unknown one."""
    try:
        return lookup(findings.request.outputFormat)
    except Refused as refused:
        findings.refusals += refused.refusals
        return None


def _graphs(findings: Findings) -> list[str]:
    """The filter graphs of a request: those of `filters`, then those of options."""
    request = findings.request
    texts = [each.filter for each in request.filters or []]
    for each in request.options or []:
        if each.option not in _COMPLEX:
            continue
        if isinstance(each.argument, str) and each.argument.strip():
            texts.append(each.argument)
        else:
            findings.refuse(each.option, "its argument is missing.", "Give it a filter graph.")
    return texts


_COMPLEX = ("-filter_complex", "-lavfi")
