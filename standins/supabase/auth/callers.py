"""Who is calling: one of the project's two keys, or a user by an access token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import request

from standins.supabase.auth import users
from standins.supabase.auth.database import Connection
from standins.supabase.auth.errors import AuthError, bad_jwt, no_authorization, not_admin
from standins.supabase.auth.tokens import sessions
from standins.supabase.auth.tokens.access_tokens import AccessTokens
from standins.supabase.auth.users import User
from standins.supabase.keys import ProjectKeys

BEARER = re.compile(r"[Bb]earer (\S+)")


@dataclass(frozen=True)
class SignedIn:
    """A user calling with an access token, and the session that it belongs to."""

    user: User
    session_id: UUID | None


class Callers:
    """Reads the credentials of the request under way."""

    def __init__(
        self, keys: ProjectKeys, tokens: AccessTokens, clock: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._clock = clock

    def require_admin(self) -> None:
        """Let only the server-side key pass. Raises AuthError."""
        if self._claims().get("role") != "service_role":
            raise not_admin()

    def require_user(self, connection: Connection) -> SignedIn:
        """The user whose token was sent. Raises AuthError."""
        claims = self._claims()
        if not claims.get("sub"):
            raise bad_jwt("invalid claim: missing sub claim")
        user = users.by_id(connection, _uuid(claims["sub"], "sub"))
        if user is None:
            raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
        if not claims.get("session_id"):
            return SignedIn(user, None)
        session_id = _uuid(claims["session_id"], "session_id")
        if not sessions.exists(connection, session_id):
            raise AuthError(
                403, "session_not_found", "Session from session_id claim in JWT does not exist"
            )
        return SignedIn(user, session_id)

    def _claims(self) -> dict[str, Any]:
        header = request.headers.get("Authorization")
        if header is None:
            # Behind the hosted gateway a bare server-side key speaks for itself.
            if _same(request.headers.get("apikey", ""), self._keys.secret):
                return {"role": "service_role"}
            raise no_authorization()
        bearer = BEARER.fullmatch(header)
        if bearer is None:
            raise no_authorization()
        if _same(bearer[1], self._keys.secret):
            return {"role": "service_role"}
        if _same(bearer[1], self._keys.publishable):
            return {"role": "anon"}
        return self._tokens.read(bearer[1], self._clock().timestamp())


def _same(credential: str, key: str) -> bool:
    return hmac.compare_digest(credential.encode(), key.encode())


def _uuid(text: object, claim: str) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise bad_jwt(f"invalid claim: {claim} claim must be a UUID") from None
