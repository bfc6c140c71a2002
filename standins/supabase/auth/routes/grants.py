"""POST /token: sessions for a password, a refresh token, or the code of a PKCE flow."""

from __future__ import annotations

from flask import Blueprint, Response, request

from standins.supabase.auth import passwords, users
from standins.supabase.auth.errors import (
    AuthError,
    invalid_credentials,
    user_banned,
    user_not_found,
    validation_failed,
)
from standins.supabase.auth.requests import (
    PasswordGrant,
    PkceGrant,
    RefreshGrant,
    email_address,
    read,
)
from standins.supabase.auth.service import AuthService, answer, session_headers, with_session
from standins.supabase.auth.tokens import pkce, sessions
from standins.supabase.auth.tokens.sessions import RefreshRefusal


def routes(service: AuthService) -> Blueprint:
    """The route."""
    room = Blueprint("grants", __name__)
    grants = {"password": _password, "refresh_token": _refresh_token, "pkce": _pkce}

    @room.post("/token")
    def token() -> Response:
        grant = grants.get(request.args.get("grant_type", ""))
        if grant is None:
            raise invalid_credentials("unsupported_grant_type")
        return grant(service)

    return room


def _password(service: AuthService) -> Response:
    form = read(PasswordGrant)
    if form.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not form.email:
        raise validation_failed("missing email or phone")
    with service.database.transaction() as connection:
        user = users.by_email(connection, email_address(form.email))
        if user is None:
            raise invalid_credentials()
        if user.is_banned(service.clock()):
            raise user_banned()
        if not passwords.matches(connection, user, form.password):
            raise invalid_credentials()
        if user.email_confirmed_at is None:
            raise AuthError(400, "email_not_confirmed", "Email not confirmed")
        grant = service.open_session(connection, user, "password")
        body = service.session_json(connection, grant) | {"weak_password": None}
    return with_session(answer(body), grant)


def _refresh_token(service: AuthService) -> Response:
    token = read(RefreshGrant).refresh_token
    if len(token) < sessions.TOKEN_LENGTH:
        raise validation_failed("Refresh token is not valid")
    with service.database.transaction() as connection:
        grant = sessions.refresh(connection, token, service.clock(), service.policy.reuse_interval)
        if isinstance(grant, sessions.Grant):
            body = service.session_json(connection, grant)
    if grant is None:
        raise AuthError(
            400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found"
        )
    if isinstance(grant, RefreshRefusal):
        raise _refused(grant)
    response = with_session(answer(body), grant)
    if grant.fresh:
        response.headers["Sb-Auth-Refresh-Token-Reuse"] = "false"
    return response


def _refused(refusal: RefreshRefusal) -> AuthError:
    if refusal.banned:
        headers = {"Sb-Auth-User-Id": str(refusal.user.id)}
        return AuthError(400, "user_banned", "Invalid Refresh Token: User Banned", headers)
    return AuthError(
        400,
        "refresh_token_already_used",
        "Invalid Refresh Token: Already Used",
        session_headers(refusal.user.id, refusal.session_id),
    )


def _pkce(service: AuthService) -> Response:
    form = read(PkceGrant)
    if not form.auth_code or not form.code_verifier:
        raise validation_failed(
            "invalid request: both auth code and code verifier should be non-empty"
        )
    with service.database.transaction() as connection:
        user_id, method = pkce.redeem(
            connection, form.auth_code, form.code_verifier, service.clock()
        )
        user = users.by_id(connection, user_id)
        if user is None:
            raise user_not_found()
        grant = service.open_session(connection, user, method)
        body = service.session_json(connection, grant)
    return with_session(answer(body), grant)
