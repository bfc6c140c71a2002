"""Supabase Auth's access tokens, verified here with the project's published keys (ES256, RS256)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lib.platform.errors import LOGIN_UNAVAILABLE, Problem
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    from lib.platform.supabase.key_set import KeySet


NO_KEYS = (
    "Supabase Auth signs with HS256, so nobody can sign in here. Switch on Authentication → JWT"
    " signing keys → ECC (P-256) in the project's dashboard, and rotate to it."
)
AWAY = "Supabase Auth does not answer."
_YEAR_2200 = 7_258_118_400


class TokenRefused(Exception):
    """The token is not one of this project's, or has expired."""


def fault() -> str | None:
    """Why people's tokens can't be verified, with what to do; None when they can."""
    import jwt

    try:
        return None if _key_set().usable() else NO_KEYS
    except jwt.PyJWTError:
        return AWAY


def subject(token: str) -> tuple[UUID, int]:
    """The person a valid access token speaks for, and the second in which it was issued.

    Raises TokenRefused, Problem 503.
    """
    claims = _claims(token)
    return UUID(claims["sub"]), int(claims.get("iat", 0))


def signed_in_at(token: str) -> datetime | None:
    """When the person behind a valid access token last proved who they are. Raises TokenRefused.

    `amr` keeps the moments of signing in, and may name a refresh, which proves nothing.
    """
    moments = [
        each["timestamp"]
        for each in _claims(token).get("amr", ())
        if isinstance(each, dict)
        and _is_moment(each.get("timestamp"))
        and each.get("method") != "token_refresh"
    ]
    return datetime.fromtimestamp(max(moments), UTC) if moments else None


def _claims(token: str) -> dict[str, Any]:
    """The claims of a valid token. Raises TokenRefused; Problem 503 without Auth's keys.

    The claims checked are those that Supabase Auth documents: signature by a key of the key set,
    `iss` of this project, `aud` and `role` `authenticated`, `exp`.
    """
    import jwt

    from lib.platform.supabase.key_set import ALGORITHMS

    try:
        key = _key_set().get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            # The key says how it is used. The token's header does not choose.
            algorithms=sorted(ALGORITHMS & {key.algorithm_name}),
            audience="authenticated",
            issuer=settings().auth_issuer,
            options={"require": ["exp", "iss", "aud", "sub"]},
            leeway=5,
        )
        if claims.get("role") != "authenticated":
            raise TokenRefused
        UUID(claims["sub"])
    except jwt.PyJWKClientConnectionError as error:
        raise Problem("login_unavailable", LOGIN_UNAVAILABLE) from error
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise TokenRefused from error
    methods = claims.get("amr", [])
    if not isinstance(methods, list) or not all(map(_plausible, methods)):
        raise TokenRefused
    if not _is_moment(claims.get("iat", 0)):
        raise TokenRefused
    return claims


def _plausible(method: Any) -> bool:
    """Whether an entry of `amr` is a name, or has a moment that a clock can show."""
    return not isinstance(method, dict) or _is_moment(method.get("timestamp", 0))


def _is_moment(value: Any) -> bool:
    """Whether it is a number of seconds since 1970 that a clock can show."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < _YEAR_2200


@once
def _key_set() -> KeySet:
    from lib.platform.supabase.key_set import KeySet

    return KeySet(f"{settings().supabase_url}/auth/v1/.well-known/jwks.json")
