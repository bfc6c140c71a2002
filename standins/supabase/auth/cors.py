"""Cross-origin requests, as Auth itself answers them (a gateway in front may say more)."""

from __future__ import annotations

from flask import Flask, Response, request

from standins.supabase.auth.service import bodiless

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
HEADERS = frozenset(
    {
        "accept",
        "authorization",
        "content-type",
        "x-client-ip",
        "x-client-info",
        "x-jwt-aud",
        "x-use-cookie",
        "x-supabase-api-version",
    }
)
EXPOSED = "X-Total-Count, Link, X-Supabase-Api-Version"
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def add_cors(app: Flask) -> None:
    """Answer preflights, and open every other answer to other origins."""

    @app.before_request
    def preflight() -> Response | None:
        method = request.headers.get("Access-Control-Request-Method")
        if request.method != "OPTIONS" or not method or "Origin" not in request.headers:
            return None
        return _preflight(method, request.headers.get("Access-Control-Request-Headers", ""))

    @app.after_request
    def opened(response: Response) -> Response:
        if "Vary" in response.headers:
            return response
        response.headers["Vary"] = "Origin"
        if "Origin" in request.headers:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response


def _preflight(method: str, headers: str) -> Response:
    response = bodiless(204)
    response.headers["Vary"] = PREFLIGHT_VARY
    names = {name.strip().lower() for name in headers.split(",") if name.strip()}
    if method in METHODS and names <= HEADERS:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = method
        response.headers["Access-Control-Allow-Credentials"] = "true"
        if headers:
            response.headers["Access-Control-Allow-Headers"] = headers
    return response
