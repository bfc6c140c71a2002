"""Subscriptions: read from Stripe again at each event, and the plan that follows from it.

An event is only the news that something changed. So events may come late, twice or in any order:
the last one leads to the same state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lib.outbox import mail, tasks
from lib.platform import postgres
from lib.platform import stripe as platform

if TYPE_CHECKING:
    import stripe

GRACE = timedelta(days=7)
"""How long a plan holds after a payment failed."""
FREE = "free"
LIVE = ("active", "trialing")
FAILING = ("past_due", "unpaid")
"""Stripe's states of a subscription whose payment failed, while it tries again and after that."""
NOT_BEGUN = ("incomplete", "incomplete_expired")
"""Those of one whose first payment has not come."""
CANCELED = "canceled"


@dataclass(frozen=True)
class Subscription:
    """A subscription as Stripe has it."""

    id: str
    item_id: str
    status: str
    plan_id: str | None
    period_end: datetime | None
    cancel_at_period_end: bool
    ends_at: datetime | None
    """Set by each way of canceling; by the portal's, alone."""
    schedule_id: str | None
    next_plan_id: str | None
    invoice_id: str | None
    """The newest."""


def plan_of(
    status: str | None, plan_id: str | None, grace_until: datetime | None, now: datetime
) -> str:
    """The plan that a subscription's state gives."""
    if plan_id is None or status is None:
        return FREE
    if status in LIVE:
        return plan_id
    if status in FAILING and (grace_until is None or now < grace_until):
        return plan_id
    return FREE


def is_customer(account_id: UUID) -> bool:
    """Whether Stripe knows of the account."""
    row = postgres.row(
        "select 1 from app.subscriptions where account_id = %(account)s", {"account": account_id}
    )
    return row is not None


def customer(account_id: UUID) -> str:
    """The account's customer at Stripe, made at first use. Raises Problem 503."""
    row = postgres.row(
        """
        select s.customer_id, a.email, a.name
          from app.accounts a left join app.subscriptions s on s.account_id = a.id
         where a.id = %(account)s
        """,
        {"account": account_id},
    )
    if row is None:
        raise LookupError(account_id)
    if row["customer_id"]:
        return str(row["customer_id"])
    with platform.asking():
        new_customer = platform.client().v1.customers.create(
            params={
                "email": row["email"] or "",
                "name": row["name"] or "",
                "metadata": {"account_id": str(account_id)},
            },
            # Two at once make one customer.
            options={"idempotency_key": f"customer-{account_id}"},
        )
    stored = postgres.row(
        """
        insert into app.subscriptions (account_id, customer_id) values (%(account)s, %(customer)s)
        on conflict (account_id) do update set customer_id = app.subscriptions.customer_id
        returning customer_id
        """,
        {"account": account_id, "customer": new_customer.id},
    )
    assert stored is not None  # noqa: S101 -- inserted or there
    return str(stored["customer_id"])


def current(customer_id: str) -> Subscription | None:
    """The customer's subscription that counts: one that lives, else one whose payment failed.

    Those of our plans count; what else the operator sells does not. Raises Problem 503.
    """
    plans = {row["id"] for row in postgres.rows("select id from app.plans")}
    with platform.asking():
        listing = platform.client().v1.subscriptions.list(
            params={
                "customer": customer_id,
                "status": "all",
                "limit": 20,
                "expand": ["data.schedule"],
            }
        )
    newest = sorted(listing.data, key=lambda each: -each.created)
    ours = [
        each
        for each in map(_read, newest)
        if each.plan_id in plans and each.status not in NOT_BEGUN
    ]
    rank = {status: place for place, status in enumerate((*LIVE, *FAILING))}
    return min(ours, key=lambda each: rank.get(each.status, len(rank)), default=None)


def refresh(customer_id: str) -> None:
    """Take over what Stripe has of a customer. Nothing happens for one that is not ours.

    Raises Problem 503. None of several at once is written over one that began later: the last to
    begin has read the news of all, since its event came after the last change.
    """
    mine = postgres.row(
        """
        update app.subscriptions set reading = reading + 1 where customer_id = %(customer)s
        returning account_id, reading, grace_until, subscription_id, status
        """,
        {"customer": customer_id},
    )
    if mine is None:
        return
    subscription = current(customer_id)
    grace_until = _grace(subscription, mine["subscription_id"], mine["grace_until"])
    if subscription is None:
        return  # a customer who bought nothing yet
    if (
        subscription.status == CANCELED == mine["status"]
        and subscription.id == mine["subscription_id"]
    ):
        return  # it is final; the operator may have granted a plan since
    plan_id = plan_of(subscription.status, subscription.plan_id, grace_until, datetime.now(UTC))
    row = postgres.row(
        """
        with written as (
          update app.subscriptions
             set subscription_id = %(subscription)s, plan_id = %(bought)s, status = %(status)s,
                 period_end = %(period_end)s, cancel_at_period_end = %(cancel)s,
                 next_plan_id = %(next)s, grace_until = %(grace)s, written = %(reading)s
           where account_id = %(account)s and written < %(reading)s
          returning account_id
        )
        update app.accounts a set plan_id = %(plan)s
          from written w where a.id = w.account_id
        returning a.id
        """,
        {
            "account": mine["account_id"],
            "reading": mine["reading"],
            "subscription": subscription.id,
            "bought": subscription.plan_id,
            "status": subscription.status,
            "period_end": subscription.period_end,
            "cancel": subscription.cancel_at_period_end or subscription.ends_at is not None,
            "next": subscription.next_plan_id,
            "grace": grace_until,
            "plan": plan_id,
        },
    )
    if row and grace_until is not None and subscription.status in FAILING:
        _warn(mine["account_id"], subscription, grace_until)


