"""Checkout's page: pay, have the card declined, or go back."""

from __future__ import annotations

from html import escape

from flask import Blueprint, Response, request

from standins.stripe.billing import money, payments
from standins.stripe.errors import StripeError
from standins.stripe.objects import checkout
from standins.stripe.pages.layout import away, form, link, page
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_DECLINED = '<p class="bad" role="alert">Your card was declined. Nothing was charged.</p>'


def routes(service: StripeService) -> Blueprint:
    """The page and its buttons."""
    room = Blueprint("pay", __name__, url_prefix="/pay")

    @room.get("/<session>")
    def show(session: str) -> Response:
        with service.state.transaction():
            return _show(service, service.get("checkout.session", session))

    @room.post("/<session>")
    def act(session: str) -> Response:
        with service.state.transaction():
            service.request = {"id": None, "idempotency_key": None}
            thing = service.get("checkout.session", session)
            if thing["status"] != "open":
                return _show(service, thing)
            action = request.form.get("action")
            customer = thing["customer"]
            fails = action == "pay" and customer and payments.fails(service, customer)
            if action == "decline" or fails:
                return _show(service, thing, _DECLINED, 402)
            if action == "pay":
                email = request.form.get("email", "").strip()
                return away(_return(checkout.complete(service, thing, email or None)))
            if action == "abandon" and thing["cancel_url"]:
                return away(thing["cancel_url"])
            return _show(service, thing, status=400)

    @room.errorhandler(StripeError)
    def refused(error: StripeError) -> Response:
        message = error.body["error"]["message"]
        return page("This can't be paid", f"<p>{escape(message)}</p>", error.status)

    return room


def _return(session: Thing) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _show(service: StripeService, session: Thing, note: str = "", status: int = 200) -> Response:
    if session["status"] == "complete":
        if status == 200 and request.method == "POST":
            return away(_return(session))
        return page("This is paid", f"<p>{link(_return(session), 'Go on')}</p>")
    if session["status"] == "expired":
        back = link(session["cancel_url"], "Back")
        return page("This payment page has expired", f"<p>{back}</p>", 410)
    line = session["_line"]
    price = service.get("price", line["price"])
    product = service.get("product", price["product"])
    total = money.amount(session["amount_total"], session["currency"])
    interval = price["recurring"]["interval"]
    needs_email = not (session["customer"] or session["customer_email"])
    email = '<label>Email <input type="email" name="email" required></label>' if needs_email else ""
    path = f"/pay/{session['id']}"
    content = f"""{note}<p>{escape(product["description"] or "")}</p>
<p><strong>{escape(total)}</strong> a {escape(interval)}, until canceled.</p>
{form(path, f"Pay {total}", {"action": "pay"}, email, main=True)}
{form(path, "Decline", {"action": "decline"})}
{form(path, "Abandon", {"action": "abandon"}) if session["cancel_url"] else ""}"""
    return page(f"Subscribe to {product['name']}", content, status)
