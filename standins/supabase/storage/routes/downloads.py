"""Routes that give bytes: by link, by caller, public; and what is known of an object."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, request

from standins.supabase.storage.bodies import DEFAULT_TYPE, NO_CACHE, read_json
from standins.supabase.storage.callers import Caller
from standins.supabase.storage.errors import StorageError, invalid_range, no_such_bucket
from standins.supabase.storage.files import read_chunks
from standins.supabase.storage.routes.uploads import link_token
from standins.supabase.storage.rows import Object, find
from standins.supabase.storage.service import Service, answer, iso

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.datastructures import Headers

Seconds = Annotated[int, msgspec.Meta(ge=1)]
NOT_SEEN = "Either the object does not exist or you do not have access to it"


class SignBody(msgspec.Struct):
    """The body of a request for a link."""

    expiresIn: Seconds  # noqa: N815 -- the wire's name


class SignManyBody(msgspec.Struct):
    """The body of a request for several links."""

    expiresIn: Seconds  # noqa: N815 -- the wire's name
    paths: list[str]


def routes(service: Service) -> Blueprint:
    """The routes below `/object` that give bytes, facts, or links to them."""
    blueprint = Blueprint("downloads", __name__)

    def seen(caller: Caller | None, bucket: str, key: str) -> Object:
        with service.database.transaction(caller) as connection:
            return find(connection, bucket, key)

    def public(bucket: str, key: str) -> Object:
        with service.database.transaction() as connection:
            row = connection.execute(
                "select from storage.buckets where id = %s and public", (bucket,)
            ).fetchone()
            if row is None:
                raise no_such_bucket()
            return find(connection, bucket, key)

    def link(bucket: str, key: str, seconds: int) -> str:
        token = service.links.sign_download(bucket, key, seconds)
        return f"/object/sign/{bucket}/{quote(key)}?token={token}"

    @blueprint.post("/object/sign/<bucket>/<key:key>")
    def sign(bucket: str, key: str) -> Response:
        caller = service.caller()
        body = read_json(request, SignBody)
        seen(caller, bucket, key)
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
        there = {row["name"] for row in rows}
        return answer(
            [
                {
                    "error": None if path in there else NOT_SEEN,
                    "path": path,
                    "signedURL": link(bucket, path, body.expiresIn) if path in there else None,
                }
                for path in body.paths
            ]
        )

    @blueprint.get("/object/sign/<bucket>/<key:key>")
    def by_link(bucket: str, key: str) -> Response:
        verified = service.links.verify(link_token(), bucket, key, "download")
        expires = http_date(datetime.fromtimestamp(verified.exp, UTC))
        return _serve(service, lambda: seen(None, bucket, key), lambda _: {"Expires": expires})

    @blueprint.get("/object/authenticated/<bucket>/<key:key>")
    def by_caller(bucket: str, key: str) -> Response:
        caller = service.caller()
        return _serve_cached(service, lambda: seen(caller, bucket, key))

    @blueprint.get("/object/<bucket>/<key:key>")
    def by_caller_or_public(bucket: str, key: str) -> Response:
        caller = service.anyone()
        return _serve_cached(
            service, lambda: seen(caller, bucket, key) if caller else public(bucket, key)
        )

    @blueprint.get("/object/public/<bucket>/<key:key>")
    def by_anyone(bucket: str, key: str) -> Response:
        return _serve_cached(service, lambda: public(bucket, key))

    @blueprint.get("/object/info/<bucket>/<key:key>")
    @blueprint.get("/object/info/authenticated/<bucket>/<key:key>")
    def info(bucket: str, key: str) -> Response:
        return _info(seen(service.caller(), bucket, key))

    @blueprint.get("/object/info/public/<bucket>/<key:key>")
    def public_info(bucket: str, key: str) -> Response:
        return _info(public(bucket, key))

    return blueprint


def http_date(moment: datetime) -> str:
    """The moment as headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def parse_range(header: str, size: int) -> tuple[int, int]:
    """First byte and length of the one range asked for. Raises StorageError (416).

    RFC 9110, 14.1.2; several ranges at once are refused, as by the real server.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or match[0].endswith("=-"):
        raise invalid_range()
    if not match[1]:
        length = min(int(match[2]), size)
        start = size - length
    else:
        start = int(match[1])
        end = min(int(match[2]) if match[2] else size - 1, size - 1)
        length = end - start + 1
    if length <= 0 or start >= size:
        raise invalid_range()
    return start, length


def disposition(filename: str) -> str:
    """The header that makes a browser save the file, under this name when there is one."""
    if not filename:
        return "attachment;"
    encoded = quote(filename, safe="!~*'()")
    return f"attachment; filename={encoded}; filename*=UTF-8''{encoded}"


class _NotModified(Response):
    """A 304 with every header of the object, as the real server sends it."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return self.headers


