"""Subscription schedules, made from a subscription that is there."""

from __future__ import annotations

from standins.stripe.answers import PAGE, page
from standins.stripe.billing import changes, periods, schedules, subscriptions
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_URL = "/v1/subscription_schedules"
_ENDS = ("release", "cancel")
_GOING = ("not_started", "active")


def create(service: StripeService, parameters: Parameters) -> Thing:
    """A schedule whose first phase is the subscription as it is, to its period's end."""
    parameters.only("end_behavior", "from_subscription", "metadata", "phases")
    subscription_id = parameters.required("from_subscription")
    if "phases" in parameters:
        raise invalid("You cannot set `phases` if `from_subscription` is set.", "phases")
    subscription = service.get("subscription", subscription_id, "from_subscription")
    if subscription["status"] in subscriptions.ENDED:
        raise invalid("The subscription has ended.", "from_subscription")
    if subscription["schedule"]:
        raise invalid(
            "You cannot migrate a subscription that is already attached to a schedule:"
            f" `{subscription['schedule']}`.",
            "from_subscription",
        )
    end_behavior = parameters.choice("end_behavior", _ENDS) or "release"
    return make(service, subscription, end_behavior, parameters.metadata())


def make(
    service: StripeService, subscription: Thing, end_behavior: str, metadata: dict[str, str]
) -> Thing:
    """A schedule of a subscription that has none."""
    items = subscription["items"]["data"]
    rows = [row(each["price"], each["quantity"]) for each in items]
    start, end = items[0]["current_period_start"], periods.end_of(subscription)
    first = phase(rows, start, end, subscription["currency"], {})
    schedule = service.new(
        "subscription_schedule",
        "sub_sched",
        application=None,
        billing_mode=subscription["billing_mode"],
        canceled_at=None,
        completed_at=None,
        customer=subscription["customer"],
        customer_account=None,
        default_settings={
            "billing_cycle_anchor": "automatic",
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": subscription["invoice_settings"],
        },
        end_behavior=end_behavior,
        metadata=metadata,
        pause_schedules=[],
        phases=[first],
        released_at=None,
        released_subscription=None,
        status="active",
        subscription=subscription["id"],
        test_clock=None,
    )
    schedules.show_phase(schedule, first)
    service.emit("subscription_schedule.created", service.state.put(schedule))
    subscription["schedule"] = schedule["id"]
    service.state.put(subscription)
    service.emit("customer.subscription.updated", subscription, {"schedule": None})
    return schedule


def row(price: Thing, quantity: int) -> Thing:
    """An item of a phase."""
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": price["id"],
        "price": price["id"],
        "quantity": quantity,
        "tax_rates": [],
    }


def phase(
    items: list[Thing],
    start: int,
    end: int,
    currency: str,
    metadata: dict[str, str],
    proration: str = "create_prorations",
) -> Thing:
    """A phase, from a moment to another."""
    nothing = (
        "application_fee_percent automatic_tax billing_cycle_anchor billing_thresholds"
        " collection_method default_payment_method description invoice_settings on_behalf_of"
        " transfer_data trial trial_end"
    )
    return dict.fromkeys(nothing.split()) | {
        "add_invoice_items": [],
        "currency": currency,
        "default_tax_rates": [],
        "discounts": [],
        "end_date": end,
        "items": items,
        "metadata": metadata,
        "proration_behavior": proration,
        "start_date": start,
    }


