"""The pages a person clicks: checkout, portal, invoice. Plain forms; no card is ever asked for."""

from __future__ import annotations

from html import escape
from typing import Any

from local.stripe.state import Object, State

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto;
  padding: 0 1rem }}
form {{ display: inline-block; margin: 0 .5rem .5rem 0 }}
button {{ font: inherit; padding: .5rem 1.2rem; border-radius: 6px; border: 1px solid #8888;
  cursor: pointer }}
button.main {{ background: #1f5fd0; color: #fff; border-color: #1f5fd0 }}
.note {{ border-left: 3px solid #c0392b; padding-left: .8rem }}
td {{ padding: .2rem 1rem .2rem 0 }}
</style></head><body>
<p><small>Stand-in for Stripe on this machine. No money moves, no card is asked for.</small></p>
<h1>{title}</h1>
{content}
</body></html>
"""


def checkout(state: State, session: Object, note: str | None = None) -> str:
    """The checkout: what is bought, and the three ways out."""
    price = state.get("price", session["_price"])
    product = state.get("product", price["product"])
    content = (
        f"{_note(note)}<p>{escape(product['name'])}: <strong>{money(price)}</strong> a month.</p>"
    )
    if session["status"] == "open":
        content += "".join(
            _button(f"/pay/{session['id']}/{act}", label, main=act == "pay")
            for act, label in (("pay", "Pay"), ("decline", "Decline"), ("abandon", "Abandon"))
        )
    else:
        content += f"<p>This checkout is {escape(session['status'])}.</p>"
    return page("Checkout", content)


def portal(state: State, session: Object, note: str | None = None) -> str:
    """The portal: the subscription, its invoices, and what can be done with them."""
    customer_id, base = session["customer"], f"/portal/{session['id']}"
    content = _note(note)
    live = [each for each in state.all("subscription", customer=customer_id)
            if each["status"] != "canceled"]  # fmt: skip
    for found in live:
        price = found["items"]["data"][0]["price"]
        name = escape(state.get("product", price["product"])["name"])
        content += f"<p>{name}, {money(price)} a month: {escape(found['status'])}.</p>"
        if found["cancel_at_period_end"]:
            content += "<p>Ends with the period.</p>" + _button(f"{base}/resume", "Resume")
        else:
            content += _button(f"{base}/cancel", "Cancel at the period's end")
    if not live:
        content += "<p>There is no subscription.</p>"
    rows = ""
    for invoice in state.all("invoice", customer=customer_id):
        act = _button(f"{base}/pay/{invoice['id']}", "Pay") if invoice["status"] == "open" else ""
        rows += (
            f"<tr><td>{escape(invoice['number'])}</td><td>{money(invoice)}</td>"
            f"<td>{escape(invoice['status'])}</td><td>{act}</td></tr>"
        )
    content += f"<table>{rows}</table>" if rows else ""
    content += f'<p><a href="{escape(session["return_url"])}">Back</a></p>'
    return page("Billing", content)


def invoice(found: Object) -> str:
    """An invoice."""
    return page(
        f"Invoice {found['number']}",
        f"<p>{money(found)}, {escape(found['status'])}</p>",
    )


def page(title: str, content: str) -> str:
    """A whole page."""
    return PAGE.format(title=escape(title), content=content)


def money(about: dict[str, Any]) -> str:
    """An amount with its currency."""
    cents = about["total"] if "total" in about else about["unit_amount"]
    return f"{cents / 100:.2f} {escape(about['currency'].upper())}"


def _button(action: str, label: str, *, main: bool = False) -> str:
    kind = ' class="main"' if main else ""
    return (
        f'<form method="post" action="{escape(action)}"><button{kind}>{escape(label)}</button>'
        "</form>"
    )


def _note(note: str | None) -> str:
    return f'<p class="note" role="alert">{escape(note)}</p>' if note else ""
