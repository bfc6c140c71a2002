"""A change of what a subscription has: prices, quantities, and what is owed for the rest."""

from __future__ import annotations

import copy

from standins.stripe.billing import invoices, payments, periods, subscriptions
from standins.stripe.errors import card_declined
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing

PRORATIONS = ("always_invoice", "create_prorations", "none")
PAYMENTS = ("allow_incomplete", "error_if_incomplete")


def change(
    service: StripeService,
    subscription: Thing,
    target: dict[str, tuple[Thing, int]],
    proration: str = "create_prorations",
    payment: str = "allow_incomplete",
) -> None:
    """Give items, by id, another price and quantity, at once.

    The rest of the period is credited and charged again: on an invoice of its own
    ("always_invoice"), on the next one ("create_prorations"), or not at all ("none"). Another
    interval begins a new period, with an invoice at once. Raises 402 where the payment would fail
    and `payment` is "error_if_incomplete"; nothing is changed then.
    """
    if payment == "error_if_incomplete" and payments.failing(service, subscription["customer"]):
        raise card_declined(keep=False)
    before = copy.deepcopy(subscription)
    moment = periods.now_of(subscription, service.now())
    lines, restarted = _apply(service, subscription, target, moment, proration != "none")
    difference = changed(before, subscription)
    if not difference:
        return
    service.state.put(subscription)
    service.emit("customer.subscription.updated", subscription, difference)
    if restarted or proration == "always_invoice":
        bill(service, subscription, lines, "subscription_update", moment)
    else:
        for line in lines:
            _keep(service, subscription, line)


def _apply(
    service: StripeService,
    subscription: Thing,
    target: dict[str, tuple[Thing, int]],
    moment: int,
    prorate: bool,
) -> tuple[list[Thing], bool]:
    """Change the items; the lines for it, and whether a new period has begun."""
    lines: list[Thing] = []
    restarted = False
    for item in subscription["items"]["data"]:
        price, quantity = target.get(item["id"], (item["price"], item["quantity"]))
        if (price["id"], quantity) == (item["price"]["id"], item["quantity"]):
            continue
        other_interval = _interval(price) != _interval(item["price"])
        if prorate:
            lines.append(_rest(service, item, moment, credit=True))
        item |= subscriptions.priced(price, quantity)
        if other_interval:
            restarted = True
            item |= {
                "current_period_start": moment,
                "current_period_end": periods.later(moment, price["recurring"], moment),
            }
        elif prorate:
            lines.append(_rest(service, item, moment, credit=False))
    if restarted:
        subscription["billing_cycle_anchor"] = moment
        lines += subscriptions.cycle_lines(service, subscription)
    return [line for line in lines if line["amount"]], restarted


def _interval(price: Thing) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _rest(service: StripeService, item: Thing, moment: int, *, credit: bool) -> Thing:
    """The line for the rest of an item's period."""
    start, end = item["current_period_start"], item["current_period_end"]
    left = max(0, end - moment) / (end - start)
    amount = round(item["price"]["unit_amount"] * item["quantity"] * left)
    name = service.get("product", item["price"]["product"])["name"]
    text = f"{'Unused' if credit else 'Remaining'} time on {name}"
    period = moment, max(moment, end)
    return invoices.line(text, -amount if credit else amount, item, period, proration=True)


def _keep(service: StripeService, subscription: Thing, line: Thing) -> None:
    """Keep a line for the next invoice."""
    service.state.put(
        service.new(
            "invoiceitem",
            "ii",
            amount=line["amount"],
            currency=line["currency"],
            customer=subscription["customer"],
            _line=line,
            _subscription=subscription["id"],
        )
    )


def bill(
    service: StripeService,
    subscription: Thing,
    lines: list[Thing],
    reason: str,
    moment: int,
    *,
    since: int | None = None,
    pay: bool | None = None,
) -> Thing:
    """Make an invoice of these lines and of those kept for it, and try to be paid."""
    pending = service.state.find(
        "invoiceitem", {"_subscription": subscription["id"]}, oldest_first=True
    )
    for each in pending:
        service.state.run("delete from things where id = ?", each["id"])
    all_lines = [*(each["_line"] for each in pending), *lines]
    invoice = invoices.make(service, subscription, all_lines, reason, moment, since)
    subscription["latest_invoice"] = invoice["id"]
    service.state.put(subscription)
    paid = payments.collect(service, invoice, moment, pay)
    invoices.settle(service, subscription, paid)
    return invoice
