"""Buying a plan: Stripe's checkout for the first one, changes of it, the portal, the invoices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from lib.accounts.account import PlanShown
from lib.billing import subscriptions
from lib.billing.catalog import CURRENCY, portal_configuration, price_id
from lib.billing.subscriptions import FAILING, FREE, LIVE
from lib.platform import postgres
from lib.platform import stripe as platform
from lib.platform.errors import Problem
from lib.platform.settings import settings
from lib.platform.times import stamp, stamp_or_none
from lib.usage.plan_limits import limited

if TYPE_CHECKING:
    from stripe.params import SubscriptionUpdateParams


class PlanOffered(PlanShown):
    """A plan, its price a month and its limits."""

    currency: str
    """The price's currency, an ISO 4217 code."""


class Plans(msgspec.Struct):
    """The plans, cheapest first."""

    items: list[PlanOffered]
    """The plans, cheapest first."""
    can_be_bought: bool
    """Whether this service has billing at all."""


class Billing(msgspec.Struct):
    """What an account pays for."""

    plan: str
    """The plan's id."""
    status: str | None
    """Stripe's, such as active or past_due; null without a subscription."""
    period_end: str | None
    """When the paid period ends; null on free plans."""
    next_plan: str | None
    """What begins with the next period; null when the plan goes on."""
    grace_until: str | None
    """Until when the plan holds although a payment failed."""


class Buy(msgspec.Struct, forbid_unknown_fields=True):
    """Which plan; `job` is the id of a job that was refused, for the page to come back to."""

    plan: str
    """The plan's id."""
    job: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f-]{36}$")] | None = None
    """The job that was blocked by the quota, if that is why."""


class Bought(msgspec.Struct):
    """What to do next: follow `url` to pay, or nothing more."""

    outcome: Literal["checkout", "changed", "scheduled", "kept"]
    """scheduled: the smaller plan begins with the next period."""
    url: str | None
    """The checkout page to open; null if there is nothing to pay there."""
    billing: Billing
    """What you pay for now."""


class Portal(msgspec.Struct):
    """Stripe's own pages for payment methods, invoices and cancellation."""

    url: str
    """A link to Stripe's page for cards, invoices and cancellation."""


class Invoice(msgspec.Struct):
    """An invoice; the links are Stripe's, and null while Stripe does not answer."""

    id: str
    """The invoice's id."""
    number: str | None
    """The invoice's number; null while it is a draft."""
    status: str
    """Stripe's status of the invoice."""
    currency: str
    """An ISO 4217 code."""
    amount_cents: int
    """The amount, in cents."""
    paid_cents: int
    """What was paid, in cents."""
    refunded_cents: int
    """What was refunded, in cents."""
    period_start: str
    """When the invoice's period starts, ISO 8601."""
    period_end: str
    """When the invoice's period ends, ISO 8601."""
    created_at: str
    """When it was created, ISO 8601."""
    url: str | None
    """Stripe's page of the invoice; null if there is none."""
    pdf: str | None
    """The invoice as PDF; null if there is none."""


class Invoices(msgspec.Struct):
    """The newest invoices, newest first."""

    items: list[Invoice]
    """The invoices, newest first."""


def plans() -> Plans:
    """What can be had."""
    rows = postgres.rows(
        """
        select id, name, price_cents, minutes_per_month, max_input_bytes, max_output_bytes,
               max_job_seconds, jobs_at_once, requests_per_minute
          from app.plans where offered order by price_cents
        """
    )
    return Plans(
        [PlanOffered(**limited(row), currency=CURRENCY) for row in rows], platform.enabled()
    )


def billing(account_id: UUID) -> Billing:
    """What the account pays for."""
    row = postgres.row(
        """
        select a.plan_id, s.status, s.period_end, s.next_plan_id, s.cancel_at_period_end,
               s.grace_until
          from app.accounts a left join app.subscriptions s on s.account_id = a.id
         where a.id = %(account)s
        """,
        {"account": account_id},
    )
    if row is None:
        raise Problem("account_not_found", "This account is gone.")
    pays = row["status"] in (*LIVE, *FAILING)
    return Billing(
        plan=row["plan_id"],
        status=row["status"],
        period_end=stamp_or_none(row["period_end"]) if pays else None,
        next_plan=(FREE if row["cancel_at_period_end"] else row["next_plan_id"]) if pays else None,
        grace_until=stamp_or_none(row["grace_until"]) if pays else None,
    )


