"""Which requests may become jobs: all that is checked before anything is read or stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from lib import models
from lib.accounts.callers import Caller
from lib.files import addresses, names, retention
from lib.files.lookup import StoredFile, own_files
from lib.jobs.requests import stored_request
from lib.media.errors import Refused
from lib.media.model import Probe
from lib.media.request.check import check
from lib.media.request.models import Checked, Input, Remote, TranscodeRequest
from lib.platform.errors import Problem

Files = Mapping[str, StoredFile]
"""The caller's files that a request names, by their address."""


class Stored(msgspec.Struct):
    """An input as a job keeps it, and its probe when the file is already known."""

    record: dict[str, Any]
    probe: Probe | None


class Admitted(NamedTuple):
    """A request that may run, and its inputs in order."""

    checked: Checked
    inputs: list[Stored]

    @property
    def probes(self) -> list[Probe | None]:
        """What is known of the inputs."""
        return [each.probe for each in self.inputs]


def admit(caller: Caller, request: TranscodeRequest) -> Admitted:
    """Check a request against the rules, and look up the stored files that it names.

    Raises Problem: 400 for what can't be run, with every fault in `refusals`; 404 for a stored file
    that is not the caller's.
    """
    try:
        checked = check(request, addresses.sources())
    except Refused as refused:
        raise _refusal(refused) from refused
    files = own_files(caller.account_id, [*checked.urls, *(each.url for each in checked.remotes)])
    inputs = [
        _stored(files, url, item, index)
        for index, (url, item) in enumerate(zip(checked.urls, request.inputs, strict=True))
    ]
    for remote in checked.remotes:
        _owned(files, remote)
    return Admitted(checked, inputs)


def option_files(stored: object) -> list[str]:
    """The addresses of images and subtitles in a stored request's options; never raises."""
    try:
        request = stored_request(stored)
        return [r.url for r in check(request, addresses.sources()).remotes] if request else []
    except Refused:
        return []


def _refusal(refused: Refused) -> Problem:
    return Problem(
        "invalid_job",
        str(refused),
        " ".join(f"{each.what}: {each.rule} {each.instead}".strip() for each in refused.refusals),
        extra={
            "refusals": [
                {"flag": each.what, "rule": each.rule, "alternative": each.instead or None}
                for each in refused.refusals
            ]
        },
    )


def _stored(files: Files, url: str, item: Input, index: int) -> Stored:
    record: dict[str, Any] = {
        "url": url,
        "filename": names.label_of_url(url),
        "duration": 0,
        "format": "unknown",
        "size_bytes": "0",
    }
    if item.options:
        record["options"] = msgspec.to_builtins(item.options)
    if not url.startswith(addresses.SCHEME):
        return Stored(record, None)
    file = _own_file(files, url)
    if file is None:
        raise _no_file(f"inputs[{index}].url")
    record["filename"] = file.label
    probe = models.convert(file.probe, Probe) if file.probe else None
    if probe is not None:
        record |= {
            "duration": probe.duration or 0,
            "format": probe.format,
            "size_bytes": str(probe.size_bytes),
        }
    return Stored(record, probe)


def _owned(files: Files, remote: Remote) -> None:
    """Raises Problem 404 for a stored file in the options that is not the caller's."""
    stored = remote.url.startswith(addresses.SCHEME)
    if stored and _own_file(files, remote.url) is None:
        raise _no_file(f"The address of the {remote.kind} in the options")


def _own_file(files: Files, url: str) -> StoredFile | None:
    """The caller's own stored file at `url`. Raises Problem 404 when it has expired."""
    file = files.get(url)
    expired = file and retention.expired("The file", file.expires_at, file.deleted_at)
    if expired:
        raise expired
    return file


def _no_file(where: str) -> Problem:
    return Problem(
        "file_not_found",
        f"{where} names no file of yours. Upload it first: POST /v1/upload/presigned-url, PUT the"
        " bytes, POST /v1/upload/confirm, then use `fileUrl`.",
    )
