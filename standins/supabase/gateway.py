"""The one address of the Supabase stand-ins, as hosted: Auth and Storage by prefix, and CORS.

Like the hosted gateway, this one answers browsers' preflights and allows every origin to read what
Auth and Storage answer. On one machine `hosts.guard` refuses foreign origins before that, and
the mails have no CORS at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from standins.http import hosts

NOT_FOUND = b'{"message":"no Route matched with those values"}'
MAX_AGE = "3600"
METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS"
ALLOW_ORIGIN = ("Access-Control-Allow-Origin", "*")
EXPOSE = ("Access-Control-Expose-Headers", "*")
AUTH = "/auth/v1"
TUS = "/storage/v1/upload/resumable"
"""Resumable uploads answer OPTIONS themselves, it is part of their protocol."""

Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None


def create_gateway(
    auth_app: WSGIApplication,
    storage_app: WSGIApplication,
    mail_app: WSGIApplication | None = None,
) -> WSGIApplication:
    """Send `/auth/v1` and `/storage/v1` to their apps, paths unchanged; 404 for everything else.

    As the hosted gateway does, Auth gets the `apikey` as its bearer where there is none.

    `mail_app` shows the mails of one machine below /mail, to people at this machine only; the
    hosted gateway has nothing there.
    """
    apps = {AUTH: auth_app, "/storage/v1": storage_app}
    mails = hosts.private(_mounted("/mail", mail_app)) if mail_app else None

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if mails and _below("/mail", path):
            return mails(environ, start_response)
        app = next((app for prefix, app in apps.items() if _below(prefix, path)), _no_route)
        if _below(AUTH, path) and environ.get("HTTP_APIKEY"):
            environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {environ['HTTP_APIKEY']}")
        if _is_preflight(environ) and app is not _no_route and not _below(TUS, path):
            return _preflight(environ, start_response)
        return app(environ, _opened(start_response))

    return serve


def _mounted(prefix: str, app: WSGIApplication) -> WSGIApplication:
    """`app` as if it stood at the root."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = prefix
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix) or "/"
        return app(environ, start_response)

    return serve


def _below(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _is_preflight(environ: WSGIEnvironment) -> bool:
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def _preflight(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Every method, and the headers that are asked for."""
    headers_allowed = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "*")
    headers = [
        ALLOW_ORIGIN,
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", headers_allowed),
        ("Access-Control-Max-Age", MAX_AGE),
        ("Content-Length", "0"),
    ]
    start_response("200 OK", headers)
    return []


def _no_route(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(NOT_FOUND)))]
    start_response("404 Not Found", headers)
    return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [NOT_FOUND]


def _opened(start_response: StartResponse) -> StartResponse:
    """Open the answer to every origin, where the service has not said so itself."""

    def start(
        status: str, headers: Headers, exc_info: ExcInfo = None, /
    ) -> Callable[[bytes], object]:
        if not any(name.lower() == ALLOW_ORIGIN[0].lower() for name, _ in headers):
            headers = [*headers, ALLOW_ORIGIN, EXPOSE]
        return start_response(status, headers, exc_info)

    return start
