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
from standins.supabase.storage.service import FILE_BYTES, Service, answer, iso

COLUMNS = """id, name, owner_id, public, type::text, file_size_limit, allowed_mime_types,
  created_at, updated_at"""
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


def routes(service: Service) -> Blueprint:
    """The routes below `/bucket`."""
    blueprint = Blueprint("buckets", __name__)

    @blueprint.post("/bucket")
    def create() -> Response:
        caller = service.caller()
        body = read_json(request, CreateBody)
        name = body.id or body.name
        if not re.fullmatch(r"[\w!.*'() &$@=;:+,?-]{1,100}", name) or name.strip() != name:
            raise invalid_bucket_name()
        values = {"public": False, "file_size_limit": None, "allowed_mime_types": None}
        with service.database.transaction(caller) as connection:
            connection.execute(
                """
                insert into storage.buckets
                  (id, name, owner_id, public, file_size_limit, allowed_mime_types)
                values (%(id)s, %(name)s, %(owner)s, %(public)s, %(file_size_limit)s,
                  %(allowed_mime_types)s)
                """,
                {"id": name, "name": body.name, "owner": caller.owner} | values | body.changes(),
            )
        return answer({"name": name})

    @blueprint.get("/bucket")
    def list_() -> Response:
        with service.database.transaction(service.caller()) as connection:
            rows = connection.execute(
                f"select {COLUMNS} from storage.buckets order by name".encode()  # noqa: S608
            ).fetchall()
        return answer([_wire(row) | {"type": row["type"]} for row in rows])

    @blueprint.get("/bucket/<bucket>")
    def get(bucket: str) -> Response:
        with service.database.transaction(service.caller()) as connection:
            row = connection.execute(
                f"select {COLUMNS} from storage.buckets where id = %s".encode(),  # noqa: S608
                (bucket,),
            ).fetchone()
        if row is None:
            raise no_such_bucket()
        return answer(_wire(row))

    @blueprint.put("/bucket/<bucket>")
    def update(bucket: str) -> Response:
        caller = service.caller()
        changes = read_json(request, UpdateBody).changes()
        columns = "".join(f"{name} = %({name})s, " for name in changes)
        with service.database.transaction(caller) as connection:
            changed = connection.execute(
                f"update storage.buckets set {columns} updated_at = now()"  # noqa: S608
                " where id = %(id)s".encode(),
                changes | {"id": bucket},
            )
        if changed.rowcount == 0:
            raise no_such_bucket()
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
            if (
                connection.execute(
                    "select from storage.objects where bucket_id = %s limit 1", (bucket,)
                ).fetchone()
                is not None
            ):
                raise bucket_not_empty()
        with service.database.transaction(caller) as connection:
            connection.execute("delete from storage.buckets where id = %s", (bucket,))
        return answer({"message": "Successfully deleted"})

    return blueprint


def _must_see(connection: Connection, bucket: str) -> None:
    """See that the bucket is there for the caller. Raises StorageError (404)."""
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
