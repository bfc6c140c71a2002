"""Supabase Auth's access tokens, verified here with the project's published keys (ES256)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lib.platform.errors import LOGIN_UNAVAILABLE, Problem
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    from lib.platform.key_set import KeySet


_YEAR_2200 = 7_258_118_400


class TokenRefused(Exception):
    """The token is not one of this project's, or its time is over."""


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

    try:
        key = _key_set().get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=["ES256"],
            audience="authenticated",
            issuer=f"{settings().supabase_url}/auth/v1",
            options={"require": ["exp", "iss", "aud", "sub"]},
            leeway=5,
        )
        if claims.get("role") != "authenticated":
            raise TokenRefused
        UUID(claims["sub"])
    except jwt.PyJWKClientConnectionError as error:
        raise Problem(503, LOGIN_UNAVAILABLE) from error
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
    from lib.platform.key_set import KeySet

    return KeySet(f"{settings().supabase_url}/auth/v1/.well-known/jwks.json")
