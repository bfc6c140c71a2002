"""Mails on request: /recover, /otp, /magiclink, /resend."""

from __future__ import annotations

from flask import Blueprint, Response

from standins.supabase.auth import passwords, users
from standins.supabase.auth.errors import AuthError, validation_failed
from standins.supabase.auth.requests import Otp, Recover, Resend, SignUp, email_address, read
from standins.supabase.auth.routes.signups import register
from standins.supabase.auth.service import AuthService, answer
from standins.supabase.auth.tokens import pkce

RESENDABLE = ("signup", "email_change", "sms", "phone_change")


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("links", __name__)

    @room.post("/recover")
    def recover() -> Response:
        return _recover(service, read(Recover))

    @room.post("/otp")
    @room.post("/magiclink")
    def otp() -> Response:
        return _otp(service, read(Otp))

    @room.post("/resend")
    def resend() -> Response:
        return _resend(service, read(Resend))

    return room


def _recover(service: AuthService, body: Recover) -> Response:
    if not body.email:
        raise validation_failed("Password recovery requires an email")
    challenge = pkce.challenge(body.code_challenge, body.code_challenge_method)
    with service.database.transaction() as connection:
        user = users.by_email(connection, email_address(body.email))
        if user:
            service.mail_link(connection, user, "recovery", challenge)
    return answer({})


def _otp(service: AuthService, body: Otp) -> Response:
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
    challenge = pkce.challenge(body.code_challenge, body.code_challenge_method)
    address = email_address(body.email)
    with service.database.transaction() as connection:
        user = users.by_email(connection, address)
    if user is None and not body.create_user:
        raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    if user is None or not user.email_confirmed_at:
        user = _registered(service, body)
        if not service.policy.autoconfirm:
            return answer({})
    with service.database.transaction() as connection:
        service.mail_link(connection, users.reload(connection, user), "magiclink", challenge)
    return answer({})


def _registered(service: AuthService, body: Otp) -> users.User:
    """Sign up whom a link was asked for; the mail to confirm signs in, too."""
    user = register(
        service,
        SignUp(
            email=body.email,
            password=passwords.unguessable(),
            data=body.data,
            code_challenge=body.code_challenge,
            code_challenge_method=body.code_challenge_method,
        ),
    )
    if user:
        return user
    # Confirmed since we looked.
    with service.database.transaction() as connection:
        user = users.by_email(connection, email_address(body.email))
    if user is None:
        raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    return user


def _resend(service: AuthService, body: Resend) -> Response:
    if body.type not in RESENDABLE:
        raise validation_failed(f"Missing one of these types: {', '.join(RESENDABLE)}")
    if body.phone or body.type in ("sms", "phone_change"):
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not body.email:
        raise validation_failed("Type provided requires an email address")
    challenge = pkce.challenge(body.code_challenge, body.code_challenge_method)
    with service.database.transaction() as connection:
        user = users.by_email(connection, email_address(body.email))
        if user and body.type == "signup" and not user.email_confirmed_at:
            service.mail_link(connection, user, "signup", challenge)
        if user and body.type == "email_change" and user.email_change:
            service.mail_email_change(connection, user, user.email_change, challenge)
    return answer({})
