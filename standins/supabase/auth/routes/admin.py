"""What the server-side key may do with users: /admin/users."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg
from flask import Blueprint, Response, request

from standins.supabase.auth import passwords, users
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import (
    email_exists,
    unexpected,
    user_not_found,
    validation_failed,
)
from standins.supabase.auth.requests import AdminDelete, AdminUser, email_address, read
from standins.supabase.auth.routes.account import set_password
from standins.supabase.auth.service import AuthService, answer
from standins.supabase.auth.timestamps import parse_duration
from standins.supabase.auth.tokens import sessions
from standins.supabase.auth.users import User

PER_PAGE = 50


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("admin", __name__)
    room.before_request(service.callers.require_admin)

    @room.get("/users")
    def page() -> Response:
        return _page(service)

    @room.post("/users")
    def create() -> Response:
        return _create(service, read(AdminUser))

    @room.get("/users/<user_id>")
    def get(user_id: str) -> Response:
        with service.database.transaction() as connection:
            return answer(users.user_json(connection, _user(connection, user_id)))

    @room.put("/users/<user_id>")
    def update(user_id: str) -> Response:
        with service.database.transaction() as connection:
            user = _update(service, connection, _user(connection, user_id), read(AdminUser))
            return answer(users.user_json(connection, user))

    @room.delete("/users/<user_id>")
    def delete(user_id: str) -> Response:
        with service.database.transaction() as connection:
            body = read(AdminDelete, empty=b"{}")
            _delete(service, connection, _user(connection, user_id), body)
        return answer({})

    return room


def _user(connection: Connection, user_id: str) -> User:
    try:
        user = users.by_id(connection, UUID(user_id))
    except ValueError:
        raise validation_failed("user_id must be an UUID", 404) from None
    if user is None:
        raise user_not_found()
    return user


def _page(service: AuthService) -> Response:
    number, per_page = _counted("page", 1), _counted("per_page", PER_PAGE)
    containing = request.args.get("filter", "")
    with service.database.transaction() as connection:
        listed, total = users.page(connection, per_page, (number - 1) * per_page, containing)
    response = answer(
        {"users": [users.listed_json(user) for user in listed], "aud": users.AUDIENCE}
    )
    last = -(-total // per_page)
    links = [f'<{_page_url(number + 1)}>; rel="next"'] if number < last else []
    response.headers["Link"] = ", ".join([*links, f'<{_page_url(last)}>; rel="last"'])
    response.headers["X-Total-Count"] = str(total)
    return response


def _counted(name: str, default: int) -> int:
    text = request.args.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise validation_failed(f"Bad Pagination Parameters: {name} must be a positive number")
    return int(text)


def _page_url(number: int) -> str:
    query = request.args.to_dict() | {"page": str(number)}
    return f"/admin/users?{urlencode(sorted(query.items()))}"


def _create(service: AuthService, body: AdminUser) -> Response:
    now = service.clock()
    if not body.email:
        raise validation_failed("Cannot create a user without either an email or phone")
    row = users.candidate(_chosen_id(body.id), email_address(body.email), body.user_metadata, now)
    until = _ban(body.ban_duration, now)
    password_hash = passwords.hashed(body.password or passwords.unguessable())
    with service.database.transaction() as connection:
        if users.by_email(connection, row["email"]):
            raise email_exists()
        try:
            user = users.create(connection, row, password_hash, body.role or users.AUDIENCE)
            users.add_identity(connection, user, now, {})
            user = users.change(
                connection,
                user,
                now,
                raw_app_meta_data=users.merged(user.raw_app_meta_data, body.app_metadata),
                **until,
            )
            if body.email_confirm:
                user = users.confirm(connection, user, now)
        except (psycopg.Error, LookupError) as error:
            raise unexpected("Database error creating new user") from error
        account = users.user_json(connection, user)
    # The real server does not read the generated column back here.
    account.pop("confirmed_at", None)
    return answer(account)


def _chosen_id(text: str) -> UUID:
    if not text:
        return uuid4()
    try:
        chosen = UUID(text)
    except ValueError:
        raise validation_failed("ID must conform to the uuid v4 format") from None
    if chosen.int == 0:
        raise validation_failed("ID cannot be a nil uuid")
    return chosen


def _ban(text: str, now: datetime) -> dict[str, Any]:
    """The column that a ban's duration (`1h30m`, or `none`) sets, if it is given."""
    if not text:
        return {}
    duration = timedelta() if text == "none" else parse_duration(text)
    if duration is None:
        raise validation_failed(f'invalid format for ban duration: time: invalid duration "{text}"')
    try:
        return {"banned_until": now + duration if duration else None}
    except OverflowError:
        raise validation_failed(
            f'invalid format for ban duration: time: invalid duration "{text}"'
        ) from None


def _update(service: AuthService, connection: Connection, user: User, body: AdminUser) -> User:
    now = service.clock()
    columns: dict[str, Any] = _ban(body.ban_duration, now)
    if body.password:
        passwords.check_strength(body.password, service.policy.min_password_length)
    new_email = email_address(body.email) if body.email else user.email
    if new_email != user.email and users.by_email(connection, new_email):
        raise email_exists()
    if body.role:
        columns["role"] = body.role
    if body.app_metadata:
        columns["raw_app_meta_data"] = users.merged(user.raw_app_meta_data, body.app_metadata)
    if body.user_metadata:
        columns["raw_user_meta_data"] = users.merged(user.raw_user_meta_data, body.user_metadata)
    try:
        user = users.change(connection, user, now, **columns, email=new_email)
        if body.email:
            users.change_identity(connection, user, now, email=new_email)
        if body.email_confirm:
            user = users.confirm(connection, user, now)
    except psycopg.Error as error:
        raise unexpected("Error updating user") from error
    if body.password:
        user = set_password(service, connection, user, body.password)
        sessions.end(connection, user.id, None, "global")
    return user


def _delete(service: AuthService, connection: Connection, user: User, body: AdminDelete) -> None:
    try:
        if not body.should_soft_delete:
            connection.execute("delete from auth.users where id = %s", (user.id,))
        elif user.deleted_at is None:
            users.soft_delete(connection, user, service.clock())
            sessions.end(connection, user.id, None, "global")
    except psycopg.Error as error:
        raise unexpected("Database error deleting user") from error
