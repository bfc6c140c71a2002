"""Invoices: what is on them, and whether they get paid."""

from __future__ import annotations

from typing import Any

from local.stripe.answers import whole
from local.stripe.service import Service, changed
from local.stripe.state import Thing

RETRY_SECONDS = 3 * 86400


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
    service: Service, subscription: Thing, lines: list[Thing], reason: str, moment: int
) -> Thing:
    """An open invoice of a subscription. A credit that is left goes to the customer's balance."""
    customer = service.get("customer", subscription["customer"])
    total = sum(each["amount"] for each in lines)
    balance = customer["balance"]
    due = max(0, total + balance)
    after = total + balance - due
    number = customer["next_invoice_sequence"]
    period = subscription["items"]["data"][0]
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
        "period_start": period["current_period_start"],
        "period_end": period["current_period_end"],
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


def failing(service: Service, customer: str) -> bool:
    """Whether the customer's next payment is set to fail."""
    return bool(service.state.note(f"fail:{customer}"))


def _fails(service: Service, customer: str) -> bool:
    left = service.state.note(f"fail:{customer}") or 0
    if left:
        service.state.take_note(f"fail:{customer}", left - 1)
    return bool(left)


def collect(service: Service, invoice: Thing, moment: int, pay: bool | None = None) -> bool:
    """Try to be paid, once; whether it was. `pay` decides, or what `_control/fail_next` set."""
    due = invoice["amount_remaining"]
    succeeds = due == 0 or (not _fails(service, invoice["customer"]) if pay is None else pay)
    invoice["attempted"] = True
    if due:
        invoice["attempt_count"] += 1
        _payment(service, invoice, due, succeeds)
    if succeeds:
        invoice |= {
            "status": "paid",
            "amount_paid": due,
            "amount_remaining": 0,
            "auto_advance": False,
            "next_payment_attempt": None,
        }
        invoice["status_transitions"]["paid_at"] = moment
    else:
        invoice["next_payment_attempt"] = moment + RETRY_SECONDS
    service.state.put(invoice)
    customer = service.get("customer", invoice["customer"])
    if not customer.get("deleted"):
        service.state.put(customer | {"delinquent": not succeeds})
    service.emit("invoice.paid" if succeeds else "invoice.payment_failed", invoice)
    return succeeds


def _payment(service: Service, invoice: Thing, amount: int, succeeds: bool) -> None:
    """The payment intent, the charge and what ties them to the invoice."""
    common = {
        "amount": amount,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": "Subscription payment",
        "payment_method": None,
        "receipt_email": None,
        "statement_descriptor": None,
    }
    rows = service.state.find("invoice_payment", {"invoice": invoice["id"]})
    intent_id = rows[0]["payment"]["payment_intent"] if rows else None
    intent = (intent_id and service.state.get(intent_id)) or service.new(
        "payment_intent", "pi", **common
    )
    declined = None if succeeds else {"code": "card_declined", "type": "card_error"}
    charge = service.new(
        "charge",
        "ch",
        **common,
        amount_captured=amount if succeeds else 0,
        amount_refunded=0,
        balance_transaction=None,
        billing_details={"address": None, "email": None, "name": None, "phone": None},
        captured=succeeds,
        disputed=False,
        failure_code=None if succeeds else "card_declined",
        failure_message=None if succeeds else "Your card was declined.",
        paid=succeeds,
        payment_intent=intent["id"],
        receipt_url=invoice["hosted_invoice_url"],
        refunded=False,
        status="succeeded" if succeeds else "failed",
    )
    intent |= {
        "amount_capturable": 0,
        "amount_received": amount if succeeds else 0,
        "capture_method": "automatic",
        "last_payment_error": declined,
        "latest_charge": charge["id"],
        "payment_method_types": ["card"],
        "status": "succeeded" if succeeds else "requires_payment_method",
    }
    tie = rows[0] if rows else service.new("invoice_payment", "inpay")
    tie.pop("metadata", None)
    tie |= {
        "amount_paid": amount if succeeds else None,
        "amount_requested": amount,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "paid" if succeeds else "open",
        "status_transitions": {
            "canceled_at": None,
            "paid_at": service.now() if succeeds else None,
        },
    }
    for thing in (intent, charge, tie):
        service.state.put(thing)


def payments_of(service: Service, invoice: Thing) -> Thing:
    """The `payments` of an invoice, where they are asked for."""
    found = service.state.find("invoice_payment", {"invoice": invoice["id"]})
    return whole(found, f"/v1/invoices/{invoice['id']}/payments")


def settle(service: Service, subscription: Thing, paid: bool) -> None:
    """Let the latest invoice's payment decide the subscription's status."""
    before = dict(subscription)
    if paid and subscription["status"] in ("incomplete", "past_due", "unpaid"):
        subscription["status"] = "active"
    elif not paid and subscription["status"] == "active":
        subscription["status"] = "past_due"
    if difference := changed(before, subscription):
        service.state.put(subscription)
        service.emit("customer.subscription.updated", subscription, difference)
