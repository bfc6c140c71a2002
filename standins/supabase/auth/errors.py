"""What Auth says when it refuses. The texts and codes are those of the real server's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from standins.supabase.auth.timestamps import api_date

API_VERSION = "2024-01-01"
VERSION_HEADER = "X-Supabase-Api-Version"
CODE_HEADER = "X-Sb-Error-Code"


class AuthError(Exception):
    """A refusal: the HTTP status, the error code that clients look at, and a sentence.

    `headers` are sent along. Give a database's error as the cause (`raise … from error`).
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {}) | {CODE_HEADER: code}

    def body(self, new_shape: bool) -> dict[str, Any]:
        """The JSON: the shape of 2024-01-01 when `new_shape`, otherwise the first one."""
        if new_shape:
            return {"code": self.code, "message": self.message}
        return {"code": self.status, "error_code": self.code, "msg": self.message}


class WeakPasswordError(AuthError):
    """The password is not good enough; `reasons` as clients know them (`length`, …)."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(422, "weak_password", message)
        self.reasons = reasons
        self.headers = {}

    def body(self, new_shape: bool) -> dict[str, Any]:
        """The JSON, with the reasons."""
        return super().body(new_shape) | {"weak_password": {"reasons": self.reasons}}


def wants_new_shape(version: str | None) -> bool:
    """Whether a request with this version header gets the error shape of 2024-01-01."""
    date = api_date(version or "")
    return date is not None and date >= API_VERSION


def validation_failed(message: str, status: int = 400) -> AuthError:
    """A parameter is missing or out of its range."""
    return AuthError(status, "validation_failed", message)


def invalid_credentials(message: str = "Invalid login credentials") -> AuthError:
    """Unknown address or wrong password: the response is the same for both."""
    return AuthError(400, "invalid_credentials", message)


def no_authorization() -> AuthError:
    """There is no bearer token."""
    return AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")


def bad_jwt(message: str) -> AuthError:
    """The bearer token is not a good one."""
    return AuthError(403, "bad_jwt", message)


def not_admin() -> AuthError:
    """Only the server-side key may do this."""
    return AuthError(403, "not_admin", "User not allowed")


def user_not_found() -> AuthError:
    """There is no user with this id."""
    return AuthError(404, "user_not_found", "User not found")


def email_exists() -> AuthError:
    """The address belongs to someone else."""
    return AuthError(
        422, "email_exists", "A user with this email address has already been registered"
    )


def user_banned(status: int = 400) -> AuthError:
    """The user may not sign in for now."""
    return AuthError(status, "user_banned", "User is banned")


def link_expired() -> AuthError:
    """The link's token is unknown, used or too old."""
    return AuthError(403, "otp_expired", "Email link is invalid or has expired")


def code_expired() -> AuthError:
    """The code is wrong, used or too old."""
    return AuthError(403, "otp_expired", "Token has expired or is invalid")


def over_mail_rate(seconds: int) -> AuthError:
    """A mail to this address was asked for too soon after the last."""
    return AuthError(
        429,
        "over_email_send_rate_limit",
        f"For security purposes, you can only request this after {seconds} seconds.",
    )


def unexpected(message: str) -> AuthError:
    """Something failed that is not the caller's fault, a trigger on `auth.users` for one."""
    return AuthError(500, "unexpected_failure", message)


PUBLIC_SQLSTATES = frozenset(
    {"P0001", "23000", "23001", "23502", "23503", "23505", "23514", "23P01"}
)
"""Errors that a project's own triggers and constraints raise; their text goes to the caller."""


def database_body(error: BaseException | None) -> tuple[int, dict[str, Any]] | None:
    """The status and JSON of a project's own database error, which callers without the version
    header get to see in place of the general one; None for any other error.

    `raise … using errcode = 'PT402'` chooses the status, as in PostgREST.
    """
    if not isinstance(error, psycopg.Error) or not error.sqlstate:
        return None
    state = error.sqlstate
    custom = state.startswith("PT") and state[2:].isdigit()
    if not custom and state not in PUBLIC_SQLSTATES:
        return None
    fields = {
        "code": state,
        "message": error.diag.message_primary,
        "hint": error.diag.message_hint,
        "detail": error.diag.message_detail,
    }
    return int(state[2:]) if custom else 500, {key: text for key, text in fields.items() if text}
