"""What `make stripe-setup` made at Stripe, found again by its marks."""

from __future__ import annotations

from lib.platform import stripe as platform
from lib.platform.errors import Problem

CURRENCY = "usd"
MARK = {"made_by": "ffmpeg-micro"}
"""By which we know what we made."""


def price_id(plan_id: str, cents: int) -> str:
    """Stripe's price of a plan.

    Raises Problem 503 if it differs from the one we publish: customers pay only what we show.
    """
    with platform.asking():
        prices = platform.client().v1.prices.list(
            params={"lookup_keys": [plan_id], "active": True, "limit": 1}
        )
    if not prices.data:
        raise Problem(
            "billing_unavailable", "This plan can't be bought yet: its price is not set up."
        )
    price = prices.data[0]
    if (price.unit_amount, price.currency) != (cents, CURRENCY):
        raise Problem(
            "billing_unavailable", "The price of this plan is just being changed. Try again later."
        )
    return str(price.id)


def portal_configuration() -> str | None:
    """Our configuration of the portal; None before it was made.

    It is named with each session: one that was made by the API is never Stripe's default
    (https://docs.stripe.com/api/customer_portal/configurations/object, `is_default`).
    """
    with platform.asking():
        configurations = platform.client().v1.billing_portal.configurations.list(
            params={"active": True, "limit": 100}
        )
    for each in configurations.data:
        if (each.metadata.to_dict() if each.metadata else {}).items() >= MARK.items():
            return str(each.id)
    return None
