"""The one-machine stand-in for Supabase Auth: the calls that we, a site and the stock clients make.

Its answers are those of the real server (supabase/auth, August 2026).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

import psycopg
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from standins.mail import MailSink
from standins.supabase.auth.callers import Callers
from standins.supabase.auth.cors import add_cors
from standins.supabase.auth.database import Database
from standins.supabase.auth.errors import (
    API_VERSION,
    VERSION_HEADER,
    AuthError,
    database_body,
    unexpected,
    wants_new_shape,
)
from standins.supabase.auth.hooks import BeforeUserCreated
from standins.supabase.auth.routes import (
    account,
    admin,
    grants,
    invitations,
    links,
    public,
    signups,
    verifications,
)
from standins.supabase.auth.service import AuthService, ProjectSettings, answer, bodiless
from standins.supabase.auth.timestamps import utc_now
from standins.supabase.auth.tokens.access_tokens import AccessTokens
from standins.supabase.keys import ProjectKeys

PREFIX = "/auth/v1"
MAX_BODY = 1024 * 1024
LOG = logging.getLogger(__name__)


def create_app(
    *,
    postgres_url: str,
    keys: ProjectKeys,
    public_url: str,
    site_url: str,
    redirect_allow: Sequence[str] = (),
    mail: MailSink,
    autoconfirm: bool = False,
    mail_interval_seconds: float = 60,
    reuse_interval_seconds: float = 10,
    min_password_length: int = 6,
    before_user_created_hook: str | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> WSGIApplication:
    """Auth below `/auth/v1`, its users at `postgres_url`, its mails in `mail`.

    `public_url` is its own address, `/auth/v1` included: the issuer of the tokens, and where the
    mailed links lead. `redirect_allow` are patterns of addresses that links may lead on to,
    besides `site_url` and loopback. `before_user_created_hook` names a function of the database
    (`schema.function`), which hosted Supabase would call at `pg-functions://`. Raises ValueError
    for a bad name of it.
    """
    policy = ProjectSettings(
        public_url=public_url.rstrip("/"),
        site_url=site_url,
        redirect_allow=tuple(redirect_allow),
        autoconfirm=autoconfirm,
        mail_interval=timedelta(seconds=mail_interval_seconds),
        reuse_interval=timedelta(seconds=reuse_interval_seconds),
        min_password_length=min_password_length,
    )
    database = Database(postgres_url)
    tokens = AccessTokens(keys)
    hook = (
        BeforeUserCreated(database, before_user_created_hook)
        if before_user_created_hook is not None
        else None
    )
    service = AuthService(policy, database, tokens, Callers(keys, tokens, clock), mail, hook, clock)
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    for room in (signups, grants, verifications, links, account, admin, invitations, public):
        app.register_blueprint(
            room.routes(service), url_prefix=PREFIX + ("/admin" if room is admin else "")
        )
    app.before_request(_refuse_head)
    _add_errors(app)
    add_cors(app)
    return app


def _refuse_head() -> Response | None:
    """What only looks at a mailed link must not follow it."""
    return bodiless(405) if request.method == "HEAD" else None


def _add_errors(app: Flask) -> None:
    @app.errorhandler(AuthError)
    def refused(error: AuthError) -> Response:
        return _refusal(error)

    @app.errorhandler(HTTPException)
    def no_route(error: HTTPException) -> Response:
        if error.code == 413:
            return _refusal(AuthError(413, "request_entity_too_large", "Request body is too large"))
        if error.code == 405:
            return bodiless(405)
        text = "text/plain; charset=utf-8"
        response = Response("404 page not found\n", 404, content_type=text)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        LOG.exception("unexpected", exc_info=error)
        return _refusal(
            unexpected("Unexpected failure, please check server logs for more information")
        )


def _refusal(error: AuthError) -> Response:
    new_shape = wants_new_shape(request.headers.get(VERSION_HEADER))
    if isinstance(error.__cause__, psycopg.Error):
        # Not the detail: it may quote the row.
        LOG.warning("%s: %s", error.message, error.__cause__.diag.message_primary)
    status, body = error.status, error.body(new_shape)
    if not new_shape:
        status, body = database_body(error.__cause__) or (status, _identified(status, body))
    response = answer(body, status)
    response.headers.update(error.headers)
    if new_shape:
        response.headers[VERSION_HEADER] = API_VERSION
    return response


def _identified(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return body | {"error_id": uuid4().hex} if status >= 500 else body
