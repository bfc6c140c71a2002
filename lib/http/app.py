"""The application every function shares: JSON errors, request ids, the record of each call."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from lib.accounts import rates
from lib.files.stores.requests import StorageError
from lib.http import bounds, errors, page, request_log
from lib.platform import limits, log, startup
from lib.platform.errors import DATABASE_UNAVAILABLE, RETRY_SECONDS, UNAVAILABLE, Problem
from lib.platform.limits import WaitLimits
from lib.platform.postgres import PostgresError, Unavailable


def create_app(name: str, waits: WaitLimits = limits.CALLER) -> Flask:
    """A Flask application whose every answer, errors too, is JSON with a request id.

    `waits` is how long its requests may wait for the database and Storage.
    """
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bounds.BODY_BYTES
    app.url_map.strict_slashes = False
    app.before_request(lambda: limits.use(waits))
    app.before_request(startup.warn)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(StorageError, _unavailable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _unexpected)
    return app


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`data` (plain values or msgspec structs) as JSON."""
    response = Response(msgspec.json.encode(data), status, mimetype="application/json")
    response.headers.update(headers or {})
    return response


def afterwards(do: Callable[[], None]) -> None:
    """Do this once the answer of the request under way is out."""
    g.afterwards.append(do)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = str(uuid.uuid4())
    g.afterwards = []
    bounds.check_size()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if "rate" in g:  # draft-ietf-httpapi-ratelimit-headers-10
        quota, hits, seconds = g.rate
        response.headers["RateLimit-Policy"] = f'"minute";q={quota};w=60'
        response.headers["RateLimit"] = f'"minute";r={max(0, quota - hits)};t={seconds}'
    for do in g.afterwards:
        response.call_on_close(do)
    entry = request_log.entry(response.status_code, (time.perf_counter() - g.started) * 1000)
    # The answer is complete when `close` is called: its reader does not wait for this.
    response.call_on_close(lambda: request_log.record(entry))
    response.call_on_close(_forget_old_counts)
    return response


def _forget_old_counts() -> None:
    try:
        rates.forget_old()
    except PostgresError as error:
        log.error("old counts not deleted", error)


def _problem(problem: Problem) -> Response:
    response = Response(errors.encode(problem.body()), problem.status, mimetype="application/json")
    if problem.status in (502, 503):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers.update(problem.headers)
    return response


def _unavailable(error: Unavailable | StorageError) -> Response:
    """A 503, which clients send again by themselves; the log line tells what failed and where."""
    log.error("request failed", error, request_id=g.get("request_id"), route=str(request.url_rule))
    problem = (
        Problem("storage_unavailable", UNAVAILABLE)
        if isinstance(error, StorageError)
        else Problem("database_unavailable", DATABASE_UNAVAILABLE)
    )
    if page.is_requested():
        return page.page("That did not work", problem.error, 503)
    return _problem(problem)


def _too_deep(error: RecursionError) -> Response:
    """Only nesting that a caller sent gets this deep; the log shows if it was a bug."""
    log.error("nested too deep", error, request_id=g.get("request_id"))
    return _problem(Problem("invalid_json", "The request is nested too deep. Send flatter JSON."))


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return _problem(
            Problem(
                "method_not_allowed",
                f"{request.method} is not possible here. Use {allowed}.",
                headers={"Allow": allowed},
            )
        )
    if isinstance(error, RequestEntityTooLarge):
        return _problem(
            Problem(
                "body_too_large",
                f"The request body is larger than {bounds.body_limit():,} bytes, the limit of this"
                " route. Send media with the link from POST /v1/upload/presigned-url instead.",
            )
        )
    if isinstance(error, NotFound):
        return _not_found()
    if (error.code or 500) >= 500:
        return _unexpected(error)
    return _problem(Problem("invalid_request", error.description or error.name))


def _not_found() -> Response:
    if page.is_requested():
        return page.page("There is no such page", "The address may be old or mistyped.", 404)
    return _problem(
        Problem(
            "route_not_found",
            f"There is no route {request.method} {request.path[:200]}. See /openapi.yaml.",
        )
    )


def _unexpected(error: Exception) -> Response:
    """A 500 that tells nothing of the inside; the log line tells what and where."""
    log.error(
        "request failed",
        error,
        request_id=g.get("request_id"),
        route=str(request.url_rule),
    )
    sentence = "Something went wrong on our side. Try again, and quote the request id if it stays."
    if page.is_requested():
        return page.page("That did not work", f"{sentence} It is {g.request_id}.", 500)
    return _problem(Problem("internal_error", sentence))
