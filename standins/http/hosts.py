"""Which names and web origins the servers of one machine answer to.

A page of any website can make a browser call 127.0.0.1, and a domain that resolves to 127.0.0.1
(DNS rebinding) makes the page and the server one origin. So every server here answers only under a
loopback name, or under the name in PUBLIC_URL, for an operator who puts a proxy in front.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
WRONG_HOST = (
    "This server answers to 127.0.0.1 and localhost only. To serve it under another name, set"
    " PUBLIC_URL to that address and start it again."
)
WRONG_ORIGIN = (
    "Pages of other websites may not call this server. Open it by its own address instead."
)


def allowed() -> frozenset[str]:
    """The loopback names, and the host name of PUBLIC_URL."""
    public = _host_of(os.environ.get("PUBLIC_URL", ""))
    return LOOPBACK | {public} if public else LOOPBACK


def guard(
    app: WSGIApplication, names: frozenset[str] | None = None, *, close: bool = True
) -> WSGIApplication:
    """`app`, which answers 421 to a foreign Host and 403 to a foreign Origin.

    `names` are the accepted host names, by default those of `allowed` at the time of the call.
    `close` ends the connection of a refused request, whose body is not read.
    """
    names = allowed() if names is None else names

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _host_of(f"//{environ.get('HTTP_HOST', '')}") not in names:
            return refuse(
                start_response, "421 Misdirected Request", "wrong_host", WRONG_HOST, close
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and _host_of(origin) not in names:
            return refuse(start_response, "403 Forbidden", "wrong_origin", WRONG_ORIGIN, close)
        return app(environ, start_response)

    return serve


def private(app: WSGIApplication) -> WSGIApplication:
    """`app` for people at this machine only: loopback names, and no page but its own.

    For what holds secrets, such as the mails. A link from another local page may lead to it.
    """

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        if (origin is not None and origin != own) or not _from_own_page(environ):
            return refuse(start_response, "403 Forbidden", "wrong_origin", WRONG_ORIGIN)
        return app(environ, start_response)

    return guard(serve, LOOPBACK)


def refuse(
    start_response: StartResponse, status: str, code: str, error: str, close: bool = True
) -> Iterable[bytes]:
    """Answer an error without reading the request's body, and close the connection if asked."""
    body = json.dumps({"error": error, "message": error, "code": code}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    start_response(status, [*headers, ("Connection", "close")] if close else headers)
    return [body]


def _from_own_page(environ: WSGIEnvironment) -> bool:
    """Whether a browser made the request for its user or for a page of this server."""
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if site == "same-site":  # another port of this machine
        kind = (environ.get("HTTP_SEC_FETCH_MODE"), environ.get("HTTP_SEC_FETCH_DEST"))
        return kind == ("navigate", "document")
    return site in ("none", "same-origin")


def _host_of(address: str) -> str | None:
    """The host name in an address, in lower case; None if there is none or it is malformed."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 -- raises for a malformed port
        host = parts.hostname
    except ValueError:
        return None
    if host is None or "@" in parts.netloc or any(each in "\\ \t" for each in parts.netloc):
        return None
    return host.rstrip(".") if host.rstrip(".") in LOOPBACK else host
