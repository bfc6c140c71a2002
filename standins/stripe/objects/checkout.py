"""Checkout Sessions for subscriptions."""

from __future__ import annotations

from typing import Any

from standins.stripe.answers import PAGE, page, whole
from standins.stripe.billing import subscriptions
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects import customers
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_URL = "/v1/checkout/sessions"
_DAY = 86400
_SHOWN_ONLY = (
    "allow_promotion_codes",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "custom_text",
    "customer_update",
    "locale",
    "name_collection",
    "payment_method_collection",
    "saved_payment_method_options",
    "submit_type",
    "tax_id_collection",
)
"""Accepted, without effect here."""


def create(service: StripeService, parameters: Parameters) -> Thing:
    """An open session."""
    parameters.only(
        *_SHOWN_ONLY,
        "cancel_url",
        "client_reference_id",
        "customer",
        "customer_email",
        "expires_at",
        "line_items",
        "metadata",
        "mode",
        "subscription_data",
        "success_url",
        "ui_mode",
    )
    parameters.required("mode")
    parameters.choice("mode", ("subscription",))
    parameters.choice("ui_mode", ("hosted_page",))
    customer = parameters.text("customer")
    if customer:
        customers.existing(service, customer, "customer")
        if parameters.text("customer_email"):
            raise invalid("You may only specify one of these: customer, customer_email.")
    line = _line(service, parameters)
    now = service.now()
    expires = parameters.integer("expires_at") or now + _DAY
    if not now + 1800 <= expires <= now + _DAY:
        message = "`expires_at` must be 30 minutes to 24 hours after the session's creation."
        raise invalid(message, "expires_at")
    data = parameters.inside("subscription_data")
    data.only("metadata", "description")
    session = service.new("checkout.session", "cs_test", 58, **_fields(service, line))
    session |= {
        "cancel_url": parameters.text("cancel_url"),
        "client_reference_id": parameters.text("client_reference_id"),
        "customer": customer,
        "customer_email": parameters.text("customer_email"),
        "expires_at": expires,
        "metadata": parameters.metadata(),
        "success_url": parameters.required("success_url"),
        "url": f"{service.url}/pay/{session['id']}",
        "_subscription_metadata": data.metadata(),
    }
    return service.state.put(session)


def _line(service: StripeService, parameters: Parameters) -> Thing:
    """The one line, a recurring price and how many."""
    lines = parameters.each("line_items")
    if not lines:
        raise missing_parameter("line_items")
    if len(lines) > 1:
        raise invalid("The stand-in takes one line item.", "line_items")
    lines[0].only("price", "quantity")
    price = service.get("price", lines[0].required("price"), lines[0].path_of("price"))
    if not price["active"]:
        message = f"The price specified is inactive: {price['id']}"
        raise invalid(message, lines[0].path_of("price"))
    if price["recurring"] is None:
        message = "You must provide at least one recurring price in `subscription` mode."
        raise invalid(message, "line_items")
    quantity = lines[0].integer("quantity")
    if quantity is None:
        raise missing_parameter(lines[0].path_of("quantity"))
    if quantity < 1:
        raise invalid("Invalid positive integer", lines[0].path_of("quantity"))
    return {"price": price["id"], "quantity": quantity}


def _fields(service: StripeService, line: Thing) -> dict[str, Any]:
    price = service.get("price", line["price"])
    total = price["unit_amount"] * line["quantity"]
    nothing = (
        "after_expiration allow_promotion_codes billing_address_collection client_secret consent"
        " consent_collection currency_conversion customer_account customer_creation"
        " customer_details invoice invoice_creation locale payment_intent payment_link"
        " recovered_from setup_intent shipping_address_collection shipping_cost submit_type"
        " subscription"
    )
    return dict.fromkeys(nothing.split()) | {
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "currency": price["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "mode": "subscription",
        "payment_method_collection": "always",
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "_line": line,
    }


def retrieve(service: StripeService, parameters: Parameters, session: str) -> Thing:
    """A session."""
    parameters.only()
    return service.get("checkout.session", session)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Sessions: of a customer, of a subscription, with a status."""
    parameters.only(*PAGE, "customer", "status", "subscription")
    filters = {name: parameters.text(name) for name in ("customer", "status", "subscription")}
    equal = {name: value for name, value in filters.items() if value}
    return page(service, parameters, _URL, "checkout.session", equal)


def expire(service: StripeService, parameters: Parameters, session: str) -> Thing:
    """End an open session."""
    parameters.only()
    thing = service.get("checkout.session", session)
    if thing["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {thing['status']}."
        )
    return end(service, thing)


def end(service: StripeService, session: Thing) -> Thing:
    """An open session becomes an expired one."""
    session |= {"status": "expired", "url": None}
    service.emit("checkout.session.expired", service.state.put(session))
    return session


def complete(service: StripeService, session: Thing, email: str | None = None) -> Thing:
    """The session is paid: the subscription, its invoice, and a customer if there was none.

    `email` is what the person wrote. Raises 400 where the customer is gone by now.
    """
    if session["customer"]:
        customer = customers.existing(service, session["customer"], "customer")
    else:
        texts = {"email": session["customer_email"] or email}
        customer = customers.make(service, texts, {})
    line = session["_line"]
    price = service.get("price", line["price"])
    subscription, invoice = subscriptions.begin(
        service, customer, price, line["quantity"], session["_subscription_metadata"]
    )
    session |= {
        "customer": customer["id"],
        "customer_details": {
            "address": None,
            "email": customer["email"],
            "name": customer["name"],
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "invoice": invoice["id"],
        "payment_status": "paid" if invoice["amount_due"] else "no_payment_required",
        "status": "complete",
        "subscription": subscription["id"],
        "url": None,
    }
    service.emit("checkout.session.completed", service.state.put(session))
    return session


def line_items(service: StripeService, session: Thing) -> Thing:
    """The `line_items` of a session, where they are asked for."""
    thing = service.get("checkout.session", session["id"])
    line = thing["_line"]
    price = service.get("price", line["price"])
    product = service.get("product", price["product"])
    item = {
        "id": f"li_{session['id'][-24:]}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": session["amount_subtotal"],
        "amount_tax": 0,
        "amount_total": session["amount_total"],
        "currency": session["currency"],
        "description": product["name"],
        "price": price,
        "quantity": line["quantity"],
    }
    return whole([item], f"{_URL}/{session['id']}/line_items")


ROUTES = [
    Route("POST", _URL, create),
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<session>", retrieve),
    Route("POST", f"{_URL}/<session>/expire", expire),
]
