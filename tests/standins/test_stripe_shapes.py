"""Stripe's stand-in: its objects have the fields that the stock package's types say."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import stripe

from tests.rigs.stripe import StandIn, running

_OURS = ("OBJECT_NAME", "deleted")
Shape = tuple[str, type, dict[str, Any]]


def faults(name: str, shape: type, display: dict[str, Any]) -> list[str]:
    """Fields that must be there and are not, that may not be null and are, or that are unknown."""
    types: dict[str, Any] = {}
    for each in shape.__mro__:
        if issubclass(each, stripe.StripeObject) and each is not stripe.StripeObject:
            types = getattr(each, "__annotations__", {}) | types
    needed = [
        field
        for field, kind in types.items()
        if not field.startswith("_") and field not in _OURS
        if type(None) not in typing.get_args(kind)
    ]
    return [
        *(f"{name}.{field} is missing" for field in needed if display.get(field) is None),
        *(f"{name}.{field} is unknown" for field in display if field not in types),
    ]


def test_objects_have_the_documented_fields(tmp_path: Path) -> None:
    with running(tmp_path) as standin:
        wrong = [fault for each in shapes(standin) for fault in faults(*each)]
    assert wrong == []


def shapes(standin: StandIn) -> list[Shape]:
    """An object of every kind, as it is answered."""
    subscription = standin.subscribe(standin.price("One", 500).id)
    standin.control("renew", subscription=subscription.id)
    standin.api.subscription_schedules.create({"from_subscription": subscription.id})

    def get(path: str) -> dict[str, Any]:
        answer = standin.http.get(f"/v1/{path}", auth=(standin.key, "")).raise_for_status().json()
        return dict(answer["data"][0] if answer["object"] == "list" else answer)

    charge = get("charges?expand[]=data.refunds")
    standin.api.refunds.create({"charge": charge["id"]})
    configuration = standin.api.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": True}}}
    )
    session = standin.api.billing_portal.sessions.create(
        {"customer": str(subscription.customer), "configuration": configuration.id}
    )
    result = get("subscriptions")
    item = result["items"]["data"][0]
    invoice = get("invoices?expand[]=data.payments")
    schedule = get("subscription_schedules")
    checkout = get("checkout/sessions?expand[]=data.line_items")
    portal, phase = stripe.billing_portal, stripe.SubscriptionSchedule.Phase
    return [
        ("charge", stripe.Charge, charge),
        ("checkout", stripe.checkout.Session, checkout),
        ("checkout line", stripe.LineItem, checkout["line_items"]["data"][0]),
        ("configuration", portal.Configuration, get("billing_portal/configurations")),
        ("customer", stripe.Customer, get("customers?expand[]=data.subscriptions")),
        ("endpoint", stripe.WebhookEndpoint, get("webhook_endpoints")),
        ("event", stripe.Event, get("events")),
        ("intent", stripe.PaymentIntent, get(f"payment_intents/{charge['payment_intent']}")),
        ("invoice", stripe.Invoice, invoice),
        ("invoice line", stripe.InvoiceLineItem, invoice["lines"]["data"][0]),
        ("invoice payment", stripe.InvoicePayment, invoice["payments"]["data"][0]),
        ("item", stripe.SubscriptionItem, item),
        ("plan", stripe.Plan, item["plan"]),
        ("portal", portal.Session, session.to_dict()),
        ("price", stripe.Price, item["price"]),
        ("product", stripe.Product, get("products")),
        ("refund", stripe.Refund, get("refunds")),
        ("schedule", stripe.SubscriptionSchedule, schedule),
        ("schedule phase", phase, schedule["phases"][0]),
        ("schedule item", phase.Item, schedule["phases"][0]["items"][0]),
        ("subscription", stripe.Subscription, result),
    ]
