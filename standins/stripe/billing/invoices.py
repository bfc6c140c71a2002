"""Invoices: what is on them, and whether they get paid."""

from __future__ import annotations

from typing import Any

from standins.stripe.answers import whole
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing


def line(
    description: str,
    amount: int,
    item: Thing,
    period: tuple[int, int],
    *,
    proration: bool = False,
) -> Thing:
    """A line for a subscription item, not on an invoice yet. `period` is start and end."""
    price = item["price"]
    return {
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": proration,
                "proration_details": {"credited_items": None} if proration else None,
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }


def make(
    service: StripeService,
    subscription: Thing,
    lines: list[Thing],
    reason: str,
    moment: int,
    since: int | None = None,
) -> Thing:
    """An open invoice of a subscription. A credit that is left goes to the customer's balance.

    Its own period looks back, from `since`; what is paid for stands on the lines.
    """
    customer = service.get("customer", subscription["customer"])
    total = sum(each["amount"] for each in lines)
    balance = customer["balance"]
    due = max(0, total + balance)
    after = total + balance - due
    number = customer["next_invoice_sequence"]
    invoice = service.new("invoice", "in", **_fields(subscription, customer, moment))
    address = f"{service.url}/invoice/{invoice['id']}"
    for each in lines:
        each["id"] = service.new("line_item", "il")["id"]
        each["invoice"] = invoice["id"]
    invoice |= {
        "amount_due": due,
        "amount_remaining": due,
        "billing_reason": reason,
        "lines": whole(lines, f"/v1/invoices/{invoice['id']}/lines"),
        "period_start": moment if since is None else since,
        "period_end": moment,
        "starting_balance": balance,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
    }
    service.emit("invoice.created", service.state.put(invoice))
    invoice |= {
        "status": "open",
        "auto_advance": True,
        "effective_at": moment,
        "ending_balance": after,
        "hosted_invoice_url": address,
        "invoice_pdf": f"{address}/pdf",
        "number": f"{customer['invoice_prefix']}-{number:04}",
    }
    invoice["status_transitions"]["finalized_at"] = moment
    service.emit("invoice.finalized", service.state.put(invoice))
    customer |= {
        "balance": after,
        "currency": subscription["currency"],
        "next_invoice_sequence": number + 1,
    }
    service.state.put(customer)
    return invoice


def _fields(subscription: Thing, customer: Thing, moment: int) -> dict[str, Any]:
    details = {
        "metadata": subscription["metadata"],
        "subscription": subscription["id"],
        "subscription_proration_date": None,
    }
    nothing = (
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account"
        " customer_address customer_phone customer_shipping default_payment_method default_source"
        " description due_date effective_at ending_balance footer from_invoice hosted_invoice_url"
        " invoice_pdf last_finalization_error latest_revision next_payment_attempt number"
        " on_behalf_of receipt_number rendering shipping_cost shipping_details"
        " statement_descriptor test_clock webhooks_delivered_at"
    )
    zeros = (
        "amount_overpaid amount_paid amount_shipping attempt_count"
        " post_payment_credit_notes_amount pre_payment_credit_notes_amount"
    )
    return (
        dict.fromkeys(nothing.split())
        | dict.fromkeys(zeros.split(), 0)
        | {
            "account_country": "US",
            "account_name": "One machine",
            "attempted": False,
            "auto_advance": False,
            "automatic_tax": {"enabled": False, "liability": None, "status": None},
            "collection_method": "charge_automatically",
            "created": moment,
            "currency": subscription["currency"],
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_tax_rates": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "parent": {
                "quote_details": None,
                "subscription_details": details,
                "type": "subscription_details",
            },
            "payment_settings": {"payment_method_options": None, "payment_method_types": None},
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "total_discount_amounts": [],
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
        }
    )


def subscription_of(invoice: Thing) -> str:
    """The id of the subscription that an invoice is for."""
    return str(invoice["parent"]["subscription_details"]["subscription"])


def settle(service: StripeService, subscription: Thing, paid: bool) -> None:
    """Let the latest invoice's payment decide the subscription's status."""
    before = dict(subscription)
    if paid and subscription["status"] in ("incomplete", "past_due", "unpaid"):
        subscription["status"] = "active"
    elif not paid and subscription["status"] == "active":
        subscription["status"] = "past_due"
    if difference := changed(before, subscription):
        service.state.put(subscription)
        service.emit("customer.subscription.updated", subscription, difference)
