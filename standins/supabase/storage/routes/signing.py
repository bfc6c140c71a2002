"""Routes that sign links to download objects."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, request

from standins.supabase.storage.bodies import read_json
from standins.supabase.storage.rows import read
from standins.supabase.storage.service import StorageService, answer

Seconds = Annotated[int, msgspec.Meta(ge=1)]
NOT_SEEN = "Either the object does not exist or you do not have access to it"


class SignBody(msgspec.Struct):
    """The body of a request for a link."""

    expiresIn: Seconds  # noqa: N815 -- the wire's name


class SignManyBody(msgspec.Struct):
    """The body of a request for several links."""

    expiresIn: Seconds  # noqa: N815 -- the wire's name
    paths: list[str]


def routes(service: StorageService) -> Blueprint:
    """The routes below `/object/sign` that take a POST."""
    blueprint = Blueprint("signing", __name__)

    def link(bucket: str, key: str, seconds: int) -> str:
        token = service.links.sign_download(bucket, key, seconds)
        return f"/object/sign/{bucket}/{quote(key)}?token={token}"

    @blueprint.post("/object/sign/<bucket>/<key:key>")
    def sign(bucket: str, key: str) -> Response:
        caller = service.caller()
        body = read_json(request, SignBody)
        read(service, caller, bucket, key)
        return answer({"signedURL": link(bucket, key, body.expiresIn)})

    @blueprint.post("/object/sign/<bucket>")
    def sign_many(bucket: str) -> Response:
        caller = service.caller()
        body = read_json(request, SignManyBody)
        with service.database.transaction(caller) as connection:
            rows = connection.execute(
                "select name from storage.objects where bucket_id = %s and name = any(%s)",
                (bucket, body.paths),
            ).fetchall()
        visible = {row["name"] for row in rows}
        return answer(
            [
                {
                    "error": None if path in visible else NOT_SEEN,
                    "path": path,
                    "signedURL": link(bucket, path, body.expiresIn) if path in visible else None,
                }
                for path in body.paths
            ]
        )

    return blueprint
