"""PKCE (RFC 7636): a link leads to a code, which only who asked for the link can redeem."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from standins.supabase.auth.database import Connection, insert
from standins.supabase.auth.errors import AuthError, validation_failed

CHALLENGE = re.compile(r"[a-zA-Z0-9._~-]+")
LENGTHS = (43, 128)
LIFETIME = timedelta(minutes=5)

METHODS = {
    "signup": "email/signup",
    "invite": "invite",
    "magiclink": "magiclink",
    "recovery": "recovery",
    "email_change": "email_change",
}
"""What the tokens will name as the method, by the type of the link."""


@dataclass(frozen=True)
class Challenge:
    """What the verifier will be held to; `method` is `s256` or `plain`."""

    value: str
    method: str


def challenge(value: str, method: str) -> Challenge | None:
    """The challenge a request carries, if any. Raises AuthError for half of one or a bad one."""
    if bool(value) != bool(method):
        raise validation_failed("PKCE flow requires code_challenge_method and code_challenge")
    if not value:
        return None
    if not LENGTHS[0] <= len(value) <= LENGTHS[1]:
        raise validation_failed(
            f"code challenge has to be between {LENGTHS[0]} and {LENGTHS[1]} characters"
        )
    if not CHALLENGE.fullmatch(value):
        raise validation_failed(
            "code challenge can only contain alphanumeric characters, hyphens, periods,"
            " underscores and tildes"
        )
    if method.lower() not in ("s256", "plain"):
        raise validation_failed("unsupported code_challenge method")
    return Challenge(value, method.lower())


def start(
    connection: Connection, user_id: UUID, link_type: str, challenge: Challenge, now: datetime
) -> None:
    """Remember the challenge until the link is followed."""
    insert(
        connection,
        "flow_state",
        {
            "id": uuid4(),
            "user_id": user_id,
            "auth_code": str(uuid4()),
            "code_challenge_method": challenge.method,
            "code_challenge": challenge.value,
            "provider_type": "email",
            "created_at": now,
            "updated_at": now,
            "authentication_method": METHODS[link_type],
        },
    )


def issue_code(connection: Connection, user_id: UUID, link_type: str, now: datetime) -> str:
    """The code for a link that was just followed. Raises AuthError when none was asked for."""
    row = connection.execute(
        "update auth.flow_state set auth_code_issued_at = %(now)s, updated_at = %(now)s"
        " where id = (select id from auth.flow_state where user_id = %(user_id)s"
        " and authentication_method = %(method)s order by created_at desc limit 1)"
        " returning auth_code",
        {"now": now, "user_id": user_id, "method": METHODS.get(link_type)},
    ).fetchone()
    if row is None:
        raise _no_flow()
    return str(row[0])


def redeem(connection: Connection, code: str, verifier: str, now: datetime) -> tuple[UUID, str]:
    """The user that a code stands for, and the method; the code is spent. Raises AuthError."""
    row = connection.execute(
        "select id, user_id, code_challenge, code_challenge_method, authentication_method,"
        " auth_code_issued_at from auth.flow_state where auth_code = %s"
        " and auth_code_issued_at is not null for update",
        (code,),
    ).fetchone()
    if row is None:
        raise _no_flow()
    flow_id, user_id, value, challenge_method, method, issued_at = row
    if now > issued_at + LIFETIME:
        raise AuthError(422, "flow_state_expired", "invalid flow state, flow state has expired")
    if not hmac.compare_digest(_transformed(verifier, challenge_method), value.encode()):
        raise AuthError(
            400,
            "bad_code_verifier",
            "code challenge does not match previously saved code verifier",
        )
    connection.execute("delete from auth.flow_state where id = %s", (flow_id,))
    return user_id, method


def _transformed(verifier: str, method: str) -> bytes:
    if method == "plain":
        return verifier.encode()
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _no_flow() -> AuthError:
    return AuthError(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
