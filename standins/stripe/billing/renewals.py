"""The end of a billing period: a phase that begins, an end that was asked for, or a renewal."""

from __future__ import annotations

import copy

from standins.stripe.billing import changes, periods, schedules, subscriptions
from standins.stripe.errors import invalid
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing


def renew(service: StripeService, subscription: Thing, pay: bool | None = None) -> Thing:
    """Take a subscription to the end of its period; `pay` is whether the renewal is paid.

    An unpaid renewal leaves it "past_due". Raises 400 for one that has ended.
    """
    if subscription["status"] in subscriptions.ENDED:
        raise invalid("This subscription has ended.", "subscription")
    end = periods.end_of(subscription)
    if subscription["cancel_at"] and subscription["cancel_at"] <= end:
        return subscriptions.cancel(service, subscription, at=subscription["cancel_at"])
    before = copy.deepcopy(subscription)
    if _schedule(service, subscription, end):
        return subscriptions.cancel(service, subscription, at=end)
    start = _next_period(subscription, end)
    service.state.put(subscription)
    difference = changed(before, subscription)
    service.emit("customer.subscription.updated", subscription, difference)
    lines = subscriptions.cycle_lines(service, subscription)
    changes.bill(service, subscription, lines, "subscription_cycle", end, since=start, pay=pay)
    return subscription


def _next_period(subscription: Thing, end: int) -> int:
    """Begin the next period; when the last one began."""
    start: int = end
    for item in subscription["items"]["data"]:
        recurring, anchor = item["price"]["recurring"], subscription["billing_cycle_anchor"]
        start = min(start, item["current_period_start"])
        item |= {
            "current_period_start": end,
            "current_period_end": periods.later(end, recurring, anchor),
        }
    return start


def _schedule(service: StripeService, subscription: Thing, moment: int) -> bool:
    """Enter the phase that begins by now; whether the schedule ends the subscription."""
    schedule = subscription["schedule"] and service.state.get(subscription["schedule"])
    if not schedule or schedule["current_phase"]["end_date"] > moment:
        return False
    phase = schedules.phase_at(schedule, moment)
    if phase is None:
        if schedule["end_behavior"] == "cancel":
            return True
        schedules.release(service, schedule, subscription, moment)
        return False
    schedules.show_phase(schedule, phase)
    service.emit("subscription_schedule.updated", service.state.put(schedule))
    for item, target in zip(subscription["items"]["data"], phase["items"], strict=False):
        price = service.get("price", target["price"])
        item |= subscriptions.priced(price, target["quantity"])
    subscription["metadata"] = subscription["metadata"] | phase["metadata"]
    return False