def buy(account_id: UUID, request: Buy) -> Bought:
    """Go to a plan: by a checkout, or at once to a larger one, at the period's end to a smaller.

    Raises Problem 400 for a plan that is not offered, 402 when the payment is declined, 409 while a
    payment is open, 503.
    """
    offered = {plan.id: plan for plan in plans().items}
    offer = offered.get(request.plan)
    if offer is None:
        raise Problem("invalid_request", f"`plan` must be one of: {', '.join(offered)}.")
    client = platform.client()
    if offer.price_cents == 0 and not subscriptions.is_customer(account_id):
        return Bought("kept", None, billing(account_id))  # Stripe needs no customer for a free plan
    customer_id = subscriptions.customer(account_id)
    subscription = subscriptions.current(customer_id)
    if subscription is None or subscription.status not in (*LIVE, *FAILING):
        if offer.price_cents == 0:
            return Bought("kept", None, billing(account_id))
        url = _checkout(account_id, customer_id, offer, request.job)
        return Bought("checkout", url, billing(account_id))
    if subscription.status in FAILING:
        raise Problem(
            "payment_open",
            "A payment is open. Pay it first, with another card if need be: POST"
            " /v1/billing/portal leads there.",
        )
    outcome: Literal["changed", "scheduled", "kept"]
    current_offer = offered.get(subscription.plan_id or "")
    with platform.asking():
        if offer.id == subscription.plan_id:
            _keep(subscription)
            outcome = "kept"
        elif offer.price_cents == 0:
            _release(subscription)
            client.v1.subscriptions.update(subscription.id, params={"cancel_at_period_end": True})
            outcome = "scheduled"
        elif current_offer is not None and offer.price_cents < current_offer.price_cents:
            _schedule(subscription, offer)
            outcome = "scheduled"
        else:
            _upgrade(subscription, offer, offered.get(subscription.next_plan_id or ""))
            outcome = "changed"
    subscriptions.refresh(customer_id)
    return Bought(outcome, None, billing(account_id))


def portal(account_id: UUID) -> Portal:
    """A link to Stripe's portal. Raises Problem 503."""
    configuration = portal_configuration()
    if configuration is None:
        raise Problem(
            "billing_unavailable", "Stripe's pages can't be opened yet: they are not set up."
        )
    customer_id = subscriptions.customer(account_id)
    with platform.asking():
        session = platform.client().v1.billing_portal.sessions.create(
            params={
                "customer": customer_id,
                "configuration": configuration,
                "return_url": f"{settings().site_url}/billing",
            }
        )
    return Portal(session.url)


def invoices(account_id: UUID) -> Invoices:
    """The account's newest hundred invoices."""
    rows = postgres.rows(
        """
        select i.*, s.customer_id
          from app.invoices i left join app.subscriptions s on s.account_id = i.account_id
         where i.account_id = %(account)s order by i.created_at desc limit 100
        """,
        {"account": account_id},
    )
    links = _links(rows[0]["customer_id"]) if rows else {}
    return Invoices([
        Invoice(
            id=row["id"],
            number=row["number"],
            status=row["status"],
            currency=row["currency"],
            amount_cents=row["amount_cents"],
            paid_cents=row["paid_cents"],
            refunded_cents=row["refunded_cents"],
            period_start=stamp(row["period_start"]),
            period_end=stamp(row["period_end"]),
            created_at=stamp(row["created_at"]),
            url=links.get(row["id"], (None, None))[0],
            pdf=links.get(row["id"], (None, None))[1],
        )
        for row in rows
    ])  # fmt: skip


def _checkout(account_id: UUID, customer_id: str, plan: PlanOffered, job: str | None) -> str:
    """A checkout's address. Raises Problem 409 when another was paid in this very moment."""
    client = platform.client()
    price = price_id(plan.id, plan.price_cents)
    back = f"{settings().site_url}/billing?"
    metadata = {"job": job} if job else {}
    with platform.asking():
        session = client.v1.checkout.sessions.create(
            params={
                "mode": "subscription",
                "customer": customer_id,
                "client_reference_id": str(account_id),
                "line_items": [{"price": price, "quantity": 1}],
                "success_url": back + urlencode({"checkout": "success"} | metadata),
                "cancel_url": back + urlencode({"checkout": "canceled"} | metadata),
            }
        )
        _leave_open_only_the_newest(customer_id, session.id)
    return str(session.url)


