"""The customer portal: the plan, a switch, the end, open and old invoices."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from flask import Blueprint, Response, request

from standins.stripe.billing import money, periods
from standins.stripe.billing import subscriptions as billing
from standins.stripe.errors import StripeError, invalid
from standins.stripe.objects import customers, invoices
from standins.stripe.pages import switches
from standins.stripe.pages.layout import away, form, link, page
from standins.stripe.service import StripeService
from standins.stripe.state import Thing


def routes(service: StripeService) -> Blueprint:
    """The page and its buttons."""
    room = Blueprint("portal", __name__, url_prefix="/portal")

    @room.get("/<session>")
    def show(session: str) -> Response:
        with service.state.transaction():
            return _show(service, service.get("billing_portal.session", session))

    @room.post("/<session>")
    def act(session: str) -> Response:
        with service.state.transaction():
            service.request = {"id": None, "idempotency_key": None}
            thing = service.get("billing_portal.session", session)
            _act(service, thing, request.form.get("action", ""))
        return away(f"/portal/{session}")

    @room.errorhandler(StripeError)
    def refused(error: StripeError) -> Response:
        message = f'<p class="bad" role="alert">{escape(error.body["error"]["message"])}</p>'
        return page("That did not work", f'{message}<p><a href="">Back</a></p>', error.status)

    return room


def _act(service: StripeService, session: Thing, action: str) -> None:
    """Do what a button says. Raises 400 for what the configuration does not allow."""
    if action == "pay":
        invoice = service.get("invoice", request.form.get("invoice", ""), "invoice")
        if invoice["customer"] != session["customer"] or invoice["status"] != "open":
            raise invalid("This invoice can't be paid here.")
        invoices.pay_or_raise(service, invoice)
        return
    subscription = _current(service, session["customer"])
    if subscription is None:
        raise invalid("There is no subscription to change.")
    configuration = service.get("billing_portal.configuration", session["configuration"])
    features = configuration["features"]
    if action == "switch" and features["subscription_update"]["enabled"]:
        price_id = request.form.get("price", "")
        price = next((each for each in _offers(service, session) if each["id"] == price_id), None)
        if price is None:
            raise invalid("This plan is not offered.")
        switches.switch(service, subscription, price, features["subscription_update"])
    elif action == "cancel" and features["subscription_cancel"]["enabled"]:
        switches.cancel(service, subscription, features["subscription_cancel"]["mode"])
    elif action in ("resume", "keep"):
        switches.keep(service, subscription)
    else:
        raise invalid("This can't be done here.")


def _current(service: StripeService, customer: str) -> Thing | None:
    """The customer's newest subscription that has not ended."""
    subscriptions = service.state.find("subscription", {"customer": customer})
    return next((each for each in subscriptions if each["status"] not in billing.ENDED), None)


def _offers(service: StripeService, session: Thing) -> list[Thing]:
    """The prices one can switch to: those of the configuration, or all that are active."""
    configuration = service.get("billing_portal.configuration", session["configuration"])
    products = configuration["features"]["subscription_update"]["products"]
    ids = [price for product in products for price in product["prices"]]
    active = service.state.find("price", {"active": True, "type": "recurring"}, oldest_first=True)
    return [price for price in active if price["id"] in ids or not ids]


def _show(service: StripeService, session: Thing) -> Response:
    customer = customers.existing(service, session["customer"], "customer")
    configuration = service.get("billing_portal.configuration", session["configuration"])
    subscription = _current(service, session["customer"])
    path = f"/portal/{session['id']}"
    parts = [f"<p>{escape(customer['email'] or '')}</p>", "<h2>Current plan</h2>"]
    if subscription:
        parts += _plan(service, session, subscription, configuration["features"], path)
    else:
        parts.append("<p>There is no subscription.</p>")
    if configuration["features"]["invoice_history"]["enabled"]:
        parts.append(_invoices(service, session["customer"], path))
    if session["return_url"]:
        parts.append(f"<p>{link(session['return_url'], 'Return')}</p>")
    title = configuration["business_profile"]["headline"] or "Manage your subscription"
    return page(title, "\n".join(parts))


def _plan(
    service: StripeService, session: Thing, subscription: Thing, features: Thing, path: str
) -> list[str]:
    price = subscription["items"]["data"][0]["price"]
    end = periods.end_of(subscription)
    parts = [f"<p><strong>{_label(service, price)}</strong></p>"]
    if subscription["status"] == "past_due":
        parts.append('<p class="bad">The last payment failed.</p>')
    coming = switches.coming(service, subscription)
    if subscription["cancel_at"]:
        parts.append(f"<p>It ends on {day(subscription['cancel_at'])}.</p>")
        return [*parts, form(path, "Don't cancel", {"action": "resume"}, main=True)]
    if coming:
        parts.append(f"<p>It changes to {_label(service, coming)} on {day(end)}.</p>")
        parts.append(form(path, "Keep the current plan", {"action": "keep"}))
    else:
        parts.append(f"<p>It renews on {day(end)}.</p>")
    if features["subscription_cancel"]["enabled"]:
        parts.append(form(path, "Cancel the plan", {"action": "cancel"}))
    if features["subscription_update"]["enabled"]:
        others = [each for each in _offers(service, session) if each["id"] != price["id"]]
        parts.append("<h2>Other plans</h2>" if others else "")
        for each in others:
            button = form(path, "Switch", {"action": "switch", "price": each["id"]})
            parts.append(f"<p>{_label(service, each)}<br>{button}</p>")
    return parts


def _label(service: StripeService, price: Thing) -> str:
    name = service.get("product", price["product"])["name"]
    return f"{escape(name)}, {escape(money.rate(price))}"


def _invoices(service: StripeService, customer: str, path: str) -> str:
    rows = []
    for invoice in service.state.find("invoice", {"customer": customer}, limit=24):
        button = ""
        if invoice["status"] == "open":
            button = form(path, "Pay", {"action": "pay", "invoice": invoice["id"]})
        total = money.amount(invoice["total"], invoice["currency"])
        number = link(invoice["hosted_invoice_url"], invoice["number"])
        cells = (day(invoice["created"]), number, escape(total), invoice["status"] + button)
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    if not rows:
        return ""
    return f"<h2>Invoices</h2><table><tr>{'</tr><tr>'.join(rows)}</tr></table>"


def day(at: int) -> str:
    """A day, for people."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %B %Y}"
