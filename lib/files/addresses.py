"""Storage addresses as callers see them: gs://<bucket>/<object>, opaque, resolved for their owner.

An object's name starts with the id of the account it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID

from lib.files.stores.storage import OUTPUTS, SIGNED, UPLOADS
from lib.media.request.models import Sources
from lib.platform.settings import settings

SCHEME = "gs://"


class Address(NamedTuple):
    """Where a stored file lies."""

    bucket: str
    object_name: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.object_name}"

    @property
    def job_id(self) -> UUID | None:
        """The job that made an output; None for an upload."""
        if self.bucket != OUTPUTS:
            return None
        try:
            return UUID(self.object_name.split("/")[1])
        except ValueError:
            return None

    @property
    def filename(self) -> str:
        """The last part of the object's name."""
        return self.object_name.rpartition("/")[2]


def upload(account_id: UUID, filename: str) -> Address:
    """The address of an account's upload."""
    return Address(UPLOADS, f"{account_id}/{filename}")


def output(account_id: UUID, job_id: UUID, attempt: int, filename: str) -> Address:
    """The address of what one attempt at a job made; no two attempts share one."""
    return Address(OUTPUTS, f"{output_folder(account_id, job_id)}{attempt}/{filename}")


def output_folder(account_id: UUID, job_id: UUID) -> str:
    """The prefix of everything a job ever stored in the outputs bucket."""
    return f"{account_id}/{job_id}/"


def parse(url: str) -> Address | None:
    """The address in a gs:// URL, or None when it is of another kind or not well formed."""
    if not url.startswith(SCHEME) or not url.isprintable():
        return None
    bucket, _, object_name = url.removeprefix(SCHEME).partition("/")
    parts = object_name.split("/")
    if bucket not in (UPLOADS, OUTPUTS) or len(parts) < 2 or not all(parts) or ".." in parts:
        return None
    return Address(bucket, object_name)


def resolve(url: str) -> str:
    """A signed link of our Storage as the gs:// address it leads to; any other URL as it is.

    So its owner may name it wherever Storage is, also after the link's time.
    """
    path = url.partition("?")[0].removeprefix(f"{settings().supabase_url}{SIGNED}")
    address = None if path == url.partition("?")[0] else parse(SCHEME + unquote(path))
    return str(address) if address else url


def sources() -> Sources:
    """Which addresses requests may name."""
    return Sources(settings().source_allow, resolve)


def uploads_and_jobs(urls: Iterable[str]) -> tuple[list[str], list[UUID]]:
    """The object names of uploads and the ids of jobs that `urls` name, in order."""
    matches = [address for address in map(parse, urls) if address]
    return (
        [address.object_name for address in matches if address.bucket == UPLOADS],
        [job_id for address in matches if (job_id := address.job_id)],
    )
