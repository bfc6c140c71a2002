"""A subscription's life: bought, changed, renewed, unpaid, canceled; its invoices and events."""

from __future__ import annotations

import copy
import time
from typing import Any

from local.stripe.errors import declined, invalid
from local.stripe.state import Object, State

MONTH = 30 * 24 * 3600


def subscribe(state: State, customer_id: str, price: Object, metadata: dict[str, Any]) -> Object:
    """A paid subscription."""
    now = int(time.time())
    made = state.make(
        "subscription",
        customer=customer_id,
        status="active",
        metadata=metadata,
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        ended_at=None,
        schedule=None,
        start_date=now,
        currency=price["currency"],
        collection_method="charge_automatically",
        latest_invoice=None,
        items={"object": "list", "data": [], "has_more": False, "url": "/v1/subscription_items"},
    )
    item = {
        "id": made["id"].replace("sub_", "si_"),
        "object": "subscription_item",
        "created": now,
        "metadata": {},
        "price": copy.deepcopy(price),
        "quantity": 1,
        "subscription": made["id"],
        "current_period_start": now,
        "current_period_end": now + MONTH,
    }
    made["items"]["data"].append(item)
    state.emit("customer.subscription.created", made)
    _bill(state, made, price["unit_amount"], "subscription_create", pays=True)
    return made


def update(state: State, found: Object, wanted: dict[str, Any]) -> None:
    """Change a subscription as POST /v1/subscriptions/{id} does. Raises StripeError."""
    if found["status"] == "canceled":
        raise invalid("A canceled subscription can only update its cancellation_details.")
    if "cancel_at_period_end" in wanted:
        if found["schedule"]:
            raise invalid("The subscription is managed by the subscription schedule.")
        found["cancel_at_period_end"] = wanted["cancel_at_period_end"] == "true"
    if isinstance(wanted.get("metadata"), dict):
        found["metadata"] |= wanted["metadata"]
    for change in wanted.get("items") or ():
        item = found["items"]["data"][0]
        if change.get("id") not in (None, item["id"]):
            raise invalid("No such subscription item", "items[0][id]")
        price = state.get("price", change["price"])
        more = price["unit_amount"] - item["price"]["unit_amount"]
        if wanted.get("proration_behavior") == "always_invoice" and more > 0:
            if _declines(state, found):
                raise declined()
            left = item["current_period_end"] - time.time()
            item["price"] = copy.deepcopy(price)
            _bill(state, found, round(more * left / MONTH), "subscription_update", pays=True)
        item["price"] = copy.deepcopy(price)
    state.emit("customer.subscription.updated", found)


def cancel(state: State, found: Object) -> None:
    """End a subscription now."""
    if found["status"] == "canceled":
        raise invalid("This subscription is canceled already.")
    now = int(time.time())
    found |= {"status": "canceled", "canceled_at": now, "ended_at": now}
    _release(state, found)
    state.emit("customer.subscription.deleted", found)


def schedule(state: State, found: Object) -> Object:
    """A schedule that takes a subscription over as it is."""
    if found["schedule"]:
        raise invalid("You cannot migrate a subscription that is already attached to a schedule.")
    item = found["items"]["data"][0]
    phase = {
        "start_date": item["current_period_start"],
        "end_date": item["current_period_end"],
        "items": [{"price": item["price"]["id"], "quantity": 1}],
        "metadata": {},
    }
    made = state.make(
        "subscription_schedule",
        customer=found["customer"],
        subscription=found["id"],
        status="active",
        end_behavior="release",
        phases=[phase],
        released_subscription=None,
    )
    found["schedule"] = made["id"]
    state.emit("subscription_schedule.created", made)
    return made


def plan_phases(state: State, made: Object, wanted: dict[str, Any]) -> None:
    """Set a schedule's phases; each begins where the one before it ends. Raises StripeError."""
    phases: list[Object] = []
    for given in wanted["phases"]:
        start = int(given["start_date"]) if "start_date" in given else phases[-1]["end_date"]
        price = state.get("price", given["items"][0]["price"])
        phases.append(
            {
                "start_date": start,
                "end_date": int(given.get("end_date") or start + MONTH),
                "items": [{"price": price["id"], "quantity": 1}],
                "metadata": given.get("metadata") or {},
            }
        )
    made["phases"] = phases
    made["end_behavior"] = wanted.get("end_behavior", made["end_behavior"])
    state.emit("subscription_schedule.updated", made)
    state.emit("customer.subscription.updated", state.get("subscription", made["subscription"]))


def release(state: State, made: Object) -> None:
    """Let the subscription of a schedule go its own way."""
    found = state.get("subscription", made["subscription"])
    _release(state, found)
    state.emit("customer.subscription.updated", found)


def renew(state: State, found: Object, *, pays: bool) -> None:
    """As if the period were over now: what was scheduled happens, the next one is billed."""
    if found["cancel_at_period_end"]:
        cancel(state, found)
        return
    item = found["items"]["data"][0]
    begins = item["current_period_end"]
    made = state.any(found["schedule"] or "")
    for phase in made["phases"] if made else ():
        if phase["start_date"] >= begins:
            item["price"] = copy.deepcopy(state.get("price", phase["items"][0]["price"]))
            _release(state, found)
            break
    item |= {"current_period_start": begins, "current_period_end": begins + MONTH}
    pays = pays and not _declines(state, found)
    found["status"] = "active" if pays else "past_due"
    _bill(state, found, item["price"]["unit_amount"], "subscription_cycle", pays=pays)
    state.emit("customer.subscription.updated", found)


def pay(state: State, invoice: Object) -> None:
    """Pay an open invoice; the subscription lives again. Raises StripeError."""
    if invoice["status"] != "open":
        raise invalid("Invoice is already paid" if invoice["status"] == "paid" else "Not open")
    found = state.get("subscription", invoice["parent"]["subscription_details"]["subscription"])
    if _declines(state, found):
        raise declined()
    invoice |= {"status": "paid", "amount_paid": invoice["total"], "amount_remaining": 0}
    state.emit("invoice.paid", invoice)
    if found["status"] in ("past_due", "unpaid"):
        found["status"] = "active"
        state.emit("customer.subscription.updated", found)


def _bill(state: State, found: Object, amount: int, reason: str, *, pays: bool) -> Object:
    item = found["items"]["data"][0]
    made = state.make(
        "invoice",
        customer=found["customer"],
        number=f"FFM-{len(state.all('invoice')) + 1:04}",
        status="open",
        currency=found["currency"],
        total=amount,
        amount_due=amount,
        amount_paid=0,
        amount_remaining=amount,
        period_start=item["current_period_start"],
        period_end=item["current_period_end"],
        billing_reason=reason,
        attempt_count=1,
        hosted_invoice_url=None,
        invoice_pdf=None,
        parent={
            "type": "subscription_details",
            "subscription_details": {"subscription": found["id"], "metadata": {}},
        },
    )
    found["latest_invoice"] = made["id"]
    state.emit("invoice.finalized", made)
    if pays:
        made |= {"status": "paid", "amount_paid": amount, "amount_remaining": 0}
    state.emit("invoice.paid" if pays else "invoice.payment_failed", made)
    return made


def _declines(state: State, found: Object) -> bool:
    return bool(state.get("customer", found["customer"]).get("_declines"))


def _release(state: State, found: Object) -> None:
    made = state.any(found["schedule"] or "")
    if made:
        made |= {"status": "released", "released_subscription": found["id"]}
        found["schedule"] = None
        state.emit("subscription_schedule.released", made)
