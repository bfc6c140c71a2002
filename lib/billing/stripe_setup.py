"""Making Stripe fit for the plans: products, prices, the portal and the webhook. Safe to repeat."""

from __future__ import annotations

from typing import Any

import msgspec

from lib.billing import purchases
from lib.billing.catalog import CURRENCY, MARK, portal_configuration
from lib.billing.purchases import PlanOffered
from lib.billing.stripe_events import TYPES
from lib.platform import stripe as platform
from lib.platform.settings import settings


class SetUp(msgspec.Struct):
    """What there is now, and what was done for it."""

    steps: list[str]
    webhook_secret: str | None
    """Of a webhook endpoint that was made just now; Stripe tells it once."""


def set_up() -> SetUp:
    """Make or change what is needed. Raises Problem 503."""
    steps: list[str] = []
    sold = [plan for plan in purchases.plans().items if plan.price_cents > 0]
    with platform.asking():
        for plan in sold:
            _price(plan, _product(plan, steps), steps)
        _portal(steps)
        secret = _webhook(steps)
    return SetUp(steps, secret)


def _product(plan: PlanOffered, steps: list[str]) -> str:
    client = platform.client()
    name = f"FFmpeg Micro {plan.name}"
    about = f"{plan.minutes_per_month} minutes of input a month"
    for product in client.v1.products.list(
        params={"active": True, "limit": 100}
    ).auto_paging_iter():
        if product.metadata.to_dict().get("plan_id") == plan.id:
            if (product.name, product.description) != (name, about):
                client.v1.products.update(product.id, params={"name": name, "description": about})
                steps.append(f"product of {plan.id}: changed")
            return str(product.id)
    new_product = client.v1.products.create(
        params={"name": name, "description": about, "metadata": MARK | {"plan_id": plan.id}}
    )
    steps.append(f"product of {plan.id}: made")
    return str(new_product.id)


def _price(plan: PlanOffered, product: str, steps: list[str]) -> None:
    """The price that is charged from now on; who bought at another keeps that."""
    client = platform.client()
    prices = client.v1.prices.list(params={"lookup_keys": [plan.id], "active": True}).data
    if prices and (prices[0].unit_amount, prices[0].currency) == (plan.price_cents, CURRENCY):
        return
    client.v1.prices.create(
        params={
            "product": product,
            "currency": CURRENCY,
            "unit_amount": plan.price_cents,
            "recurring": {"interval": "month"},
            "lookup_key": plan.id,
            "transfer_lookup_key": True,
            "metadata": MARK | {"plan_id": plan.id},
        }
    )
    if prices:
        client.v1.prices.update(prices[0].id, params={"active": False})
    steps.append(f"price of {plan.id}: {plan.price_cents / 100:.2f} {CURRENCY} a month")


def _portal(steps: list[str]) -> None:
    """The portal: cards, invoices, cancellation at the period's end. Plans change by our routes."""
    configurations = platform.client().v1.billing_portal.configurations
    # Plain values: the client's own types want each key spelled out where it is sent.
    params: Any = {
        "features": {
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "tax_id"]},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        },
        "metadata": MARK,
    }
    configuration = portal_configuration()
    if configuration is not None:
        configurations.update(configuration, params=params)
        return
    configurations.create(params=params)
    steps.append("portal: set up")


def _webhook(steps: list[str]) -> str | None:
    """Where events are sent; the secret of an endpoint that is made now."""
    endpoints = platform.client().v1.webhook_endpoints
    url = f"{settings().api_url}/hooks/stripe"
    events: Any = list(TYPES)
    for endpoint in endpoints.list(params={"limit": 100}).auto_paging_iter():
        if endpoint.url == url:
            if set(endpoint.enabled_events) != set(TYPES):
                endpoints.update(endpoint.id, params={"enabled_events": events})
                steps.append(f"webhook {url}: changed")
            return None
    new_endpoint = endpoints.create(params={"url": url, "enabled_events": events, "metadata": MARK})
    steps.append(f"webhook {url}: made")
    return str(new_endpoint.secret)
