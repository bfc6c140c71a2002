"""Where the inputs and the other files of a request are."""

from __future__ import annotations

from typing import Literal

import msgspec

from lib.media import address, urls
from lib.media.request import share_links
from lib.media.request.findings import Findings
from lib.media.request.models import Input, Remote

MAX_REMOTES = 10


def clean_urls(findings: Findings) -> None:
    """Resolve where the inputs are; the request goes on with their cleaned URLs."""
    inputs: list[Input] = []
    for number, item in enumerate(findings.request.inputs):
        what = f"inputs[{number}].url"
        cleaned = _cleaned(findings, item.url, what)
        inputs.append(msgspec.structs.replace(item, url=cleaned or item.url))
        findings.urls.append(_located(findings, cleaned, what) if cleaned else item.url)
    findings.request = msgspec.structs.replace(findings.request, inputs=inputs)


def _cleaned(findings: Findings, url: str, what: str) -> str | None:
    """The cleaned URL; None for one that is refused."""
    try:
        return urls.clean(url)
    except ValueError as error:
        findings.refuse(what, str(error))
        return None


def _located(findings: Findings, url: str, what: str) -> str:
    """Where the file of a cleaned URL is: in our storage, behind a share link, or at the URL."""
    resolved = findings.sources.resolve(url)
    if resolved.startswith("gs://"):
        return resolved
    try:
        file = share_links.direct(resolved)
        target = file.url if file else resolved
        address.split(target, findings.sources.allow)
    except ValueError as error:
        findings.refuse(what, str(error))
        return resolved
    if file:
        findings.notes.append(
            f"{what}: this {file.service} share link is replaced by the direct link to its file."
        )
    return target


def remote(findings: Findings, kind: Literal["subtitles", "image"], url: str, what: str) -> str:
    """The name of our copy of a file that `what` names. The same address is fetched once."""
    for known in findings.remotes:
        if (known.kind, known.requested_url) == (kind, url):
            return known.name
    cleaned = _cleaned(findings, url, what)
    located = _located(findings, cleaned, what) if cleaned else url
    if len(findings.remotes) == MAX_REMOTES:
        findings.refuse("the request", f"it names more than {MAX_REMOTES} files besides inputs.")
    name = f"{kind}{len(findings.remotes)}" + (".ass" if kind == "subtitles" else "")
    findings.remotes.append(Remote(kind, url, located, name))
    return name
