"""What the database knows of a job's account and inputs, looked up once as the job begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from lib import models
from lib.files import addresses
from lib.files.open import JobFile
from lib.files.probes import is_exact, probed
from lib.media.deadline import Deadline
from lib.media.errors import MediaError
from lib.media.model import Probe
from lib.platform import postgres


class Upload(msgspec.Struct):
    """What confirm found of an upload."""

    object_name: str
    declared_bytes: int
    version: str | None
    """Storage's version of the object that was looked into."""
    probe: Probe | None


class Lookup(msgspec.Struct):
    """What is known before anything is fetched."""

    wait: int | None
    """Seconds until the account may run jobs again, after too many failed; None when it may."""
    uploads: list[Upload]

    def probed(self, file: JobFile, url: str, folder: Path, deadline: Deadline) -> Probe:
        """What the file holds: as confirm found it, if the object is the same; else measured.

        Raises MediaError.
        """
        upload = self._upload(url)
        if upload is None:
            return probed(file, folder, exact=True, deadline=deadline)
        if file.size > upload.declared_bytes:
            raise MediaError(
                "upload",
                f"The upload has {file.size} bytes, its link was asked for with"
                f" {upload.declared_bytes}. Ask for a link with the file's exact size and upload it"
                " again.",
                "declared_bytes",
            )
        earlier = upload.probe
        same = file.version is not None and file.version == upload.version
        if earlier is not None and same and earlier.size_bytes == file.size and is_exact(earlier):
            return earlier
        return probed(file, folder, exact=True, deadline=deadline)

    def _upload(self, url: str) -> Upload | None:
        address = addresses.parse(url)
        name = address.object_name if address else None
        return next((each for each in self.uploads if each.object_name == name), None)


def look_up(account_id: UUID, urls: Sequence[str]) -> Lookup:
    """What is known of these inputs. Raises MediaError (quota) when the account must wait."""
    names, _ = addresses.uploads_and_jobs(list(urls))
    row = postgres.row(
        """
        select app.seconds_to_wait(%(account)s) as wait,
               (select coalesce(jsonb_agg(to_jsonb(u)), '[]') from (
                  select object_name, declared_bytes, version, probe from app.uploads
                   where object_name = any(%(names)s::text[])) u) as uploads
        """,
        {"account": account_id, "names": names},
    )
    known = models.convert(row, Lookup)
    if known.wait is not None:
        raise MediaError(
            "quota",
            "Too many jobs of this account failed within an hour, so this one was not run. Nothing"
            f" was charged: send it again in {known.wait} seconds.",
            "failures",
        )
    return known
