"""Subscriptions: reading, changing, canceling. Checkout makes them."""

from __future__ import annotations

import copy

from standins.stripe.answers import PAGE, Condition, page
from standins.stripe.billing import changes, periods, subscriptions
from standins.stripe.errors import invalid
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing

_URL = "/v1/subscriptions"
_STATUSES = (
    *("active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired"),
    *("trialing", "paused", "all", "ended"),
)


def retrieve(service: StripeService, parameters: Parameters, subscription: str) -> Thing:
    """A subscription."""
    parameters.only()
    return service.get("subscription", subscription)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Subscriptions: of a customer, with a price, with a status; canceled ones where asked for."""
    parameters.only(*PAGE, "customer", "price", "status")
    customer, price = parameters.text("customer"), parameters.text("price")
    status = parameters.choice("status", _STATUSES)
    field, ended = "json_extract(body, '$.status')", "('canceled', 'incomplete_expired')"
    conditions: list[Condition] = []
    if status in (None, "ended"):
        conditions.append((f"{field} {'in' if status else 'not in'} {ended}", ()))
    elif status != "all":
        conditions.append((f"{field} = ?", (status,)))
    if price:
        conditions.append(("json_extract(body, '$.items.data[0].price.id') = ?", (price,)))
    equal = {"customer": customer} if customer else {}
    return page(service, parameters, _URL, "subscription", equal, *conditions)


def update(service: StripeService, parameters: Parameters, subscription: str) -> Thing:
    """Change the items (prorated), the end, the metadata."""
    parameters.only(
        "cancel_at",
        "cancel_at_period_end",
        "cancellation_details",
        "description",
        "items",
        "metadata",
        "payment_behavior",
        "proration_behavior",
    )
    thing = service.get("subscription", subscription)
    if thing["status"] in subscriptions.ENDED:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        if set(parameters.plain()) - {"metadata", "cancellation_details"}:
            raise invalid(message)
    target = _targets(service, parameters, thing)
    proration = parameters.choice("proration_behavior", changes.PRORATIONS)
    payment = parameters.choice("payment_behavior", changes.PAYMENTS)
    before = copy.deepcopy(thing)
    _end(service, parameters, thing)
    if "metadata" in parameters:
        thing["metadata"] = parameters.metadata(thing["metadata"])
    if "description" in parameters:
        thing["description"] = parameters.text("description")
    _details(parameters, thing)
    service.state.put(thing)
    if difference := changed(before, thing):
        service.emit("customer.subscription.updated", thing, difference)
    if target:
        changes.change(
            service,
            thing,
            target,
            proration or "create_prorations",
            payment or "allow_incomplete",
        )
    return thing


def _targets(
    service: StripeService, parameters: Parameters, subscription: Thing
) -> dict[str, tuple[Thing, int]]:
    """The wanted values, by item."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    target = {}
    for each in parameters.each("items"):
        each.only("id", "price", "quantity")
        item = items.get(each.required("id"))
        if item is None:
            message = f"No such subscription item: '{each.text('id')}'"
            raise invalid(message, each.path_of("id"), "resource_missing")
        price_id, quantity = each.text("price"), each.integer("quantity")
        price = service.get("price", price_id, each.path_of("price")) if price_id else item["price"]
        if price["recurring"] is None or not price["active"]:
            raise invalid("The price is inactive or not recurring.", each.path_of("price"))
        if quantity is not None and quantity < 1:
            raise invalid("Invalid positive integer", each.path_of("quantity"))
        target[item["id"]] = (price, quantity or item["quantity"])
    return target


def _end(service: StripeService, parameters: Parameters, subscription: Thing) -> None:
    """Set or unset the end that was asked for."""
    if not {"cancel_at", "cancel_at_period_end"} & set(parameters.plain()):
        return
    if "cancel_at" in parameters and "cancel_at_period_end" in parameters:
        raise invalid("You may only specify one of these: cancel_at, cancel_at_period_end.")
    if subscription["schedule"]:
        raise invalid(
            f"The subscription is managed by the subscription schedule"
            f" `{subscription['schedule']}`, and updating any cancelation behavior directly is not"
            " allowed. Please update the schedule instead."
        )
    at_end = bool(parameters.boolean("cancel_at_period_end"))
    text = parameters.text("cancel_at")
    if at_end or text in ("min_period_end", "max_period_end"):
        at: int | None = periods.end_of(subscription)
    elif "cancel_at" not in parameters and not subscription["cancel_at_period_end"]:
        return  # an end that `cancel_at` has set is unset by `cancel_at`
    else:
        at = parameters.integer("cancel_at")
    set_end(service, subscription, at, at_period_end=at_end)


def set_end(
    service: StripeService, subscription: Thing, at: int | None, *, at_period_end: bool = False
) -> None:
    """Let the subscription end at a moment; None lets it go on."""
    subscription |= {
        "cancel_at": at,
        "cancel_at_period_end": at_period_end,
        "canceled_at": periods.now_of(subscription, service.now()) if at else None,
    }
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if at else None


def _details(parameters: Parameters, subscription: Thing) -> None:
    details = parameters.inside("cancellation_details")
    details.only("comment", "feedback")
    for name in ("comment", "feedback"):
        if name in details:
            subscription["cancellation_details"][name] = details.text(name)


def cancel(service: StripeService, parameters: Parameters, subscription: str) -> Thing:
    """End a subscription at once."""
    parameters.only("cancellation_details", "invoice_now", "prorate")
    thing = service.get("subscription", subscription)
    if thing["status"] in subscriptions.ENDED:
        message = f"No such subscription: '{subscription}'"
        raise invalid(message, "id", "resource_missing")
    for name in ("invoice_now", "prorate"):
        if parameters.boolean(name):
            raise invalid("The stand-in ends subscriptions without an invoice.", name)
    _details(parameters, thing)
    return subscriptions.cancel(service, thing)


ROUTES = [
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<subscription>", retrieve),
    Route("POST", f"{_URL}/<subscription>", update),
    Route("DELETE", f"{_URL}/<subscription>", cancel),
]
