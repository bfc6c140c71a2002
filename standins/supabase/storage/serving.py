"""An object's bytes as a response: ranges, conditions, and the headers of the real server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, request

from standins.supabase.storage.bodies import DEFAULT_TYPE, NO_CACHE
from standins.supabase.storage.errors import StorageError, invalid_range
from standins.supabase.storage.files import read_chunks
from standins.supabase.storage.rows import Object
from standins.supabase.storage.service import StorageService

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.datastructures import Headers


def http_date(moment: datetime) -> str:
    """The moment as headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def parse_range(header: str, size: int) -> tuple[int, int]:
    """First byte and length of the one requested range. Raises StorageError (416).

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


def serve_cached(service: StorageService, find: Callable[[], Object]) -> Response:
    """The object, with the cache rule that it was stored with."""

    def caching(row: Object) -> dict[str, str]:
        return {"Cache-Control": row.fact("cacheControl", NO_CACHE)}

    return serve(service, find, caching)


def serve(
    service: StorageService, find: Callable[[], Object], caching: Callable[[Object], dict[str, str]]
) -> Response:
    """The object's bytes, or the requested range, or a 304."""
    row = find()
    if _unchanged(row):
        return _NotModified(status=304, headers=_headers(row, 0) | caching(row))
    if request.method == "HEAD":
        return Response(headers=_headers(row, row.fact("size", 0)) | caching(row))
    try:
        file = service.files.open(row.version or "")
    except StorageError:
        # Replaced between the two reads: the newer version is as good an answer.
        row = find()
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
    """First byte, length and header of the requested part of `size` bytes. Raises StorageError."""
    header = request.headers.get("Range")
    if not header:
        return 0, size, {}
    start, length = parse_range(header, size)
    return start, length, {"Content-Range": f"bytes {start}-{start + length - 1}/{size}"}


def _headers(row: Object, length: int) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": row.fact("mimetype", DEFAULT_TYPE),
        "ETag": row.fact("eTag", ""),
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
        return request.if_none_match.contains_weak(row.fact("eTag", "").strip('"'))
    since = request.if_modified_since
    return since is not None and row.updated_at.replace(microsecond=0) <= since
