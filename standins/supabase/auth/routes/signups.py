"""Sign-up: POST /signup, and the making of users that other routes share."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
from flask import Blueprint, Response

from standins.supabase.auth import passwords, users
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import AuthError, unexpected, validation_failed
from standins.supabase.auth.requests import SignUp, email_address, read
from standins.supabase.auth.service import AuthService, answer, with_session
from standins.supabase.auth.timestamps import rfc3339
from standins.supabase.auth.tokens import pkce
from standins.supabase.auth.users import User


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("signups", __name__)

    @room.post("/signup")
    def signup() -> Response:
        body = read(SignUp)
        if not body.email and not body.phone:
            raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
        return _sign_up(service, body)

    return room


def _sign_up(service: AuthService, body: SignUp) -> Response:
    _check(service, body)
    user = register(service, body)
    if user is None:
        return _already_there(service, body)
    with service.database.transaction() as connection:
        if not user.email_confirmed_at:
            return answer(users.user_json(connection, user))
        grant = service.open_session(connection, user, "password")
        return with_session(answer(service.session_json(connection, grant)), grant)


def _check(service: AuthService, body: SignUp) -> None:
    if not body.password:
        raise validation_failed("Signup requires a valid password")
    passwords.check_strength(body.password, service.policy.min_password_length)
    if body.email and body.phone:
        raise validation_failed(
            "Only an email address or phone number should be provided on signup."
        )
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")


def register(service: AuthService, body: SignUp) -> User | None:
    """Make a user and send the mail to confirm, or, for one who is there unconfirmed, only the
    mail; None when the address is confirmed already. Raises AuthError.
    """
    challenge = pkce.challenge(body.code_challenge, body.code_challenge_method)
    address = email_address(body.email)
    row = users.candidate(uuid4(), address, body.data, service.clock())
    with service.database.transaction() as connection:
        existing = users.by_email(connection, address)
    if existing is None:
        service.check_new_user(row)
    elif existing.email_confirmed_at:
        return None
    # Hashing takes its time: not inside the transaction.
    password_hash = passwords.hashed(body.password)
    with service.database.transaction() as connection:
        user = users.by_email(connection, address)
        if user is None:
            user = new_user(service, connection, row, password_hash, body.data, adopt=True)
        if service.policy.autoconfirm:
            return confirm(service, connection, user)
        return service.mail_link(connection, user, "signup", challenge)


def new_user(
    service: AuthService,
    connection: Connection,
    row: users.Row,
    password_hash: str,
    identity: dict[str, Any] | None = None,
    *,
    adopt: bool = False,
) -> User:
    """Insert a user and the identity that goes with it; `adopt` what the identity says into the
    user's metadata, as a sign-up does. Raises AuthError when a trigger refuses (500).
    """
    now = service.clock()
    try:
        user = users.create(connection, row, password_hash)
        data = users.add_identity(connection, user, now, identity or {})
        if adopt:
            metadata = users.merged(user.raw_user_meta_data, data)
            user = users.change(connection, user, now, raw_user_meta_data=metadata)
    except (psycopg.Error, LookupError) as error:
        raise unexpected("Database error saving new user") from error
    return user


def confirm(service: AuthService, connection: Connection, user: User) -> User:
    """Mark the address as confirmed. Raises AuthError when a trigger refuses (500)."""
    now = service.clock()
    try:
        users.change_identity(connection, user, now, email_verified=True)
        return users.confirm(connection, user, now)
    except psycopg.Error as error:
        raise unexpected("Database error updating user") from error


def _already_there(service: AuthService, body: SignUp) -> Response:
    """What a stranger learns of an address that has an account: nothing."""
    if service.policy.autoconfirm:
        raise AuthError(422, "user_already_exists", "User already registered")
    now = rfc3339(service.clock())
    return answer(
        {
            "id": str(uuid4()),
            "aud": users.AUDIENCE,
            "role": "",
            "email": email_address(body.email),
            "phone": "",
            "confirmation_sent_at": now,
            "app_metadata": {"provider": users.EMAIL, "providers": [users.EMAIL]},
            "user_metadata": body.data,
            "identities": [],
            "created_at": now,
            "updated_at": now,
            "is_anonymous": False,
        }
    )
