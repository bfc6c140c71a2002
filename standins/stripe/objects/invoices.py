"""Invoices, and what ties payments to them."""

from __future__ import annotations

from standins.stripe.answers import PAGE, page
from standins.stripe.billing import invoices, payments, periods
from standins.stripe.errors import card_declined, invalid
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_URL, _PAYMENTS = "/v1/invoices", "/v1/invoice_payments"
_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def retrieve(service: StripeService, parameters: Parameters, invoice: str) -> Thing:
    """An invoice."""
    parameters.only()
    return service.get("invoice", invoice)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Invoices: of a customer, of a subscription, with a status."""
    parameters.only(*PAGE, "customer", "status", "subscription")
    filters = {
        "customer": parameters.text("customer"),
        "status": parameters.choice("status", _STATUSES),
        "parent.subscription_details.subscription": parameters.text("subscription"),
    }
    equal = {name: value for name, value in filters.items() if value}
    return page(service, parameters, _URL, "invoice", equal)


def pay(service: StripeService, parameters: Parameters, invoice: str) -> Thing:
    """Try to have an open invoice paid. Raises 402 where the card is declined."""
    parameters.only("off_session")
    thing = service.get("invoice", invoice)
    if thing["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if thing["status"] != "open":
        raise invalid("This invoice can't be paid.", code="invoice_not_editable")
    pay_or_raise(service, thing)
    return thing


def void(service: StripeService, parameters: Parameters, invoice: str) -> Thing:
    """Void an open invoice."""
    parameters.only()
    thing = service.get("invoice", invoice)
    if thing["status"] not in ("open", "uncollectible"):
        raise invalid(
            f"You can only void open invoices; this one is {thing['status']}.",
            code="invoice_not_editable",
        )
    thing |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
    thing["status_transitions"]["voided_at"] = service.now()
    service.emit("invoice.voided", service.state.put(thing))
    return thing


def pay_or_raise(service: StripeService, invoice: Thing) -> None:
    """Try a payment, with what it means for the subscription. Raises 402, and keeps the attempt."""
    subscription = service.get("subscription", invoices.subscription_of(invoice))
    moment = periods.now_of(subscription, service.now())
    paid = payments.collect(service, invoice, moment)
    if subscription["latest_invoice"] == invoice["id"]:
        invoices.settle(service, subscription, paid)
    if not paid:
        raise card_declined(keep=True)


def listed_payments(service: StripeService, parameters: Parameters) -> Thing:
    """Payments of invoices: of an invoice, or the one of a payment intent."""
    parameters.only(*PAGE, "invoice", "payment", "status")
    payment = parameters.inside("payment")
    payment.only("payment_intent", "type")
    filters = {
        "invoice": parameters.text("invoice"),
        "status": parameters.text("status"),
        "payment.payment_intent": payment.text("payment_intent"),
    }
    equal = {name: value for name, value in filters.items() if value}
    return page(service, parameters, _PAYMENTS, "invoice_payment", equal)


ROUTES = [
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<invoice>", retrieve),
    Route("POST", f"{_URL}/<invoice>/pay", pay),
    Route("POST", f"{_URL}/<invoice>/void", void),
    Route("GET", _PAYMENTS, listed_payments),
]
