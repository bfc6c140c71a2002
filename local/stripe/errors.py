"""Errors in Stripe's shape."""

from __future__ import annotations


class StripeError(Exception):
    """An answer other than success."""

    def __init__(
        self, status: int, kind: str, message: str, *, code: str | None = None,
        param: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        told = {"type": kind, "message": message, "code": code, "param": param}
        self.body = {"error": {name: value for name, value in told.items() if value is not None}}


def invalid(message: str, param: str | None = None) -> StripeError:
    """400: a parameter is missing or wrong."""
    return StripeError(400, "invalid_request_error", message, param=param)


def missing(kind: str, object_id: str) -> StripeError:
    """404: there is no such thing."""
    return StripeError(
        404, "invalid_request_error", f"No such {kind}: '{object_id}'", code="resource_missing",
        param="id",
    )  # fmt: skip


def declined() -> StripeError:
    """402: the card does not pay."""
    return StripeError(402, "card_error", "Your card was declined.", code="card_declined")


def unauthorized() -> StripeError:
    """401: not the secret key."""
    return StripeError(401, "invalid_request_error", "Invalid API Key provided.")
