"""Routes for buckets."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, request
from psycopg.rows import DictRow

from standins.supabase.storage.bodies import read_json
from standins.supabase.storage.database import Connection
from standins.supabase.storage.errors import (
    bucket_not_empty,
    invalid_bucket_name,
    invalid_request,
    no_such_bucket,
    too_large,
)
from standins.supabase.storage.service import FILE_BYTES, StorageService, answer, iso

EMPTYING = "Empty bucket has been queued. Completion may take up to an hour."
UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}

Bytes = Annotated[int, msgspec.Meta(ge=0)]


class UpdateBody(msgspec.Struct):
    """What can be changed; what is not sent stays."""

    public: bool | msgspec.UnsetType = msgspec.UNSET
    file_size_limit: Bytes | str | msgspec.UnsetType | None = msgspec.UNSET
    allowed_mime_types: list[str] | msgspec.UnsetType | None = msgspec.UNSET

    def changes(self) -> dict[str, Any]:
        """The columns to set. Raises StorageError (400, 413)."""
        columns = {
            "public": self.public,
            "file_size_limit": _limit(self.file_size_limit),
            "allowed_mime_types": self.allowed_mime_types,
        }
        return {name: value for name, value in columns.items() if value is not msgspec.UNSET}


class CreateBody(UpdateBody, kw_only=True):
    """A new bucket."""

    name: str
    id: str | None = None

    def values(self) -> dict[str, Any]:
        """The columns of the row, except its owner. Raises StorageError (400, 413)."""
        bucket = self.id or self.name
        if not re.fullmatch(r"[\w!.*'() &$@=;:+,?-]{1,100}", bucket) or bucket.strip() != bucket:
            raise invalid_bucket_name()
        defaults = {"public": False, "file_size_limit": None, "allowed_mime_types": None}
        return defaults | {"id": bucket, "name": self.name} | self.changes()


def routes(service: StorageService) -> Blueprint:
    """The routes below `/bucket`."""
    blueprint = Blueprint("buckets", __name__)

    @blueprint.post("/bucket")
    def create() -> Response:
        caller = service.caller()
        values = read_json(request, CreateBody).values()
        with service.database.transaction(caller) as connection:
            connection.execute(_INSERT, values | {"owner": caller.owner})
        return answer({"name": values["id"]})

    @blueprint.get("/bucket")
    def list_() -> Response:
        with service.database.transaction(service.caller()) as connection:
            rows = connection.execute(f"{_SELECT} order by name".encode()).fetchall()
        return answer([_wire(row) | {"type": row["type"]} for row in rows])

    @blueprint.get("/bucket/<bucket>")
    def get(bucket: str) -> Response:
        with service.database.transaction(service.caller()) as connection:
            row = connection.execute(f"{_SELECT} where id = %s".encode(), (bucket,)).fetchone()
        if row is None:
            raise no_such_bucket()
        return answer(_wire(row))

    @blueprint.put("/bucket/<bucket>")
    def update(bucket: str) -> Response:
        caller = service.caller()
        changes = read_json(request, UpdateBody).changes()
        with service.database.transaction(caller) as connection:
            _update(connection, bucket, changes)
        return answer({"message": "Successfully updated"})

    @blueprint.post("/bucket/<bucket>/empty")
    def empty(bucket: str) -> Response:
        with service.database.transaction(service.caller()) as connection:
            _must_see(connection, bucket)
            rows = connection.execute(
                "delete from storage.objects where bucket_id = %s returning version", (bucket,)
            ).fetchall()
        service.files.remove(row["version"] for row in rows if row["version"])
        return answer({"message": EMPTYING})

    @blueprint.delete("/bucket/<bucket>")
    def delete(bucket: str) -> Response:
        caller = service.caller()
        with service.database.transaction(caller) as connection:
            _must_see(connection, bucket)
        with service.database.transaction() as connection:
            _must_be_empty(connection, bucket)
        with service.database.transaction(caller) as connection:
            connection.execute("delete from storage.buckets where id = %s", (bucket,))
        return answer({"message": "Successfully deleted"})

    return blueprint


_SELECT = """
    select id, name, owner_id, public, type::text, file_size_limit, allowed_mime_types,
           created_at, updated_at
      from storage.buckets"""

_INSERT = """
    insert into storage.buckets
      (id, name, owner_id, public, file_size_limit, allowed_mime_types)
    values (%(id)s, %(name)s, %(owner)s, %(public)s, %(file_size_limit)s, %(allowed_mime_types)s)
"""


def _update(connection: Connection, bucket: str, changes: dict[str, Any]) -> None:
    """Set the columns in `changes`. Raises StorageError (404)."""
    columns = "".join(f"{name} = %({name})s, " for name in changes)
    result = connection.execute(
        f"update storage.buckets set {columns} updated_at = now()"  # noqa: S608
        " where id = %(id)s".encode(),
        changes | {"id": bucket},
    )
    if result.rowcount == 0:
        raise no_such_bucket()


def _must_be_empty(connection: Connection, bucket: str) -> None:
    """Raises StorageError (409) when the bucket holds an object."""
    row = connection.execute(
        "select from storage.objects where bucket_id = %s limit 1", (bucket,)
    ).fetchone()
    if row is not None:
        raise bucket_not_empty()


def _must_see(connection: Connection, bucket: str) -> None:
    """Raises StorageError (404) when the caller can't see the bucket."""
    row = connection.execute("select from storage.buckets where id = %s", (bucket,)).fetchone()
    if row is None:
        raise no_such_bucket()


def _limit(value: int | str | msgspec.UnsetType | None) -> int | msgspec.UnsetType | None:
    """A size in bytes from a number or text such as 20MB. Raises StorageError (400, 413)."""
    if isinstance(value, str):
        if value.isdecimal():
            value += "b"
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(gb|mb|kb|b)", value, re.IGNORECASE)
        if match is None:
            raise invalid_request("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        value = int(float(match[1]) * UNITS[match[2].lower()])
    if isinstance(value, int) and value > FILE_BYTES:
        raise too_large()
    return value


def _wire(row: DictRow) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "owner": row["owner_id"] or "",
        "public": row["public"],
        "file_size_limit": row["file_size_limit"],
        "allowed_mime_types": row["allowed_mime_types"],
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }
