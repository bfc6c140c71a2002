"""Invoices, and what ties payments to them."""

from __future__ import annotations

from local.stripe.answers import PAGE, page
from local.stripe.billing import invoices, payments, periods
from local.stripe.errors import card_declined, invalid
from local.stripe.objects.routes import Route
from local.stripe.parameters import Parameters
from local.stripe.service import Service
from local.stripe.state import Thing

_URL, _PAYMENTS = "/v1/invoices", "/v1/invoice_payments"
_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def retrieve(service: Service, parameters: Parameters, invoice: str) -> Thing:
    """An invoice."""
    parameters.only()
    return service.get("invoice", invoice)


def listed(service: Service, parameters: Parameters) -> Thing:
    """Invoices: of a customer, of a subscription, with a status."""
    parameters.only(*PAGE, "customer", "status", "subscription")
    given = {
        "customer": parameters.text("customer"),
        "status": parameters.choice("status", _STATUSES),
        "parent.subscription_details.subscription": parameters.text("subscription"),
    }
    equal = {name: value for name, value in given.items() if value}
    return page(service, parameters, _URL, "invoice", equal)


def pay(service: Service, parameters: Parameters, invoice: str) -> Thing:
    """Try to have an open invoice paid. Raises 402 where the card is declined."""
    parameters.only("off_session")
    found = service.get("invoice", invoice)
    if found["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if found["status"] != "open":
        raise invalid("This invoice can't be paid.", code="invoice_not_editable")
    pay_or_raise(service, found)
    return found


def void(service: Service, parameters: Parameters, invoice: str) -> Thing:
    """Void an open invoice."""
    parameters.only()
    found = service.get("invoice", invoice)
    if found["status"] not in ("open", "uncollectible"):
        raise invalid(
            f"You can only void open invoices; this one is {found['status']}.",
            code="invoice_not_editable",
        )
    found |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
    found["status_transitions"]["voided_at"] = service.now()
    service.emit("invoice.voided", service.state.put(found))
    return found


def pay_or_raise(service: Service, invoice: Thing) -> None:
    """Try a payment, with what it means for the subscription. Raises 402, and keeps the attempt."""
    subscription = service.get("subscription", invoices.subscription_of(invoice))
    moment = periods.now_of(subscription, service.now())
    paid = payments.collect(service, invoice, moment)
    if subscription["latest_invoice"] == invoice["id"]:
        invoices.settle(service, subscription, paid)
    if not paid:
        raise card_declined(keep=True)


def listed_payments(service: Service, parameters: Parameters) -> Thing:
    """Payments of invoices: of an invoice, or the one of a payment intent."""
    parameters.only(*PAGE, "invoice", "payment", "status")
    payment = parameters.inside("payment")
    payment.only("payment_intent", "type")
    given = {
        "invoice": parameters.text("invoice"),
        "status": parameters.text("status"),
        "payment.payment_intent": payment.text("payment_intent"),
    }
    equal = {name: value for name, value in given.items() if value}
    return page(service, parameters, _PAYMENTS, "invoice_payment", equal)


ROUTES = [
    Route("GET", _URL, listed),
    Route("GET", f"{_URL}/<invoice>", retrieve),
    Route("POST", f"{_URL}/<invoice>/pay", pay),
    Route("POST", f"{_URL}/<invoice>/void", void),
    Route("GET", _PAYMENTS, listed_payments),
]
