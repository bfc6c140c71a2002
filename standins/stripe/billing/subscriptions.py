"""Subscriptions: how they begin and end."""

from __future__ import annotations

from typing import Any

from standins.stripe.answers import whole
from standins.stripe.billing import invoices, payments, periods
from standins.stripe.billing.money import rate
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

ENDED = ("canceled", "incomplete_expired")


def begin(
    service: StripeService, customer: Thing, price: Thing, quantity: int, metadata: dict[str, str]
) -> tuple[Thing, Thing]:
    """A subscription whose first invoice is paid, and that invoice."""
    now = service.now()
    subscription = service.new("subscription", "sub", **_fields(now, customer, price, metadata))
    each = item(service, subscription, price, quantity)
    each |= {
        "current_period_start": now,
        "current_period_end": periods.later(now, price["recurring"], now),
    }
    subscription["items"] = whole(
        [each], f"/v1/subscription_items?subscription={each['subscription']}"
    )
    service.emit("customer.subscription.created", service.state.put(subscription))
    invoice = invoices.make(
        service, subscription, cycle_lines(service, subscription), "subscription_create", now
    )
    subscription["latest_invoice"] = invoice["id"]
    invoices.settle(service, subscription, payments.collect(service, invoice, now, pay=True))
    service.state.put(subscription)
    return subscription, invoice


def item(service: StripeService, subscription: Thing, price: Thing, quantity: int) -> Thing:
    """An item, without its period."""
    row = service.new(
        "subscription_item",
        "si",
        14,
        billed_until=None,
        billing_thresholds=None,
        discounts=[],
        subscription=subscription["id"],
        tax_rates=[],
        **priced(price, quantity),
    )
    del row["livemode"]
    return row


def priced(price: Thing, quantity: int) -> dict[str, Any]:
    """The fields of an item that its price decides; `plan` is the older form of a price."""
    plan = {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "nickname": price["nickname"],
        "product": price["product"],
        "usage_type": "licensed",
    }
    return {"plan": plan, "price": price, "quantity": quantity}


def _fields(now: int, customer: Thing, price: Thing, metadata: dict[str, str]) -> dict[str, Any]:
    nothing = (
        "application application_fee_percent billing_cycle_anchor_config billing_thresholds"
        " cancel_at canceled_at customer_account days_until_due default_payment_method"
        " default_source description ended_at latest_invoice next_pending_invoice_item_invoice"
        " on_behalf_of pause_collection pending_invoice_item_interval pending_setup_intent"
        " pending_update schedule test_clock transfer_data trial_end trial_start"
    )
    return dict.fromkeys(nothing.split()) | {
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "currency": price["currency"],
        "customer": customer["id"],
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "metadata": metadata,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "start_date": now,
        "status": "incomplete",
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def cycle_lines(service: StripeService, subscription: Thing) -> list[Thing]:
    """A line for each item, for its current period."""
    lines = []
    for each in subscription["items"]["data"]:
        price = each["price"]
        name = service.get("product", price["product"])["name"]
        text = f"{each['quantity']} x {name} (at {rate(price)})"
        period = each["current_period_start"], each["current_period_end"]
        lines.append(invoices.line(text, price["unit_amount"] * each["quantity"], each, period))
    return lines


def cancel(
    service: StripeService, subscription: Thing, reason: str = "cancellation_requested", at: int = 0
) -> Thing:
    """End a subscription for good, at once; what it owes is no longer asked for."""
    at = at or periods.now_of(subscription, service.now())
    schedule_id = subscription["schedule"]
    subscription |= {
        "status": "canceled",
        "canceled_at": subscription["canceled_at"] or at,
        "ended_at": at,
        "schedule": None,
    }
    subscription["cancellation_details"]["reason"] = reason
    service.state.put(subscription)
    for invoice in service.state.find(
        "invoice", {"customer": subscription["customer"], "status": "open"}
    ):
        if invoices.subscription_of(invoice) == subscription["id"]:
            service.state.put(invoice | {"auto_advance": False, "next_payment_attempt": None})
    if schedule_id and (schedule := service.state.get(schedule_id)):
        schedule |= {"status": "canceled", "canceled_at": at, "current_phase": None}
        service.emit("subscription_schedule.canceled", service.state.put(schedule))
    service.emit("customer.subscription.deleted", subscription)
    return subscription
