"""Authentication of a request: `Authorization: Bearer <API key or Supabase Auth token>`."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g, request

from lib.accounts import callers
from lib.accounts.guests import SIGN_UP
from lib.accounts.keys import Scope
from lib.http.client import client_network
from lib.platform.errors import Problem
from lib.platform.postgres import PostgresError

FAILURES_PER_MINUTE = 60
"""Calls with a bad credential, from one address."""
CLOSED = "This account is closed and is being deleted."
COUNT_SECONDS = 2.0
"""How long a route that needs no credential waits for its calls to be counted."""


def authenticate(
    *,
    objects: Sequence[str] = (),
    jobs: Sequence[UUID] = (),
    window: str | None = None,
    per_minute: int = 0,
    scope: Scope | None = None,
    suspended_too: bool = False,
) -> callers.Caller:
    """The caller of the request under way.

    `scope` is what a key must be allowed; by default `read` for GET and `jobs` for all else.
    `objects`, `jobs` and `window` are as in `callers.identify`. Raises Problem 401; 403 for an
    account that is suspended, unless these may call too, or a key that may not; 429 past the plan's
    calls a minute, past `per_minute` calls of the window, and past FAILURES_PER_MINUTE bad
    credentials of an address.
    """
    try:
        credential = _bearer()
        caller = callers.identify(credential, objects=objects, jobs=jobs, window=window)
    except callers.Closed as error:
        raise _unauthorized(CLOSED) from error
    except callers.Unknown as error:
        _count_failure()
        raise _unauthorized() from error
    g.caller = caller
    g.rate = (caller.plan.requests_per_minute, caller.hits, caller.window_seconds)
    if caller.hits > caller.plan.requests_per_minute:
        raise _too_many(
            f"The {caller.plan.name} plan takes {caller.plan.requests_per_minute} requests a"
            " minute.",
            caller.window_seconds,
        )
    if caller.window_hits is not None and caller.window_hits > per_minute:
        raise _too_many(f"This route takes {per_minute} requests a minute.", caller.window_seconds)
    if caller.suspended_for is not None and not suspended_too:
        raise Problem(
            403, f"This account is suspended. {caller.suspended_for} Write to support.".strip()
        )
    wanted = scope or ("read" if request.method in ("GET", "HEAD") else "jobs")
    if wanted not in caller.scopes:
        raise Problem(
            403,
            f"This key has not the scope `{wanted}`. Use a key that has it.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'},
        )
    return caller


def authenticate_person(**told: Any) -> callers.Caller:
    """A caller who is signed in. Raises Problem as `authenticate`, and 403 for a key."""
    caller = authenticate(**told)
    if caller.key_id is not None:
        raise Problem(
            403,
            "This needs a signed-in person, not an API key. Sign in and send the session's access"
            " token.",
        )
    return caller


def authenticate_account(**told: Any) -> callers.Caller:
    """A caller with an account of its own, by its key or signed in. Raises Problem as
    `authenticate`, and 403 for a visitor."""
    caller = authenticate(**told)
    if caller.guest:
        raise Problem(403, f"This needs an account of your own. {SIGN_UP}")
    return caller


def bearer() -> str:
    """The credential of the request under way. Raises Problem 401."""
    return _bearer()


def _count_failure() -> None:
    hits, seconds = callers.count_address("failed", client_network())
    if hits > FAILURES_PER_MINUTE:
        raise _too_many("Too many calls with a credential that is not valid.", seconds)


def limit_address(window: str, per_minute: int) -> None:
    """For routes that work without a credential: at most so many calls a minute of an address.

    Without the database nothing is counted. Raises Problem 429.
    """
    try:
        hits, seconds = callers.count_address(window, client_network(), wait=COUNT_SECONDS)
    except PostgresError:
        return
    if hits > per_minute:
        raise _too_many(f"This route takes {per_minute} requests a minute.", seconds)


def has_credential() -> bool:
    """Whether the request under way carries a credential, be it valid or not."""
    return "Authorization" in request.headers


def _too_many(sentence: str, seconds: int) -> Problem:
    return Problem(
        429,
        f"{sentence} Wait {seconds} seconds and try again.",
        headers={"Retry-After": str(seconds)},
    )


def require_secret(secret: str) -> None:
    """Let in only calls that carry our own `secret` as the bearer. Raises Problem 401."""
    if not hmac.compare_digest(_bearer().encode(), secret.encode()):
        raise _unauthorized()


def carries(secret: str) -> bool:
    """Whether the request under way carries our own `secret` as the bearer."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), secret.encode())


def _bearer() -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential or len(credential) > 8192:
        raise _unauthorized()
    return credential


def _unauthorized(
    details: str = "Send the header `Authorization: Bearer <API key>` with a key that is valid.",
) -> Problem:
    # "unauthorized" is what the official clients know (contract, section 9).
    return Problem(
        401,
        "unauthorized",
        details,
        headers={"WWW-Authenticate": "Bearer"},
    )
