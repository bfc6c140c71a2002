"""Authentication of a request: `Authorization: Bearer <API key or Supabase Auth token>`."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from uuid import UUID

from flask import g, request

from lib.accounts import callers
from lib.platform.errors import Problem


def authenticate(
    *,
    objects: Sequence[str] = (),
    jobs: Sequence[UUID] = (),
    window: str | None = None,
    per_minute: int = 0,
) -> callers.Caller:
    """The caller of the request under way. Raises Problem 401, or 429 past `per_minute` calls.

    `objects`, `jobs` and `window` are as in `callers.identify`.
    """
    credential = _bearer()
    try:
        caller = callers.identify(credential, objects=objects, jobs=jobs, window=window)
    except callers.Unknown as error:
        raise _unauthorized() from error
    g.caller = caller
    if caller.rate_hits is not None and caller.rate_hits > per_minute:
        raise Problem(
            429,
            f"This route takes {per_minute} requests a minute. Wait a minute and try again.",
            headers={"Retry-After": "60"},
        )
    return caller


def require_secret(secret: str) -> None:
    """Let in only calls that carry our own `secret` as the bearer. Raises Problem 401."""
    if not hmac.compare_digest(_bearer().encode(), secret.encode()):
        raise _unauthorized()


def _bearer() -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential or len(credential) > 8192:
        raise _unauthorized()
    return credential


def _unauthorized() -> Problem:
    # "unauthorized" is what the official clients know (contract, section 9).
    return Problem(
        401,
        "unauthorized",
        "Send the header `Authorization: Bearer <API key>` with a key that is valid.",
        headers={"WWW-Authenticate": "Bearer"},
    )
