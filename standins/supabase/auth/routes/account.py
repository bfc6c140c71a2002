"""What a signed-in user does: /user, /logout, /reauthenticate."""

from __future__ import annotations

from typing import get_args

import psycopg
from flask import Blueprint, Response, request

from standins.supabase.auth import mails, passwords, users
from standins.supabase.auth.callers import SignedIn
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import (
    AuthError,
    email_exists,
    not_admin,
    unexpected,
    validation_failed,
)
from standins.supabase.auth.requests import UserUpdate, email_address, read
from standins.supabase.auth.service import AuthService, answer, bodiless
from standins.supabase.auth.tokens import one_time, pkce, sessions
from standins.supabase.auth.tokens.sessions import Scope
from standins.supabase.auth.users import User


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("account", __name__)

    @room.get("/user")
    def get() -> Response:
        with service.database.transaction() as connection:
            user = service.callers.require_user(connection).user
            return answer(users.user_json(connection, user))

    @room.put("/user")
    def update() -> Response:
        with service.database.transaction() as connection:
            caller = service.callers.require_user(connection)
            user = _update(service, connection, caller, read(UserUpdate))
            return answer(users.user_json(connection, user))

    @room.post("/logout")
    def logout() -> Response:
        with service.database.transaction() as connection:
            caller = service.callers.require_user(connection)
            scope = _scope(request.args.get("scope") or "global")
            sessions.end(connection, caller.user.id, caller.session_id, scope)
        return bodiless(204)

    @room.get("/reauthenticate")
    def reauthenticate() -> Response:
        with service.database.transaction() as connection:
            _reauthenticate(service, connection, service.callers.require_user(connection).user)
        return answer({})

    return room


def _scope(text: str) -> Scope:
    for scope in get_args(Scope):
        if scope == text:
            return text  # type: ignore[return-value] # it is one of them
    raise validation_failed(f'Unsupported logout scope "{text}"')


def _update(
    service: AuthService, connection: Connection, caller: SignedIn, body: UserUpdate
) -> User:
    """Change the user: password, metadata, and last what sends mails."""
    now = service.clock()
    user = caller.user
    challenge = pkce.challenge(body.code_challenge, body.code_challenge_method)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if body.app_metadata:
        raise not_admin()
    new_email = email_address(body.email) if body.email else user.email
    if body.password is not None:
        passwords.check_strength(body.password, service.policy.min_password_length)
    if new_email != user.email and users.by_email(connection, new_email):
        raise email_exists()
    if body.password is not None:
        if passwords.matches(connection, user, body.password):
            raise AuthError(
                422, "same_password", "New password should be different from the old password."
            )
        user = set_password(service, connection, user, body.password)
        sessions.end(connection, user.id, caller.session_id, "others")
    if body.data:
        metadata = users.merged(user.raw_user_meta_data, body.data)
        try:
            user = users.change(connection, user, now, raw_user_meta_data=metadata)
        except psycopg.Error as error:
            raise unexpected("Error updating user") from error
    if new_email != user.email:
        user = service.mail_email_change(connection, user, new_email, challenge)
    return user


def set_password(service: AuthService, connection: Connection, user: User, password: str) -> User:
    """Store a new password. What was mailed before is worth nothing from then on."""
    one_time.clear(connection, user.id)
    try:
        return users.change(
            connection,
            user,
            service.clock(),
            encrypted_password=passwords.hashed(password),
            confirmation_sent_at=None,
            recovery_sent_at=None,
            email_change_sent_at=None,
            reauthentication_sent_at=None,
        )
    except psycopg.Error as error:
        raise unexpected("Error during password storage") from error


def _reauthenticate(service: AuthService, connection: Connection, user: User) -> None:
    """Mail a code, which a change of password may ask for."""
    if not user.email_confirmed_at:
        raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
    now = service.clock()
    mails.check_spacing(user.reauthentication_sent_at, now, service.policy.mail_interval)
    code = one_time.new_code()
    hashed = one_time.token_hash(user.email, code)
    one_time.store(connection, user.id, "reauthentication_token", hashed, user.email, now)
    users.change(connection, user, now, reauthentication_sent_at=now)
    mails.send_code(service.mail, user.email, code, now, service.policy.site_url)
