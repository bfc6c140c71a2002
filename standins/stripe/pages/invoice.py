"""An invoice to look at, to pay while it is open, and as a PDF."""

from __future__ import annotations

from html import escape

from flask import Blueprint, Response, request

from standins.stripe.billing import money
from standins.stripe.errors import StripeError, invalid
from standins.stripe.objects import invoices
from standins.stripe.pages.layout import away, form, link, page
from standins.stripe.pages.pdf import pdf
from standins.stripe.pages.portal import day
from standins.stripe.service import StripeService
from standins.stripe.state import Thing


def routes(service: StripeService) -> Blueprint:
    """The page, its button, the file."""
    room = Blueprint("invoice", __name__, url_prefix="/invoice")

    @room.get("/<invoice>")
    def show(invoice: str) -> Response:
        with service.state.transaction():
            return _show(service.get("invoice", invoice))

    @room.post("/<invoice>")
    def pay(invoice: str) -> Response:
        with service.state.transaction():
            service.request = {"id": None, "idempotency_key": None}
            thing = service.get("invoice", invoice)
            if request.form.get("action") != "pay" or thing["status"] != "open":
                raise invalid("This can't be done here.")
            invoices.pay_or_raise(service, thing)
        return away(f"/invoice/{invoice}")

    @room.get("/<invoice>/pdf")
    def file(invoice: str) -> Response:
        with service.state.transaction():
            thing = service.get("invoice", invoice)
        response = Response(pdf(_lines(thing)), mimetype="application/pdf")
        name = f"Invoice-{thing['number']}.pdf"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @room.errorhandler(StripeError)
    def refused(error: StripeError) -> Response:
        message = escape(error.body["error"]["message"])
        return page("That did not work", f"<p>{message}</p>", error.status)

    return room


def _lines(invoice: Thing) -> list[str]:
    currency = invoice["currency"]
    return [
        f"Invoice {invoice['number']}",
        f"{day(invoice['created'])}, {invoice['status']}",
        f"Bill to {invoice['customer_name'] or invoice['customer_email'] or invoice['customer']}",
        "",
        *(
            f"{line['description']}: {money.amount(line['amount'], currency)}"
            for line in invoice["lines"]["data"]
        ),
        "",
        f"Total {money.amount(invoice['total'], currency)}",
        f"Paid {money.amount(invoice['amount_paid'], currency)}",
    ]


def _show(invoice: Thing) -> Response:
    title, *lines = _lines(invoice)
    text = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    button = ""
    if invoice["status"] == "open":
        button = form(f"/invoice/{invoice['id']}", "Pay", {"action": "pay"}, main=True)
    return page(title, f"{text}<p>{link(invoice['invoice_pdf'], 'Download as PDF')}</p>{button}")