def retrieve(service: StripeService, parameters: Parameters, schedule: str) -> Thing:
    """A schedule."""
    parameters.only()
    return service.get("subscription_schedule", schedule)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Schedules, of a customer."""
    parameters.only(*PAGE, "customer")
    customer = parameters.text("customer")
    equal = {"customer": customer} if customer else {}
    return page(service, parameters, _URL, "subscription_schedule", equal)


def update(service: StripeService, parameters: Parameters, schedule: str) -> Thing:
    """Set the phases, the end, the metadata. The current phase keeps its start."""
    parameters.only("end_behavior", "metadata", "phases", "proration_behavior")
    thing = _going(service, schedule)
    proration = parameters.choice("proration_behavior", changes.PRORATIONS)
    if "end_behavior" in parameters:
        thing["end_behavior"] = parameters.choice("end_behavior", _ENDS)
    if "metadata" in parameters:
        thing["metadata"] = parameters.metadata(thing["metadata"])
    if "phases" in parameters:
        set_phases(service, thing, _phases(service, parameters, thing), proration)
    else:
        service.emit("subscription_schedule.updated", service.state.put(thing))
    return thing


def _phases(service: StripeService, parameters: Parameters, schedule: Thing) -> list[Thing]:
    phases: list[Thing] = []
    for each in parameters.each("phases"):
        each.only("duration", "end_date", "items", "metadata", "proration_behavior", "start_date")
        first = schedule["current_phase"]["start_date"]
        expected = phases[-1]["end_date"] if phases else first
        start = each.integer("start_date")
        if start is None and not phases:
            raise missing_parameter(each.path_of("start_date"))
        if start not in (None, expected):
            message = (
                "The start date of a phase must be the end date of the one before."
                if phases
                else "You can not modify the start date of the current phase."
            )
            raise invalid(message, each.path_of("start_date"))
        items = [_phase_item(service, item) for item in each.each("items")]
        if not items:
            raise missing_parameter(each.path_of("items"))
        price = service.get("price", items[0]["price"])
        end = _end(each, expected, price)
        proration = each.choice("proration_behavior", changes.PRORATIONS) or "create_prorations"
        phases.append(phase(items, expected, end, price["currency"], each.metadata(), proration))
    return phases


def _phase_item(service: StripeService, item: Parameters) -> Thing:
    item.only("metadata", "price", "quantity")
    price = service.get("price", item.required("price"), item.path_of("price"))
    if price["recurring"] is None:
        raise invalid("The price is not recurring.", item.path_of("price"))
    return row(price, item.integer("quantity") or 1)


def _end(phase: Parameters, start: int, price: Thing) -> int:
    """When a phase ends: a moment, after a duration, or after one interval of its price."""
    if "end_date" in phase and "duration" in phase:
        raise invalid("You may only specify one of these: end_date, duration.")
    end = phase.integer("end_date")
    if end is None:
        duration = phase.inside("duration")
        duration.only("interval", "interval_count")
        interval = duration.choice("interval", ("day", "week", "month", "year"))
        length = {
            "interval": interval,
            "interval_count": duration.integer("interval_count") or 1,
        }
        end = periods.later(start, length if interval else price["recurring"], start)
    if end <= start:
        raise invalid("A phase must end after it starts.", phase.path_of("end_date"))
    return end


def set_phases(
    service: StripeService, schedule: Thing, phases: list[Thing], proration: str | None = None
) -> None:
    """Give a schedule its phases; a changed current one changes the subscription at once."""
    schedule["phases"] = phases
    schedules.show_phase(schedule, phases[0])
    service.emit("subscription_schedule.updated", service.state.put(schedule))
    subscription = service.get("subscription", schedule["subscription"])
    rows = zip(subscription["items"]["data"], phases[0]["items"], strict=False)
    targets = {
        item["id"]: (service.get("price", row["price"]), row["quantity"]) for item, row in rows
    }
    changes.change(service, subscription, targets, proration or "create_prorations")


def release(service: StripeService, parameters: Parameters, schedule: str) -> Thing:
    """Let the subscription go on as it is, without the schedule."""
    parameters.only("preserve_cancel_date")
    thing = _going(service, schedule)
    subscription = service.get("subscription", thing["subscription"])
    return schedules.release(service, thing, subscription, service.now())


def _going(service: StripeService, schedule: str) -> Thing:
    thing = service.get("subscription_schedule", schedule)
    if thing["status"] not in _GOING:
        raise invalid(
            f"You cannot change a subscription schedule that is in the `{thing['status']}` status."
        )
    return thing


ROUTES = [
    Route("POST", _URL, create),
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<schedule>", retrieve),
    Route("POST", f"{_URL}/<schedule>", update),
    Route("POST", f"{_URL}/<schedule>/release", release),
]
