"""Links that the server-side key makes: /invite and /admin/generate_link."""

from __future__ import annotations

from uuid import uuid4

from flask import Blueprint, Response

from standins.supabase.auth import mails, passwords, users
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import AuthError, email_exists, validation_failed
from standins.supabase.auth.mails import LinkType
from standins.supabase.auth.requests import GenerateLink, Invite, email_address, read
from standins.supabase.auth.routes.signups import new_user
from standins.supabase.auth.service import AuthService, answer
from standins.supabase.auth.tokens import one_time
from standins.supabase.auth.users import User

CHANGES: dict[str, one_time.Kind] = {
    "email_change_current": "email_change_token_current",
    "email_change_new": "email_change_token_new",
}
LINK_TYPES: dict[str, LinkType] = {
    "signup": "signup",
    "invite": "invite",
    "magiclink": "magiclink",
    "recovery": "recovery",
}


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("invitations", __name__)
    room.before_request(service.callers.require_admin)

    @room.post("/invite")
    def invite() -> Response:
        body = read(Invite)
        row = users.candidate(uuid4(), email_address(body.email), body.data, service.clock())
        _ask_hook(service, row)
        with service.database.transaction() as connection:
            user = _unconfirmed(service, connection, row, "")
            user = service.mail_link(connection, user, "invite")
            return answer(users.user_json(connection, user))

    @room.post("/admin/generate_link")
    def generate_link() -> Response:
        body = read(GenerateLink)
        if body.type in CHANGES:
            return _change_link(service, body)
        return _link(service, body)

    return room


def _ask_hook(service: AuthService, row: users.Row) -> None:
    with service.database.transaction() as connection:
        user = users.by_email(connection, row["email"])
    if user is None:
        service.check_new_user(row)


def _unconfirmed(
    service: AuthService, connection: Connection, row: users.Row, password_hash: str
) -> User:
    """The user of this address, made when there is none. Raises AuthError for a confirmed one."""
    user = users.by_email(connection, row["email"])
    if user is None:
        return new_user(service, connection, row, password_hash)
    if user.email_confirmed_at:
        raise email_exists()
    return user


def _link(service: AuthService, body: GenerateLink) -> Response:
    address = email_address(body.email)
    link_type = LINK_TYPES.get(body.type)
    if link_type is None:
        raise validation_failed(f"Invalid email action link type requested: {body.type}")
    with service.database.transaction() as connection:
        existing = users.by_email(connection, address)
    if existing is None and link_type == "recovery":
        raise _no_such_user()
    if existing is None and link_type == "magiclink":
        link_type = "signup"
        body.password = passwords.unguessable()
    row = users.candidate(uuid4(), address, body.data, service.clock())
    password_hash = ""
    if existing is None:
        if link_type == "signup":
            password_hash = _accepted_password(service, body.password)
        service.check_new_user(row)
    with service.database.transaction() as connection:
        if link_type in ("signup", "invite"):
            user = _unconfirmed(service, connection, row, password_hash)
        else:
            user = users.by_email(connection, address) or _raise_no_such_user()
        user, code, token_hash = service.new_link(connection, user, link_type, None)
        return _link_answer(service, connection, user, body, link_type, code, token_hash)


def _raise_no_such_user() -> User:
    raise _no_such_user()


def _no_such_user() -> AuthError:
    return AuthError(404, "user_not_found", "User with this email not found")


def _accepted_password(service: AuthService, password: str) -> str:
    if not password:
        raise validation_failed("Signup requires a valid password")
    passwords.check_strength(password, service.policy.min_password_length)
    return passwords.hashed(password)


def _change_link(service: AuthService, body: GenerateLink) -> Response:
    """One of the two links that a change of address needs."""
    now = service.clock()
    new_email = email_address(body.new_email)
    with service.database.transaction() as connection:
        user = users.by_email(connection, email_address(body.email)) or _raise_no_such_user()
        if users.by_email(connection, new_email):
            raise email_exists()
        address = user.email if body.type == "email_change_current" else new_email
        code = one_time.new_code()
        token_hash = one_time.token_hash(address, code)
        one_time.store(connection, user.id, CHANGES[body.type], token_hash, address, now)
        user = users.change(
            connection,
            user,
            now,
            email_change=new_email,
            email_change_sent_at=now,
            email_change_confirm_status=0,
        )
        return _link_answer(service, connection, user, body, "email_change", code, token_hash)


def _link_answer(
    service: AuthService,
    connection: Connection,
    user: User,
    body: GenerateLink,
    link_type: LinkType,
    code: str,
    token_hash: str,
) -> Response:
    target = service.redirect_to(body.redirect_to)
    link = {
        "action_link": mails.action_link(service.policy.public_url, link_type, token_hash, target),
        "email_otp": code,
        "hashed_token": token_hash,
        "verification_type": body.type if link_type == "email_change" else link_type,
        "redirect_to": target,
    }
    return answer(users.user_json(connection, user) | link)