def forget(customer_id: str) -> None:
    """The customer was deleted at Stripe, with the subscription."""
    postgres.rows(
        """
        with gone as (
          delete from app.subscriptions where customer_id = %(customer)s
          returning account_id, status
        ),
        -- Without the row above nobody could tell any more whose events these are.
        forgotten as (
          update app.stripe_events set customer_id = null where customer_id = %(customer)s
        )
        update app.accounts a set plan_id = %(free)s
          from gone g where a.id = g.account_id and g.status = any(%(paying)s)
        """,
        {"customer": customer_id, "free": FREE, "paying": [*LIVE, *FAILING]},
    )


def end_grace(task: tasks.Task) -> None:
    """The handler of `grace` tasks: seven days after a failed payment the plan ends, for good."""
    row = postgres.row(
        "select customer_id, status, grace_until from app.subscriptions"
        " where account_id = %(account)s",
        {"account": task.account_id},
    )
    if row is None:
        return
    refresh(row["customer_id"])  # paid meanwhile, or on the Free plan from here on
    row = postgres.row(
        "select customer_id, subscription_id from app.subscriptions"
        " where account_id = %(account)s and status = any(%(failing)s) and grace_until <= now()",
        {"account": task.account_id, "failing": list(FAILING)},
    )
    if row is None:
        return
    mail.queue(
        "payment_failed_ended",
        account_id=task.account_id,
        key=f"payment_failed_ended:{row['subscription_id']}",
    )
    _void(row["subscription_id"])
    _cancel(row["subscription_id"])
    refresh(row["customer_id"])


def end_for_good(account_id: UUID) -> None:
    """Cancel the account's subscription now and delete the customer; safe to repeat.

    Stripe keeps the invoices, as the law wants, and forgets the rest. Raises Problem 503, also
    where the service has no billing any more: what was bought would be charged on and on.
    """
    row = postgres.row(
        "select customer_id from app.subscriptions where account_id = %(account)s",
        {"account": account_id},
    )
    if row is None:
        return
    import stripe

    with platform.asking():
        try:
            platform.client().v1.customers.delete(row["customer_id"])  # cancels what it has
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
    postgres.rows(
        """
        with events as (delete from app.stripe_events where customer_id = %(customer)s)
        delete from app.subscriptions where account_id = %(account)s
        """,
        {"customer": row["customer_id"], "account": account_id},
    )
    # What was being stored just then; from here on no event names the customer.
    postgres.rows(
        "delete from app.stripe_events where customer_id = %(customer)s",
        {"customer": row["customer_id"]},
    )


def _grace(
    subscription: Subscription | None, last_id: str | None, last_grace: datetime | None
) -> datetime | None:
    """Until when a plan holds whose payment failed: from the first failure on."""
    if subscription is None or subscription.status not in FAILING:
        return None
    if last_grace is not None and last_id == subscription.id:
        return last_grace
    return datetime.now(UTC) + GRACE


def _warn(account_id: UUID, subscription: Subscription, grace_until: datetime) -> None:
    """Notify about a failed payment, once an invoice, and schedule the end of the grace period."""
    mail.queue(
        "payment_failed",
        account_id=account_id,
        key=f"payment_failed:{subscription.invoice_id}",
        values={"until": f"{grace_until:%-d %B %Y}"},
    )
    tasks.add(
        "grace", key=f"grace:{subscription.invoice_id}", account_id=account_id, due_at=grace_until
    )


def _void(subscription_id: str) -> None:
    """Nobody owes for a period of a plan that has ended; what was open would stay payable."""
    invoices = platform.client().v1.invoices
    with platform.asking():
        unpaid = invoices.list(params={"subscription": subscription_id, "status": "open"})
        for each in unpaid.data:
            invoices.void_invoice(each.id)


def _cancel(subscription_id: str) -> None:
    import stripe

    with platform.asking():
        try:
            platform.client().v1.subscriptions.cancel(subscription_id)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise


def _read(answer: stripe.Subscription) -> Subscription:
    subscription = answer.to_dict()
    item = subscription["items"]["data"][0]
    price, schedule = item["price"], subscription.get("schedule")
    return Subscription(
        id=subscription["id"],
        item_id=item["id"],
        status=subscription["status"],
        plan_id=(price.get("metadata") or {}).get("plan_id") or price.get("lookup_key"),
        period_end=_moment(item["current_period_end"]),
        cancel_at_period_end=bool(subscription["cancel_at_period_end"]),
        ends_at=_moment(subscription.get("cancel_at")),
        schedule_id=schedule["id"] if schedule else None,
        next_plan_id=_next_plan(schedule, item["current_period_end"]) if schedule else None,
        invoice_id=subscription["latest_invoice"],
    )


def _next_plan(schedule: dict[str, Any], period_end: int) -> str | None:
    """The plan that a schedule switches to when the period ends."""
    for phase in schedule["phases"]:
        if phase["start_date"] >= period_end:
            plan_id = (phase.get("metadata") or {}).get("plan_id")
            return None if plan_id is None else str(plan_id)
    return None


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
