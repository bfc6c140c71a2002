"""Rows of storage.objects: reading, writing, and their shapes on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Rollback
from psycopg.types.json import Jsonb

from standins import models
from standins.supabase.storage.callers import Caller
from standins.supabase.storage.database import Connection
from standins.supabase.storage.errors import no_such_bucket, no_such_object, object_exists
from standins.supabase.storage.files import StoredFile
from standins.supabase.storage.service import StorageService, iso

COLUMNS = """objects.id, objects.name, objects.bucket_id, objects.owner_id, objects.version,
  objects.created_at, objects.updated_at, objects.last_accessed_at, objects.metadata,
  objects.user_metadata"""


class Object(msgspec.Struct, frozen=True):
    """A row, without the columns that nothing reads."""

    id: UUID
    name: str
    bucket_id: str
    owner_id: str | None
    version: str | None
    created_at: datetime
    updated_at: datetime
    last_accessed_at: datetime
    metadata: dict[str, Any] | None
    user_metadata: dict[str, Any] | None

    def fact(self, key: str, default: Any) -> Any:
        """A fact of the bytes, as the upload recorded it."""
        return (self.metadata or {}).get(key, default)


@dataclass(frozen=True)
class Content:
    """Bytes that are in place, and what is to be kept about them."""

    version: str
    facts: dict[str, Any]
    metadata: dict[str, Any] | None
    """The caller's own."""
    owner: str | None


def wire(row: Object) -> dict[str, Any]:
    """The whole row, as `copy` and `remove` answer it."""
    return {
        "name": row.name,
        "bucket_id": row.bucket_id,
        "owner": row.owner_id or "",
        "owner_id": row.owner_id or "",
        "version": row.version,
        "id": str(row.id),
        "updated_at": iso(row.updated_at),
        "created_at": iso(row.created_at),
        "last_accessed_at": iso(row.last_accessed_at),
        "metadata": row.metadata,
        "user_metadata": row.user_metadata,
    }


def facts(file: StoredFile, content_type: str, cache_control: str) -> dict[str, Any]:
    """The row's `metadata`: what is known of the bytes."""
    return {
        "eTag": f'"{file.etag}"',
        "size": file.size,
        "mimetype": content_type,
        "cacheControl": cache_control,
        "lastModified": iso(datetime.now(UTC)),
        "contentLength": file.size,
        "httpStatusCode": 200,
    }


def find(connection: Connection, bucket: str, key: str) -> Object:
    """The object, as far as the transaction's caller may see it. Raises StorageError (404)."""
    row = connection.execute(
        f"select {COLUMNS} from storage.objects where bucket_id = %s and name = %s".encode(),  # noqa: S608
        (bucket, key),
    ).fetchone()
    if row is None:
        raise no_such_object()
    return models.convert(row, Object)


def read(service: StorageService, caller: Caller | None, bucket: str, key: str) -> Object:
    """The object, if the caller may see it; None is Storage itself. Raises StorageError (404)."""
    with service.database.transaction(caller) as connection:
        return find(connection, bucket, key)


def read_public(service: StorageService, bucket: str, key: str) -> Object:
    """The object, if its bucket is public. Raises StorageError (404)."""
    with service.database.transaction() as connection:
        row = connection.execute(
            "select from storage.buckets where id = %s and public", (bucket,)
        ).fetchone()
        if row is None:
            raise no_such_bucket()
        return find(connection, bucket, key)


def try_write(
    service: StorageService, caller: Caller | None, bucket: str, key: str, *, upsert: bool
) -> None:
    """Write a row as the caller and take it back: may they, and is the name free?

    Without a caller, as Storage itself. Raises StorageError (403, 404 without the bucket, 409).
    """
    statement = "insert into storage.objects (bucket_id, name, owner_id) values (%s, %s, %s)"
    if upsert:
        statement += " on conflict (bucket_id, name) do update set owner_id = excluded.owner_id"
    with service.database.transaction(caller) as connection:
        connection.execute(statement.encode(), (bucket, key, caller.owner if caller else None))
        raise Rollback


def keep(
    service: StorageService, bucket: str, key: str, content: Content, *, upsert: bool
) -> Object:
    """Make the stored bytes the object: from here on it is visible. What it replaces is deleted.

    Raises StorageError (409) when the name is taken and may not be; the bytes are gone then.
    """
    try:
        with service.database.transaction() as connection:
            row = connection.execute(
                f"""
                insert into storage.objects
                  (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
                values (%(bucket)s, %(key)s, %(uuid)s, %(owner)s, %(version)s, %(facts)s, %(user)s)
                on conflict (bucket_id, name) do update set
                  owner = excluded.owner, owner_id = excluded.owner_id,
                  version = excluded.version, metadata = excluded.metadata,
                  user_metadata = excluded.user_metadata, updated_at = now()
                where %(upsert)s
                returning {COLUMNS}, old.version as replaced
                """.encode(),  # noqa: S608
                {
                    "bucket": bucket,
                    "key": key,
                    "uuid": as_uuid(content.owner),
                    "owner": content.owner,
                    "version": content.version,
                    "facts": Jsonb(content.facts),
                    "user": None if content.metadata is None else Jsonb(content.metadata),
                    "upsert": upsert,
                },
            ).fetchone()
            if row is None:
                raise object_exists()
    except BaseException:
        service.files.remove([content.version])
        raise
    if row["replaced"]:
        service.files.remove([row["replaced"]])
    return models.convert(row, Object)


def as_uuid(owner: str | None) -> UUID | None:
    """The owner for the older column, which holds UUIDs only."""
    try:
        return UUID(owner) if owner else None
    except ValueError:
        return None