def _leave_open_only_the_newest(customer_id: str, session_id: str) -> None:
    """Close all checkouts but one, so that nobody pays twice. Raises Problem 409.

    They are listed after ours was made: of two that are begun at the same moment, the later listing
    has both, and both agree on which is the newest.
    """
    sessions = platform.client().v1.checkout.sessions
    begun = sessions.list(params={"customer": customer_id, "status": "open", "limit": 100})
    closed = {_close(session.id) for session in begun.data[1:]}  # Stripe lists the newest first
    if "complete" in closed:
        _close(session_id)
        raise Problem(
            "plan_changed",
            "A plan was just paid for in another window. Look at your plan, then choose again.",
        )


def _close(session_id: str) -> str | None:
    """Expire a checkout so that it can't be paid; return its state."""
    import stripe

    sessions = platform.client().v1.checkout.sessions
    try:
        return sessions.expire(session_id).status
    except stripe.InvalidRequestError:  # it is closed already, or was paid
        return sessions.retrieve(session_id).status


def _upgrade(
    subscription: subscriptions.Subscription, plan: PlanOffered, coming: PlanOffered | None
) -> None:
    """To a larger plan at once, the difference paid at once; nothing changes when that fails.

    Not even a pending change: a cancellation is undone by the same call that asks for the
    money, and a smaller plan, whose schedule has to go first, is scheduled again.
    """
    client = platform.client()
    price = price_id(plan.id, plan.price_cents)
    _release(subscription)
    try:
        with platform.asking():
            client.v1.subscriptions.update(
                subscription.id,
                params={
                    "items": [{"id": subscription.item_id, "price": price}],
                    "proration_behavior": "always_invoice",
                    "payment_behavior": "error_if_incomplete",
                    **_going_on(subscription),
                },
            )
    except platform.Declined as error:
        if coming:
            _schedule(replace(subscription, schedule_id=None), coming)
        raise Problem(
            "payment_declined", f"The payment was declined, nothing has changed. {error}"
        ) from error


def _schedule(subscription: subscriptions.Subscription, plan: PlanOffered) -> None:
    """Switch to a smaller plan when the paid period ends."""
    client = platform.client()
    price = price_id(plan.id, plan.price_cents)
    _keep(subscription)
    schedule = client.v1.subscription_schedules.create(
        params={"from_subscription": subscription.id}
    )
    now = schedule.phases[0].to_dict()
    client.v1.subscription_schedules.update(
        schedule.id,
        params={
            "end_behavior": "release",
            "phases": [
                {
                    "items": [{"price": _id(now["items"][0]["price"]), "quantity": 1}],
                    "start_date": now["start_date"],
                    "end_date": now["end_date"],
                },
                {
                    "items": [{"price": price, "quantity": 1}],
                    "metadata": {"plan_id": plan.id},
                    "proration_behavior": "none",
                },
            ],
        },
    )


def _keep(subscription: subscriptions.Subscription) -> None:
    """Undo the change that is scheduled for the period's end."""
    _release(subscription)
    if params := _going_on(subscription):
        platform.client().v1.subscriptions.update(subscription.id, params=params)


def _going_on(subscription: subscriptions.Subscription) -> SubscriptionUpdateParams:
    """What takes a cancellation back.

    Stripe's portal sets `cancel_at` alone, our own route `cancel_at_period_end`
    (https://docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
    if subscription.cancel_at_period_end:
        return {"cancel_at_period_end": False}
    return {"cancel_at": ""} if subscription.ends_at else {}


def _release(subscription: subscriptions.Subscription) -> None:
    if subscription.schedule_id:
        platform.client().v1.subscription_schedules.release(subscription.schedule_id)


def _links(customer_id: str | None) -> dict[str, tuple[str | None, str | None]]:
    if customer_id is None or not platform.enabled():
        return {}
    try:
        with platform.asking():
            invoices = platform.client().v1.invoices.list(
                params={"customer": customer_id, "limit": 100}
            )
    except Problem:
        return {}
    return {str(each.id): (each.hosted_invoice_url, each.invoice_pdf) for each in invoices.data}


def _id(value: Any) -> str:
    """Of a thing, or of what was expanded in its place."""
    return str(value["id"] if isinstance(value, dict) else value)
