"""/verify: what a mailed link (GET) or the code or hash in it (POST) proves."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from uuid import UUID

from flask import Blueprint, Response, request

from standins.supabase.auth import redirects, users
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import (
    AuthError,
    code_expired,
    link_expired,
    user_banned,
    validation_failed,
)
from standins.supabase.auth.requests import Verify, email_address, read
from standins.supabase.auth.routes.signups import confirm
from standins.supabase.auth.service import AuthService, answer, with_session
from standins.supabase.auth.tokens import one_time, pkce
from standins.supabase.auth.tokens.one_time import Kind
from standins.supabase.auth.users import User

EMAIL_CHANGE: tuple[Kind, ...] = ("email_change_token_new", "email_change_token_current")
KINDS: dict[str, tuple[Kind, ...]] = {
    "signup": ("confirmation_token",),
    "invite": ("confirmation_token",),
    "recovery": ("recovery_token",),
    "magiclink": ("recovery_token",),
    "email_change": EMAIL_CHANGE,
    "email": ("confirmation_token", "recovery_token"),
}
HALF_DONE = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
OAUTH_ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
}


@dataclass(frozen=True)
class Proof:
    """Whom a token speaks for; `half` when the other address must confirm, too."""

    user: User
    half: bool = False


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("verifications", __name__)

    @room.get("/verify")
    def follow() -> Response:
        return _follow(service)

    @room.post("/verify")
    def check() -> Response:
        return _check(service, read(Verify))

    return room


def _follow(service: AuthService) -> Response:
    token, link_type = request.args.get("token", ""), request.args.get("type", "")
    token = token or request.args.get("token_hash", "")
    target = service.redirect_to()
    if not token:
        raise validation_failed("Verify requires a token or a token hash")
    if not link_type:
        raise validation_failed("Verify requires a verification type")
    with_code = token.startswith(one_time.PKCE_PREFIX)
    try:
        with service.database.transaction() as connection:
            proof = _prove_hash(service, connection, link_type, token)
            if proof.half:
                return _see_other(redirects.with_fragment(target, {"message": HALF_DONE}))
            if with_code:
                code = pkce.issue_code(connection, proof.user.id, link_type, service.clock())
                return _see_other(redirects.with_query(target, {"code": code}))
            grant = service.open_session(connection, proof.user, "otp")
            session = service.session_json(connection, grant)
    except AuthError as error:
        return _see_other(_error_url(error, target, with_code))
    names = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")
    values = {name: str(session[name]) for name in names}
    url = redirects.with_fragment(target, values | {"type": link_type})
    return with_session(_see_other(url), grant)


def _see_other(url: str) -> Response:
    page = f'<a href="{escape(url)}">See Other</a>.\n\n'
    response = Response(page, 303, content_type="text/html; charset=utf-8")
    response.autocorrect_location_header = False
    response.headers["Location"] = url
    return response


def _error_url(error: AuthError, target: str, with_code: bool) -> str:
    values = {
        "error": OAUTH_ERRORS.get(error.status, ""),
        "error_code": error.code,
        "error_description": error.message,
    }
    values = {name: value for name, value in values.items() if value}
    return redirects.with_fragment(
        redirects.with_query(target, values) if with_code else target, values
    )


def _check(service: AuthService, body: Verify) -> Response:
    if not body.type:
        raise validation_failed("Verify requires a verification type")
    if not body.token and not body.token_hash:
        raise validation_failed("Verify requires either a token or a token hash")
    with service.database.transaction() as connection:
        if body.token:
            proof = _prove_code(service, connection, body)
        elif body.email or body.phone:
            raise validation_failed("Only the token_hash and type should be provided")
        else:
            proof = _prove_hash(service, connection, body.type, body.token_hash)
        if proof.half:
            return answer({"msg": HALF_DONE, "code": "200"})
        grant = service.open_session(connection, proof.user, "otp")
        session = service.session_json(connection, grant)
    return with_session(answer(session), grant)


def _prove_hash(
    service: AuthService, connection: Connection, link_type: str, token_hash: str
) -> Proof:
    if link_type not in KINDS:
        raise validation_failed("Invalid email verification type")
    match = one_time.take(connection, KINDS[link_type], token_hash, service.clock())
    if match is None:
        raise link_expired()
    return _prove(service, connection, *match)


def _prove_code(service: AuthService, connection: Connection, body: Verify) -> Proof:
    if not body.email or body.phone:
        raise validation_failed(
            "Only an email address or phone number should be provided on verify"
        )
    address = email_address(body.email)
    token_hash = one_time.token_hash(address, body.token)
    kinds = KINDS.get(body.type, ())
    match = one_time.take(connection, kinds, token_hash, service.clock()) if kinds else None
    if match is None:
        raise code_expired()
    return _prove(service, connection, *match)


def _prove(service: AuthService, connection: Connection, user_id: UUID, kind: Kind) -> Proof:
    """Note what a token proves, which was spent in the same transaction."""
    user = users.by_id(connection, user_id)
    if user is None:
        raise link_expired()
    if user.is_banned(service.clock()):
        raise user_banned(403)
    if kind in EMAIL_CHANGE:
        return _prove_email_change(service, connection, user)
    if not user.email_confirmed_at:
        user = confirm(service, connection, user)
    return Proof(user)


def _prove_email_change(service: AuthService, connection: Connection, user: User) -> Proof:
    now = service.clock()
    if user.email_change_confirm_status == 0:
        user = users.change(connection, user, now, email_change_confirm_status=1)
        return Proof(user, half=True)
    one_time.clear(connection, user.id, EMAIL_CHANGE)
    users.change_identity(connection, user, now, email=user.email_change, email_verified=True)
    metadata = user.raw_user_meta_data
    if "email" in metadata:
        metadata = metadata | {"email": user.email_change}
    changed = users.change(
        connection,
        user,
        now,
        email=user.email_change,
        email_change="",
        email_change_confirm_status=0,
        email_confirmed_at=user.email_confirmed_at or now,
        raw_user_meta_data=metadata,
    )
    return Proof(changed)
