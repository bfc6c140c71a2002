"""Errors as Stripe answers them: `{"error": {"type", "message", "code", "param"}}`."""

from __future__ import annotations

from typing import Any

INVALID = "invalid_request_error"


class StripeError(Exception):
    """An answer that is an error. With `keep`, what was done before it stays done."""

    def __init__(
        self, status: int, error_type: str, message: str, *, keep: bool = False, **more: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keep = keep
        self.body: dict[str, Any] = {"error": {"type": error_type, "message": message} | more}


def invalid(message: str, param: str = "", code: str = "") -> StripeError:
    """400: the request can't be done as it is."""
    error = StripeError(400, INVALID, message)
    error.body["error"] |= ({"param": param} if param else {}) | ({"code": code} if code else {})
    return error


def missing_parameter(param: str) -> StripeError:
    """400: a parameter that must be there."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown_parameter(param: str) -> StripeError:
    """400: a parameter that Stripe does not have, or this stand-in does not follow."""
    return invalid(f"Received unknown parameter: {param}", param, "parameter_unknown")


def no_such(name: str, object_id: str, param: str = "id") -> StripeError:
    """No such object: 404 where the path names it, 400 where a parameter does."""
    status = 404 if param == "id" else 400
    message = f"No such {name}: '{object_id}'"
    return StripeError(status, INVALID, message, code="resource_missing", param=param)


def unauthorized(message: str) -> StripeError:
    """401: no key, or another one."""
    return StripeError(401, INVALID, message)


def card_declined(*, keep: bool) -> StripeError:
    """402: the payment failed."""
    return StripeError(
        402,
        "card_error",
        "Your card was declined.",
        keep=keep,
        code="card_declined",
        decline_code="generic_decline",
    )


def key_reused(message: str) -> StripeError:
    """400: an idempotency key came with another request than its first."""
    return StripeError(400, "idempotency_error", message)