def _serve_cached(service: Service, seen: Callable[[], Object]) -> Response:
    """The object, with the cache rule that it was stored with."""

    def caching(row: Object) -> dict[str, str]:
        return {"Cache-Control": row.told("cacheControl", NO_CACHE)}

    return _serve(service, seen, caching)


def _serve(
    service: Service, seen: Callable[[], Object], caching: Callable[[Object], dict[str, str]]
) -> Response:
    """The object's bytes, or the part or the news of it that was asked for."""
    row = seen()
    if _unchanged(row):
        return _NotModified(status=304, headers=_headers(row, 0) | caching(row))
    if request.method == "HEAD":
        return Response(headers=_headers(row, row.told("size", 0)) | caching(row))
    try:
        file = service.files.open(row.version or "")
    except StorageError:
        # Replaced between the two looks: the newer version is as good an answer.
        row = seen()
        file = service.files.open(row.version or "")
    try:
        start, length, content_range = _part(os.fstat(file.fileno()).st_size)
        file.seek(start)
        response = Response(
            read_chunks(file, length),
            206 if content_range else 200,
            _headers(row, length) | caching(row) | content_range,
            direct_passthrough=True,
        )
    except BaseException:
        file.close()
        raise
    response.call_on_close(file.close)
    return response


def _part(size: int) -> tuple[int, int, dict[str, str]]:
    """First byte, length and header of what is asked for of `size` bytes. Raises StorageError."""
    asked = request.headers.get("Range")
    if not asked:
        return 0, size, {}
    start, length = parse_range(asked, size)
    return start, length, {"Content-Range": f"bytes {start}-{start + length - 1}/{size}"}


def _headers(row: Object, length: int) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": row.told("mimetype", DEFAULT_TYPE),
        "ETag": row.told("eTag", ""),
        "X-Robots-Tag": "none",
        "Last-Modified": http_date(row.updated_at),
        "Content-Length": str(length),
    }
    if (name := request.args.get("download")) is not None:
        headers["Content-Disposition"] = disposition(name)
    return headers


def _unchanged(row: Object) -> bool:
    """Whether the client has this version already (RFC 9110, 13.2.2)."""
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(row.told("eTag", "").strip('"'))
    since = request.if_modified_since
    return since is not None and row.updated_at.replace(microsecond=0) <= since


def _info(row: Object) -> Response:
    headers = {
        "ETag": row.told("eTag", ""),
        "Last-Modified": http_date(row.updated_at),
        "Cache-Control": row.told("cacheControl", NO_CACHE),
    }
    body = {
        "id": str(row.id),
        "name": row.name,
        "version": row.version,
        "bucket_id": row.bucket_id,
        "size": row.told("size", 0),
        "content_type": row.told("mimetype", DEFAULT_TYPE),
        "cache_control": row.told("cacheControl", NO_CACHE),
        "etag": row.told("eTag", ""),
        "metadata": row.user_metadata,
        "last_modified": iso(row.updated_at),
        "created_at": iso(row.created_at),
    }
    return answer(body, headers=headers)
