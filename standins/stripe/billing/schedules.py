"""Subscription schedules: phases, one after the other."""

from __future__ import annotations

from standins.stripe.service import StripeService
from standins.stripe.state import Thing


def phase_at(schedule: Thing, moment: int) -> Thing | None:
    """The phase of a moment; None after the last."""
    for phase in schedule["phases"]:
        if phase["start_date"] <= moment < phase["end_date"]:
            return dict(phase)
    return None


def show_phase(schedule: Thing, phase: Thing) -> None:
    """Make it the current phase."""
    schedule["current_phase"] = {name: phase[name] for name in ("start_date", "end_date")}


def release(service: StripeService, schedule: Thing, subscription: Thing, moment: int) -> Thing:
    """Let the subscription go on without its schedule."""
    schedule |= {
        "status": "released",
        "released_at": moment,
        "released_subscription": subscription["id"],
        "subscription": None,
        "current_phase": None,
    }
    service.emit("subscription_schedule.released", service.state.put(schedule))
    subscription["schedule"] = None
    service.state.put(subscription)
    return schedule
