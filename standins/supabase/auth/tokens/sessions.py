"""Sessions: access tokens, and refresh tokens that rotate."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from standins.supabase.auth import users
from standins.supabase.auth.database import Connection, insert
from standins.supabase.auth.users import User

TOKEN_LENGTH = 12
TOKEN_SECONDS = 3600

Scope = Literal["global", "local", "others"]


@dataclass(frozen=True)
class Grant:
    """A refresh token of a session, and whether it was made just now."""

    session_id: UUID
    user: User
    refresh_token: str
    fresh: bool = True


@dataclass(frozen=True)
class RefreshRefusal:
    """A refresh token that is not taken, though its session is known."""

    session_id: UUID
    user: User
    banned: bool = False


def open_session(
    connection: Connection, user: User, method: str, now: datetime, agent: str, ip: str | None
) -> Grant:
    """Sign a user in. `method` is the one the tokens will name: `password`, `otp`, …"""
    session_id = uuid4()
    insert(
        connection,
        "sessions",
        {
            "id": session_id,
            "user_id": user.id,
            "created_at": now,
            "updated_at": now,
            "aal": "aal1",
            "user_agent": agent,
            "ip": ip,
        },
    )
    insert(
        connection,
        "mfa_amr_claims",
        {
            "id": uuid4(),
            "session_id": session_id,
            "created_at": now,
            "updated_at": now,
            "authentication_method": method,
        },
    )
    user = users.change(connection, user, now, last_sign_in_at=now)
    return Grant(session_id, user, _new_token(connection, user.id, session_id, None, now))


def refresh(
    connection: Connection, token: str, now: datetime, reuse: timedelta
) -> Grant | RefreshRefusal | None:
    """Trade a refresh token for the next; None when it is unknown.

    The rules are Auth's: the parent of the active token gets the active one; any other used token
    is taken for `reuse` after its use; after that it is refused and its whole family is revoked
    (the caller must commit).
    """
    # The lock comes first: what is read below is then what the last refresh left.
    locked = connection.execute(
        "select id, user_id from auth.sessions where id ="
        " (select session_id from auth.refresh_tokens where token = %s) for update",
        (token,),
    ).fetchone()
    if locked is None:
        return None
    session_id, user_id = locked
    row = connection.execute(
        "select revoked, updated_at from auth.refresh_tokens where token = %s", (token,)
    ).fetchone()
    user = users.by_id(connection, user_id)
    if row is None or user is None:
        return None
    revoked, used_at = row
    if user.is_banned(now):
        return RefreshRefusal(session_id, user, banned=True)
    if revoked:
        active = connection.execute(
            "select token, parent from auth.refresh_tokens where session_id = %s"
            " and revoked = false order by id desc limit 1",
            (session_id,),
        ).fetchone()
        if active and active[1] == token:
            return Grant(session_id, user, active[0], fresh=False)
        if now > used_at + reuse:
            connection.execute(
                "update auth.refresh_tokens set revoked = true, updated_at = %s"
                " where session_id = %s and revoked = false",
                (now, session_id),
            )
            return RefreshRefusal(session_id, user)
    connection.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = %s where token = %s",
        (now, token),
    )
    connection.execute(
        "update auth.sessions set refreshed_at = %s, updated_at = %s where id = %s",
        (now.replace(tzinfo=None), now, session_id),
    )
    user = users.change(connection, user, now)
    return Grant(session_id, user, _new_token(connection, user.id, session_id, token, now))


def _new_token(
    connection: Connection, user_id: UUID, session_id: UUID, parent: str | None, now: datetime
) -> str:
    token = base64.b32encode(secrets.token_bytes(8)).decode()[:TOKEN_LENGTH].lower()
    insert(
        connection,
        "refresh_tokens",
        {
            "token": token,
            "user_id": str(user_id),
            "revoked": False,
            "created_at": now,
            "updated_at": now,
            "parent": parent,
            "session_id": session_id,
        },
    )
    return token


def exists(connection: Connection, session_id: UUID) -> bool:
    """Whether the session has not been ended."""
    row = connection.execute("select from auth.sessions where id = %s", (session_id,)).fetchone()
    return row is not None


def end(connection: Connection, user_id: UUID, session_id: UUID | None, scope: Scope) -> None:
    """End all of a user's sessions, the one given, or all but that."""
    connection.execute(
        "delete from auth.sessions where user_id = %(user_id)s and (%(scope)s = 'global'"
        " or (%(scope)s = 'local' and id = %(session_id)s)"
        " or (%(scope)s = 'others' and id is distinct from %(session_id)s))",
        {"user_id": user_id, "session_id": session_id, "scope": scope},
    )


def claims(connection: Connection, grant: Grant, issuer: str, now: datetime) -> dict[str, Any]:
    """What the access token of a session says."""
    methods = connection.execute(
        "select authentication_method, created_at from auth.mfa_amr_claims"
        " where session_id = %s order by created_at desc",
        (grant.session_id,),
    ).fetchall()
    issued = int(now.timestamp())
    user = grant.user
    return {
        "iss": issuer,
        "sub": str(user.id),
        "aud": users.AUDIENCE,
        "exp": issued + TOKEN_SECONDS,
        "iat": issued,
        "email": user.email,
        "phone": "",
        "app_metadata": user.raw_app_meta_data,
        "user_metadata": user.raw_user_meta_data,
        "role": user.role,
        "aal": "aal1",
        "amr": [{"method": method, "timestamp": int(at.timestamp())} for method, at in methods],
        "session_id": str(grant.session_id),
        "is_anonymous": user.is_anonymous,
    }
