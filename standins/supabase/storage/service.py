"""What the routes share: the parts of the service, and who is calling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Response, request

from standins import models
from standins.supabase.storage.callers import Caller, Callers
from standins.supabase.storage.database import Database
from standins.supabase.storage.errors import (
    access_denied,
    invalid_key,
    invalid_mime_type,
    invalid_request,
    no_such_bucket,
    too_large,
)
from standins.supabase.storage.files import Files
from standins.supabase.storage.links import Links
from standins.supabase.storage.partials import Partials

FILE_BYTES = 5 * 1024**3
"""The largest file, whatever a bucket says; a setting of the project when hosted."""
KEY_BYTES = 1024


class Bucket(msgspec.Struct, frozen=True):
    """What an upload must keep to."""

    id: str
    file_size_limit: int | None
    allowed_mime_types: list[str] | None

    def limit(self) -> int:
        """The largest object, in bytes."""
        return min(self.file_size_limit or FILE_BYTES, FILE_BYTES)

    def check(self, size: int | None, mime_type: str) -> None:
        """Refuse a size (None: not known yet) or type that the bucket does not take.

        Raises StorageError (413, 415).
        """
        if size is not None and size > self.limit():
            raise too_large()
        essence = mime_type.partition(";")[0].strip().lower()
        if self.allowed_mime_types and not any(
            _matches(pattern.lower(), essence) for pattern in self.allowed_mime_types
        ):
            raise invalid_mime_type(mime_type)


@dataclass(frozen=True)
class StorageService:
    """The parts that the routes work with."""

    database: Database
    files: Files
    partials: Partials
    callers: Callers
    links: Links
    public_url: str

    def caller(self) -> Caller:
        """Who sent this request. Raises StorageError (400 without credentials, 403)."""
        caller = self.anyone()
        if caller is None:
            raise invalid_request("headers must have required property 'authorization'")
        return caller

    def sender(self) -> Caller:
        """The same, for routes that refuse it in other words. Raises StorageError (403)."""
        caller = self.anyone()
        if caller is None:
            raise access_denied("Invalid Compact JWS")
        return caller

    def anyone(self) -> Caller | None:
        """Who sent this request; None when it carries no credential. Raises StorageError (403)."""
        return self.callers.identify(
            request.headers.get("Authorization"), request.headers.get("apikey")
        )

    def bucket(self, bucket_id: str) -> Bucket:
        """The bucket's rules, whoever asks. Raises StorageError (404)."""
        with self.database.transaction() as connection:
            row = connection.execute(
                "select id, file_size_limit, allowed_mime_types from storage.buckets where id = %s",
                (bucket_id,),
            ).fetchone()
        if row is None:
            raise no_such_bucket()
        return models.convert(row, Bucket)


def check_key(key: str) -> str:
    """The key, when it can be stored: any text that PostgreSQL holds, up to 1,024 bytes.

    Raises StorageError (400).
    """
    if not key or "\0" in key or "\ufffd" in key or len(key.encode()) > KEY_BYTES:
        raise invalid_key(key)
    return key


def upsert() -> bool:
    """Whether the request may replace what is there."""
    return request.headers.get("x-upsert") == "true"


def answer(
    body: Mapping[str, Any] | list[Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON response."""
    return Response(
        msgspec.json.encode(body),
        status,
        headers,
        content_type="application/json; charset=utf-8",
    )


def iso(moment: datetime) -> str:
    """Milliseconds and a Z, as JavaScript writes it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _matches(pattern: str, mime_type: str) -> bool:
    if pattern in ("*", "*/*"):
        return True
    if pattern.endswith("/*"):
        return mime_type.startswith(pattern[:-1])
    return pattern == mime_type
