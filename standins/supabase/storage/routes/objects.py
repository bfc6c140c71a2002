"""Routes that work on objects as names: copy, move, remove."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from flask import Blueprint, Response, request

from standins import models
from standins.supabase.storage.bodies import read_json
from standins.supabase.storage.callers import Caller
from standins.supabase.storage.errors import no_such_object
from standins.supabase.storage.rows import COLUMNS, Content, Object, find, keep, try_write, wire
from standins.supabase.storage.service import StorageService, answer, check_key, iso, upsert


class PlaceBody(msgspec.Struct):
    """From where to where."""

    bucketId: str  # noqa: N815 -- the wire's names
    sourceKey: str  # noqa: N815
    destinationKey: str  # noqa: N815
    destinationBucket: str | None = None  # noqa: N815

    def target(self) -> tuple[str, str]:
        """Bucket and key of the destination."""
        return self.destinationBucket or self.bucketId, check_key(self.destinationKey)


class RemoveBody(msgspec.Struct):
    """The keys to delete."""

    prefixes: list[str]


def routes(service: StorageService) -> Blueprint:
    """The routes below `/object` that move no bytes."""
    blueprint = Blueprint("objects", __name__)

    @blueprint.post("/object/copy")
    def copy() -> Response:
        caller = service.caller()
        body = read_json(request, PlaceBody)
        bucket, key = body.target()
        with service.database.transaction(caller) as connection:
            source = find(connection, body.bucketId, body.sourceKey)
        service.bucket(bucket).check(source.fact("size", 0), source.fact("mimetype", ""))
        try_write(service, caller, bucket, key, upsert=upsert())
        content = Content(
            service.files.duplicate(source.version or ""),
            (source.metadata or {}) | {"lastModified": iso(datetime.now(UTC))},
            source.user_metadata,
            caller.owner,
        )
        row = keep(service, bucket, key, content, upsert=upsert())
        return answer({"Key": f"{bucket}/{key}", "Id": str(row.id)} | wire(row))

    @blueprint.post("/object/move")
    def move() -> Response:
        caller = service.caller()
        body = read_json(request, PlaceBody)
        bucket, key = body.target()
        with service.database.transaction(caller) as connection:
            source = find(connection, body.bucketId, body.sourceKey)
            moved = connection.execute(
                "update storage.objects set bucket_id = %s, name = %s, updated_at = now()"
                " where id = %s",
                (bucket, key, source.id),
            )
            if moved.rowcount == 0:  # seen, but not to be changed by this caller
                raise no_such_object()
        return answer({"message": "Successfully moved"})

    @blueprint.delete("/object/<bucket>")
    def remove_many(bucket: str) -> Response:
        caller = service.caller()
        keys = read_json(request, RemoveBody).prefixes
        return answer([wire(row) for row in _remove(service, caller, bucket, keys)])

    @blueprint.delete("/object/<bucket>/<key:key>")
    def remove_one(bucket: str, key: str) -> Response:
        if not _remove(service, service.caller(), bucket, [key]):
            raise no_such_object()
        return answer({"message": "Successfully deleted"})

    return blueprint


def _remove(service: StorageService, caller: Caller, bucket: str, keys: list[str]) -> list[Object]:
    """Delete the objects that exist and that the caller may delete; first rows, then bytes."""
    with service.database.transaction(caller) as connection:
        rows = connection.execute(
            f"""
            delete from storage.objects where bucket_id = %s and name = any(%s)
            returning {COLUMNS}
            """.encode(),  # noqa: S608
            (bucket, keys),
        ).fetchall()
    service.files.remove(row["version"] for row in rows if row["version"])
    return [models.convert(row, Object) for row in rows]
