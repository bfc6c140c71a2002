"""Links to stored files: signed by us, resolved to Storage when they are followed.

A read of a job would otherwise ask Storage to sign each input, whether anyone follows it or not.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

from lib.files import addresses, names, retention
from lib.files.addresses import Address
from lib.files.stores import storage
from lib.platform import postgres
from lib.platform.errors import UNAVAILABLE, Problem
from lib.platform.hkdf import derive
from lib.platform.settings import settings

LINK_SECONDS = 600
STORAGE_SECONDS = 60
"""Lifetime of the Storage link that one of our links redirects to."""

Kind = Literal["input", "file", "export"]
"""What a link leads to: a job's input, a stored file, an export's archive."""


def input_link(job_id: UUID, index: int) -> str:
    """An address that leads to the job's input number `index` (from 0), for ten minutes."""
    expires = int(time.time()) + LINK_SECONDS
    return (
        f"{settings().api_url}/v1/transcodes/{job_id}/inputs/{index}"
        f"?expires={expires}&signature={sign('input', str(job_id), str(index), str(expires))}"
    )


def file_link(address: Address, until: datetime) -> str:
    """An address that leads to a stored file until then, or until the file is deleted."""
    file, expires = str(address), str(int(until.timestamp()))
    query = {"file": file, "expires": expires, "signature": sign("file", file, expires)}
    return f"{settings().api_url}/v1/account/export/file?{urlencode(query)}"


def resolve_file(file: str, expires: str, signature: str) -> str:
    """Where such a link leads. Raises Problem 404 for one that is forged or over, 503."""
    ours = is_ours("file", signature, file, expires)
    address = addresses.parse(file)
    if not ours or int(expires) < time.time() or address is None:
        raise Problem("link_expired", "This link has expired. Request a new export.")
    return _leads_to(address)


def resolve(job_id: str, index: int, expires: str, signature: str) -> str:
    """Where a link leads. Raises Problem 404 for one that is forged or over, 503."""
    # We signed these values, so they are well formed.
    ours = is_ours("input", signature, job_id, str(index), expires)
    if not ours or int(expires) < time.time():
        raise _link_expired()
    row = postgres.row(
        "select inputs -> %(index)s::integer ->> 'url' as url from app.jobs where id = %(id)s",
        {"id": UUID(job_id), "index": index},
    )
    address = addresses.parse(row["url"]) if row and row["url"] else None
    if address is None:
        raise _link_expired()
    return _leads_to(address)


def _leads_to(address: Address) -> str:
    """A link of Storage to a file that may be served still. Raises Problem 404, 503."""
    expires_at, label = _served(address)
    seconds = retention.link_seconds(STORAGE_SECONDS, expires_at)
    try:
        return storage.sign_download(*address, seconds, label)
    except storage.Missing as error:
        raise _link_expired() from error
    except storage.StorageError as error:
        raise Problem("storage_unavailable", UNAVAILABLE) from error


def _served(address: Address) -> tuple[datetime | None, str]:
    """When a stored file is deleted, and its label.

    Raises Problem 404 for one that is deleted already, or whose account is closed.
    """
    row = postgres.row(
        """
        select f.expires_at, f.deleted_at, f.filename as label
          from app.files f join app.accounts a on a.id = f.account_id
         where f.address = %(address)s and a.closed_at is null
        """,
        {"address": str(address)},
    )
    if row is None:
        raise _link_expired()
    problem = retention.expired("The file", row["expires_at"], row["deleted_at"])
    if problem:
        raise problem
    return row["expires_at"], names.label(row["label"] or address.filename)


def sign(kind: Kind, *fields: str) -> str:
    """The signature of a link's fields. Each kind of link has a key of its own."""
    key = derive(settings().link_secret, f"link to {kind}")
    return hmac.digest(key.encode(), "\0".join(fields).encode(), hashlib.sha256).hex()


def is_ours(kind: Kind, signature: str, *fields: str) -> bool:
    """Whether we signed a link of this kind with these fields."""
    return hmac.compare_digest(sign(kind, *fields).encode(), signature.encode())


def _link_expired() -> Problem:
    return Problem(
        "link_expired",
        "This link has expired, or its file was deleted. Read the job for a new one.",
    )
