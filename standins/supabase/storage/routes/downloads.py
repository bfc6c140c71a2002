"""Routes that send an object's bytes: by link, to a caller, to anyone."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response

from standins.supabase.storage.routes.uploads import link_token
from standins.supabase.storage.rows import read, read_public
from standins.supabase.storage.service import StorageService
from standins.supabase.storage.serving import http_date, serve, serve_cached


def routes(service: StorageService) -> Blueprint:
    """The routes below `/object` that send bytes."""
    blueprint = Blueprint("downloads", __name__)

    @blueprint.get("/object/sign/<bucket>/<key:key>")
    def by_link(bucket: str, key: str) -> Response:
        link = service.links.verify(link_token(), bucket, key, "download")
        expires = http_date(datetime.fromtimestamp(link.exp, UTC))
        return serve(
            service, lambda: read(service, None, bucket, key), lambda _: {"Expires": expires}
        )

    @blueprint.get("/object/authenticated/<bucket>/<key:key>")
    def by_caller(bucket: str, key: str) -> Response:
        caller = service.caller()
        return serve_cached(service, lambda: read(service, caller, bucket, key))

    @blueprint.get("/object/<bucket>/<key:key>")
    def by_caller_or_public(bucket: str, key: str) -> Response:
        caller = service.anyone()
        if caller:
            return serve_cached(service, lambda: read(service, caller, bucket, key))
        return serve_cached(service, lambda: read_public(service, bucket, key))

    @blueprint.get("/object/public/<bucket>/<key:key>")
    def by_anyone(bucket: str, key: str) -> Response:
        return serve_cached(service, lambda: read_public(service, bucket, key))

    return blueprint
