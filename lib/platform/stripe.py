"""Stripe, through its stock client. Slow to import: it is, where something is asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lib.platform.errors import Problem
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    import stripe

SECONDS = 10
CONNECT_SECONDS = 3
TOLERANCE_SECONDS = 300
"""How old a signature may be (https://docs.stripe.com/webhooks#verify-events)."""
MOST_NAME = 255
"""Characters of an event's id and type."""


class Declined(Exception):
    """The payment did not go through; the text is Stripe's own sentence for the payer."""


class Forged(Exception):
    """An event that Stripe did not sign, or long ago."""


class NotAnEvent(Exception):
    """A signed body that is not an event."""


def enabled() -> bool:
    """Whether this service has a Stripe account."""
    return settings().stripe_secret_key is not None


@once
def client() -> stripe.StripeClient:
    """The process' one client. Raises Problem 503 where the service has no Stripe account."""
    import httpx
    import stripe

    key = settings().stripe_secret_key
    if key is None:
        raise Problem(
            "billing_unavailable", "This service has no billing: its plans can't be bought here."
        )
    return stripe.StripeClient(
        key,
        base_addresses={"api": settings().stripe_url},
        http_client=stripe.HTTPXClient(
            timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS), allow_sync_methods=True
        ),
        max_network_retries=1,  # with an idempotency key of the client's own
    )


@contextmanager
def asking() -> Iterator[None]:
    """Turn Stripe's errors into ours. Raises Declined, Problem 503."""
    import stripe

    try:
        yield
    except stripe.CardError as error:
        raise Declined(error.user_message or "The payment was declined.") from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise Problem(
            "stripe_unavailable", "Stripe does not answer just now. Try again in a moment."
        ) from error


def event(payload: bytes, signature: str | None) -> stripe.Event:
    """The event in a webhook's raw body.

    Raises Forged, NotAnEvent; Problem 503 without a secret to check by.

    """
    import stripe

    secret = settings().stripe_webhook_secret
    if secret is None:
        raise Problem(
            "billing_unavailable", "This service has no secret to check Stripe's signatures by."
        )
    try:
        text = payload.decode()
        stripe.WebhookSignature.verify_header(text, signature or "", secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise Forged(type(error).__name__) from error
    try:
        _check_shape(json.loads(text))
        return client().construct_event(payload, signature, secret)
    except (ValueError, RecursionError) as error:
        raise NotAnEvent(type(error).__name__) from error


def _check_shape(event: Any) -> None:
    """Raises NotAnEvent unless the JSON value has what we read of every event."""
    try:
        about = event["data"]["object"]
        customer = about.get("customer")
        customer = customer["id"] if isinstance(customer, dict) else customer
        texts = (event["id"], event["type"], customer or "")
        fits = all(isinstance(each, str) and len(each) <= MOST_NAME for each in texts)
        fits &= 0 <= event["created"] < 2**33
    except (LookupError, TypeError, AttributeError) as error:
        raise NotAnEvent(type(error).__name__) from error
    if not fits:
        raise NotAnEvent("shape")
