"""Authentication of a request: `Authorization: Bearer <API key or Supabase Auth token>`."""

from __future__ import annotations

import hmac
import math
import time

from flask import g, request

from lib.accounts import callers, rates
from lib.accounts.keys import Scope
from lib.http.client import client_networks
from lib.platform.errors import Problem, unauthorized
from lib.platform.postgres import PostgresError
from lib.usage.price import SIGN_UP

FAILURES_PER_MINUTE = 60
"""Calls without a valid credential, from one address."""
GUESSED = "Too many calls without a valid credential."
MOST_CREDENTIAL = 8192
"""Characters of a credential."""
SEND_KEY = "Send the header `Authorization: Bearer <API key>` with a key that is valid."
CLOSED = "This account is closed and is being deleted."
COUNT_SECONDS = 2.0
"""How long a call without a valid credential waits to be counted."""
OWN = ("GET", "HEAD", "DELETE")
"""What a suspended account may do with what it has, unless a route says more."""


def authenticate(
    *,
    scope: Scope,
    window: str | None = None,
    per_minute: int = 0,
    suspended_too: bool = False,
) -> callers.Caller:
    """The caller of the current request. Call it before the body is read.

    `scope` is what a key must be allowed.
    `window` is as in `callers.identify`. A suspended account may read and delete what it has; any
    other method needs `suspended_too`. Raises Problem 401; 403 for an account that is suspended or
    a key without the scope; 429 past the plan's calls a minute, past `per_minute` calls of the
    window, and past FAILURES_PER_MINUTE calls without a valid credential from one address.
    """
    credential = _credential()
    if credential is None:
        raise _refused()
    try:
        caller = callers.identify(credential, window=window)
    except callers.Closed as error:
        raise unauthorized(CLOSED, closed=True) from error
    except callers.Unknown as error:
        raise _refused() from error
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
    if caller.suspended_for is not None and not (suspended_too or request.method in OWN):
        raise Problem(
            "account_suspended",
            f"This account is suspended. {caller.suspended_for} You can still read, export and"
            " delete what is in it. Write to support to have this reviewed.",
        )
    if scope not in caller.scopes:
        raise Problem(
            "insufficient_scope",
            f"This key does not have the `{scope}` scope. Use a key that does.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )
    return caller


def require_person(caller: callers.Caller) -> None:
    """Raises Problem 403 for a key: the route needs someone who is signed in."""
    if caller.key_id is not None:
        raise Problem(
            "session_required",
            "This needs a signed-in person, not an API key. Sign in and send the session's access"
            " token.",
        )


def require_account(caller: callers.Caller) -> None:
    """Raises Problem 403 for a visitor: the route needs an account of one's own."""
    if caller.guest:
        raise Problem("account_required", f"This needs an account of your own. {SIGN_UP}")


def bearer() -> str:
    """The credential of the current request. Raises Problem 401."""
    credential = _credential()
    if credential is None:
        raise unauthorized(SEND_KEY)
    return credential


_blocked_until: dict[str, float] = {}
"""Networks past FAILURES_PER_MINUTE, as counted by this process: refused without a query."""
MOST_BLOCKED = 10_000


def _refused() -> Problem:
    """Count a call without a valid credential: 401, or 429 once its address sent too many.

    Without the database nothing is counted.
    """
    networks = client_networks()
    left = max(_blocked_until.get(each.name, 0.0) for each in networks) - time.monotonic()
    if left > 0:
        return _too_many_unauthorized(math.ceil(left))
    try:
        hits, seconds = rates.count("failed", networks, wait=COUNT_SECONDS)
    except PostgresError:
        return unauthorized(SEND_KEY)
    if hits <= FAILURES_PER_MINUTE:
        return unauthorized(SEND_KEY)
    if len(_blocked_until) >= MOST_BLOCKED:
        _blocked_until.clear()
    _blocked_until[networks[0].name] = time.monotonic() + seconds
    return _too_many_unauthorized(seconds)


def limit_address(window: str, per_minute: int) -> None:
    """For routes that work without a credential: at most so many calls a minute of an address.

    Without the database nothing is counted. Raises Problem 429.
    """
    try:
        hits, seconds = rates.count(window, client_networks(), wait=COUNT_SECONDS)
    except PostgresError:
        return
    if hits > per_minute:
        raise _too_many(f"This route takes {per_minute} requests a minute.", seconds)


def count_forgery() -> None:
    """Count a call whose signature is not valid like one without a valid credential.

    Raises Problem 429 once its address sent too many.
    """
    problem = _refused()
    if problem.status == 429:
        raise problem


def has_credential() -> bool:
    """Whether the current request carries a credential, valid or not."""
    return "Authorization" in request.headers


def _too_many_unauthorized(seconds: int) -> Problem:
    return Problem(
        "too_many_unauthorized",
        f"{GUESSED} Wait {seconds} seconds and try again.",
        headers={"Retry-After": str(seconds)},
    )


def _too_many(sentence: str, seconds: int) -> Problem:
    return Problem(
        "rate_limited",
        f"{sentence} Wait {seconds} seconds and try again.",
        headers={"Retry-After": str(seconds)},
    )


def require_secret(secret: str) -> None:
    """Let in only calls that carry our own `secret` as the bearer. Raises Problem 401, 429."""
    credential = _credential() or ""
    if not hmac.compare_digest(credential.encode(), secret.encode()):
        raise _refused()


def carries(secret: str) -> bool:
    """Whether the current request carries our own `secret` as the bearer."""
    return hmac.compare_digest((_credential() or "").encode(), secret.encode())


def _credential() -> str | None:
    """What follows `Bearer` in the Authorization header; None for anything else."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    fits = scheme.lower() == "bearer" and 0 < len(credential) <= MOST_CREDENTIAL
    return credential if fits else None
