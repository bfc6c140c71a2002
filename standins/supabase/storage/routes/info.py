"""Routes that describe an object."""

from __future__ import annotations

from flask import Blueprint, Response

from standins.supabase.storage.bodies import DEFAULT_TYPE, NO_CACHE
from standins.supabase.storage.rows import Object, read, read_public
from standins.supabase.storage.service import StorageService, answer, iso
from standins.supabase.storage.serving import http_date


def routes(service: StorageService) -> Blueprint:
    """The routes below `/object/info`."""
    blueprint = Blueprint("info", __name__)

    @blueprint.get("/object/info/<bucket>/<key:key>")
    @blueprint.get("/object/info/authenticated/<bucket>/<key:key>")
    def info(bucket: str, key: str) -> Response:
        return _info(read(service, service.caller(), bucket, key))

    @blueprint.get("/object/info/public/<bucket>/<key:key>")
    def public_info(bucket: str, key: str) -> Response:
        return _info(read_public(service, bucket, key))

    return blueprint


def _info(row: Object) -> Response:
    headers = {
        "ETag": row.fact("eTag", ""),
        "Last-Modified": http_date(row.updated_at),
        "Cache-Control": row.fact("cacheControl", NO_CACHE),
    }
    body = {
        "id": str(row.id),
        "name": row.name,
        "version": row.version,
        "bucket_id": row.bucket_id,
        "size": row.fact("size", 0),
        "content_type": row.fact("mimetype", DEFAULT_TYPE),
        "cache_control": row.fact("cacheControl", NO_CACHE),
        "etag": row.fact("eTag", ""),
        "metadata": row.user_metadata,
        "last_modified": iso(row.updated_at),
        "created_at": iso(row.created_at),
    }
    return answer(body, headers=headers)
