"""What a person does in the portal: switch the plan, end it, keep it."""

from __future__ import annotations

import copy
from typing import Any

from standins.stripe.billing import changes, periods, schedules, subscriptions
from standins.stripe.objects import schedules as objects
from standins.stripe.objects.subscriptions import set_end
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def switch(
    service: StripeService, subscription: Thing, price: Thing, feature: dict[str, Any]
) -> None:
    """Change the plan, at once or at the period's end, as the portal's configuration says.

    Raises 402 where a payment at once fails; nothing is changed then.
    """
    _release(service, subscription)
    item = subscription["items"]["data"][0]
    conditions = {each["type"] for each in feature["schedule_at_period_end"]["conditions"]}
    old, new = item["price"], price
    less = _each_day(new) < _each_day(old) and "decreasing_item_amount" in conditions
    shorter = _days(new) < _days(old) and "shortening_interval" in conditions
    if old["id"] == new["id"]:
        return
    if not (less or shorter):
        target = {item["id"]: (price, item["quantity"])}
        changes.change(
            service, subscription, target, feature["proration_behavior"], "error_if_incomplete"
        )
        return
    schedule = objects.make(service, subscription, "release", {})
    first = schedule["phases"][0]
    end = first["end_date"]
    following = objects.phase(
        [objects.row(price, item["quantity"])],
        end,
        periods.later(end, price["recurring"], end),
        price["currency"],
        {},
        "none",
    )
    objects.set_phases(service, schedule, [first, following])


def _days(price: Thing) -> int:
    return int(_DAYS[price["recurring"]["interval"]] * price["recurring"]["interval_count"])


def _each_day(price: Thing) -> float:
    return float(price["unit_amount"] / _days(price))


def coming(service: StripeService, subscription: Thing) -> Thing | None:
    """The price that a schedule brings next."""
    schedule = subscription["schedule"] and service.state.get(subscription["schedule"])
    if not schedule:
        return None
    following = schedules.phase_at(schedule, schedule["current_phase"]["end_date"])
    return service.get("price", following["items"][0]["price"]) if following else None


def cancel(service: StripeService, subscription: Thing, mode: str) -> None:
    """End it now, or at the period's end: the portal sets `cancel_at` for that, nothing else.

    So it is for subscriptions in flexible billing mode; the API's `cancel_at_period_end` stays
    false. See "Cancellations in the Customer Portal", docs.stripe.com/billing/subscriptions/
    billing-mode/compare.
    """
    _release(service, subscription)
    if mode == "immediately":
        subscriptions.cancel(service, subscription)
    else:
        _set_end(service, subscription, periods.end_of(subscription))


def keep(service: StripeService, subscription: Thing) -> None:
    """Undo a scheduled end or switch."""
    _release(service, subscription)
    _set_end(service, subscription, None)


def _set_end(service: StripeService, subscription: Thing, at: int | None) -> None:
    before = copy.deepcopy(subscription)
    set_end(service, subscription, at)
    service.state.put(subscription)
    if difference := changed(before, subscription):
        service.emit("customer.subscription.updated", subscription, difference)


def _release(service: StripeService, subscription: Thing) -> None:
    """Let go of a schedule, whose switch is off then."""
    schedule = subscription["schedule"] and service.state.get(subscription["schedule"])
    if schedule:
        schedules.release(service, schedule, subscription, service.now())
        service.emit("customer.subscription.updated", subscription, {"schedule": schedule["id"]})
