"""The one-machine stand-in for Supabase Storage: the calls that we and the stock clients make.

Its answers are those of the real server (supabase/storage, August 2026, file backend).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter

from standins.supabase.keys import ProjectKeys
from standins.supabase.storage.callers import Callers
from standins.supabase.storage.database import Database
from standins.supabase.storage.errors import BodyCutError, StorageError, not_found
from standins.supabase.storage.files import CHUNK, Files
from standins.supabase.storage.links import Links
from standins.supabase.storage.partials import Partials
from standins.supabase.storage.routes import (
    buckets,
    downloads,
    info,
    listing,
    objects,
    resumable,
    signing,
    uploads,
)
from standins.supabase.storage.service import StorageService, answer

PREFIX = "/storage/v1"
LOG = logging.getLogger(__name__)


class _KeyConverter(PathConverter):
    """An object's key: any text, slashes and line breaks included."""

    part_isolating = False
    regex = r"(?s:.+?)"
    weight = 300


def create_app(
    *, postgres_url: str, root: Path, keys: ProjectKeys, public_url: str
) -> WSGIApplication:
    """Storage below `/storage/v1`, its rows at `postgres_url`, its files below `root`.

    `public_url` is its own address, `/storage/v1` included. What an earlier crash left in `root`
    is deleted first: no other process may be serving it.
    """
    service = StorageService(
        Database(postgres_url),
        Files(root),
        Partials(root / "resumable"),
        Callers(keys),
        Links(keys.storage_secret),
        public_url.rstrip("/"),
    )
    _sweep(service)
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.converters["key"] = _KeyConverter
    for group in (buckets, uploads, signing, downloads, info, objects, listing, resumable):
        app.register_blueprint(group.routes(service), url_prefix=PREFIX)
    _add_health(app, service)
    _add_errors(app)
    app.after_request(_drained)
    return _path_from_uri(app)


def _sweep(service: StorageService) -> None:
    with service.database.transaction() as connection:
        rows = connection.execute("select version from storage.objects").fetchall()
    service.files.sweep({row["version"] for row in rows})
    service.partials.sweep()


def _add_health(app: Flask, service: StorageService) -> None:
    @app.get(f"{PREFIX}/status")
    def status() -> Response:
        return Response()

    @app.get(f"{PREFIX}/health")
    def health() -> Response:
        service.sender()
        return answer({"healthy": True})


def _add_errors(app: Flask) -> None:
    @app.errorhandler(StorageError)
    def refused(error: StorageError) -> Response:
        return answer(error.body(), error.wire_status)

    @app.errorhandler(BodyCutError)
    def cut(_: BodyCutError) -> Response:
        return answer(StorageError(400, "Error", "The body was cut", "InvalidRequest").body(), 400)

    @app.errorhandler(HTTPException)
    def no_route(error: HTTPException) -> Response:
        if error.code not in (404, 405):
            LOG.exception("unexpected", exc_info=error)
        uri = str(request.environ.get("REQUEST_URI", request.full_path)).removeprefix(PREFIX)
        return answer(not_found(request.method, uri), 404)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        LOG.exception("unexpected", exc_info=error)
        return answer(
            StorageError(500, "InternalError", "Internal server error", "InternalError").body(),
            500,
        )


def _drained(response: Response) -> Response:
    """Read on what was refused unread, so that the client is there to hear why.

    In pieces: the HTTP server would read all the rest at once.
    """
    with contextlib.suppress(OSError, ValueError):
        while request.environ["wsgi.input"].read(CHUNK):
            pass
    return response


def _path_from_uri(app: WSGIApplication) -> WSGIApplication:
    """Decode the path whole: the HTTP server leaves an encoded slash as it is."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if uri := environ.get("REQUEST_URI"):
            path = unquote_to_bytes(uri.encode("latin-1").partition(b"?")[0])
            environ["PATH_INFO"] = path.decode("latin-1")
        return app(environ, start_response)

    return serve
