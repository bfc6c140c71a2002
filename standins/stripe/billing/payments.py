"""Payments of invoices: the intent, the charge, and whether they succeed."""

from __future__ import annotations

from standins.stripe.answers import whole
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

RETRY_SECONDS = 3 * 86400


def failing(service: StripeService, customer: str) -> bool:
    """Whether the customer's next payment is set to fail."""
    return bool(service.state.note(f"fail:{customer}"))


def fails(service: StripeService, customer: str) -> bool:
    """Whether the payment under way fails; counts it."""
    left = service.state.note(f"fail:{customer}") or 0
    if left:
        service.state.take_note(f"fail:{customer}", left - 1)
    return bool(left)


def collect(service: StripeService, invoice: Thing, moment: int, pay: bool | None = None) -> bool:
    """Try to be paid, once; whether it was. `pay` decides, or what `_control/fail_next` set."""
    due = invoice["amount_remaining"]
    succeeds = due == 0 or (not fails(service, invoice["customer"]) if pay is None else pay)
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


def _payment(service: StripeService, invoice: Thing, amount: int, succeeds: bool) -> None:
    """Store the payment intent, the charge, and the invoice payment that links them."""
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
    charge = _charge(service, invoice, common | {"payment_intent": intent["id"]}, succeeds)
    intent |= {
        "amount_capturable": 0,
        "amount_received": amount if succeeds else 0,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "last_payment_error": declined,
        "latest_charge": charge["id"],
        "payment_method_types": ["card"],
        "status": "succeeded" if succeeds else "requires_payment_method",
    }
    link = rows[0] if rows else service.new("invoice_payment", "inpay")
    link.pop("metadata", None)
    link |= {
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
    for thing in (intent, charge, link):
        service.state.put(thing)


def _charge(service: StripeService, invoice: Thing, common: Thing, succeeds: bool) -> Thing:
    """A new charge; `common` is what it shares with its payment intent, and that one's id."""
    return service.new(
        "charge",
        "ch",
        **common,
        amount_captured=common["amount"] if succeeds else 0,
        amount_refunded=0,
        balance_transaction=None,
        billing_details={"address": None, "email": None, "name": None, "phone": None},
        captured=succeeds,
        disputed=False,
        failure_code=None if succeeds else "card_declined",
        failure_message=None if succeeds else "Your card was declined.",
        paid=succeeds,
        receipt_url=invoice["hosted_invoice_url"],
        refunded=False,
        status="succeeded" if succeeds else "failed",
    )


def payments_of(service: StripeService, invoice: Thing) -> Thing:
    """The `payments` of an invoice, where they are asked for."""
    payments = service.state.find("invoice_payment", {"invoice": invoice["id"]})
    return whole(payments, f"/v1/invoices/{invoice['id']}/payments")
