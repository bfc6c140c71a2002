"""Stripe's events: each stored once by its id, and processed by reading Stripe's current state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lib.billing import subscriptions
from lib.platform import log, postgres
from lib.platform import stripe as platform
from lib.platform.errors import Problem

TYPES = (
    "charge.refunded",
    "checkout.session.completed",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "subscription_schedule.canceled",
    "subscription_schedule.released",
    "subscription_schedule.updated",
)
"""The event types that the webhook endpoint subscribes to. Stripe lists by 20 types at most."""


class EventReceived(msgspec.Struct):
    """That an event arrived."""

    received: bool
    """Always true."""
    before: bool
    """Whether it had been processed before."""


class ReplayCounts(msgspec.Struct):
    """Counts of what a replay did."""

    new: int = 0
    """Events that Stripe has and we had never received."""
    processed: int = 0
    failed: int = 0


class NotSigned(Problem):
    """400 for a body without a valid signature."""

    def __init__(self) -> None:
        super().__init__("invalid_signature", "This is not signed by Stripe, or was long ago.")


def receive(payload: bytes, signature: str | None) -> EventReceived:
    """Take an event from its raw body, and process it.

    Raises NotSigned (400), Problem 400 for a body that is not an event, 500 or 503 when it can't be
    processed now: Stripe then sends it again.
    """
    try:
        event = platform.event(payload, signature)
    except platform.Forged as error:
        raise NotSigned from error
    except platform.NotAnEvent as error:
        raise Problem("invalid_event", "The body is not an event of Stripe.") from error
    if not _store(event):
        return EventReceived(True, before=True)
    if not _process(event.id, event.type, event.data.object):
        raise Problem("event_not_processed", "The event is kept, and could not be processed now.")
    return EventReceived(True, before=False)


def replay(days: int) -> ReplayCounts:
    """Process what is open, however old, and what Stripe has of the last `days` that never arrived.

    Stripe keeps events for 30 days. Raises Problem 503.
    """
    counts = ReplayCounts()
    since = datetime.now(UTC) - timedelta(days=days)
    oldest = postgres.row(
        "select min(created_at) as at from app.stripe_events where processed_at is null"
    )
    if oldest and oldest["at"]:
        since = min(since, oldest["at"])
    with platform.asking():
        listing = platform.client().v1.events.list(
            params={"types": list(TYPES), "created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        events = sorted(listing.auto_paging_iter(), key=lambda event: event.created)
    for event in events:
        row = postgres.row(
            "select processed_at from app.stripe_events where id = %(id)s", {"id": event.id}
        )
        counts.new += row is None
        if row is not None and row["processed_at"] is not None:
            continue
        _store(event)
        if _process(event.id, event.type, event.data.object):
            counts.processed += 1
        else:
            counts.failed += 1
    return counts


def _store(event: Any) -> bool:
    """Keep that it came; False when it was processed before.

    A customer that is not ours, or not any more, is not named.
    """
    row = postgres.row(
        """
        with ours as (
          select customer_id from app.subscriptions where customer_id = %(customer)s for key share
        )
        insert into app.stripe_events as e (id, type, customer_id, created_at)
        select %(id)s, %(type)s, (select customer_id from ours), to_timestamp(%(created)s)
        on conflict (id) do update set received_at = e.received_at
        returning processed_at is null as open
        """,
        {
            "id": event.id,
            "type": event.type,
            "customer": _customer(event.data.object),
            "created": event.created,
        },
    )
    return bool(row and row["open"])


def _process(event_id: str, kind: str, about: Any) -> bool:
    """Read the event's object from Stripe; on failure store the reason and return False."""
    try:
        if kind in TYPES:
            _follow(kind, about)
    except Exception as error:  # whatever it was, Stripe sends the event again
        log.error("an event of Stripe could not be processed", error, stripe_event=event_id)
        postgres.rows(
            "update app.stripe_events set error = %(error)s where id = %(id)s",
            {"id": event_id, "error": type(error).__name__},
        )
        return False
    postgres.rows(
        "update app.stripe_events set processed_at = now(), error = null where id = %(id)s",
        {"id": event_id},
    )
    return True


def _follow(kind: str, about: Any) -> None:
    customer_id = _customer(about)
    if kind == "customer.deleted":
        subscriptions.forget(about.id)
        return
    if kind.startswith("invoice."):
        _keep_invoice(about.id)
    if kind == "charge.refunded":
        _keep_refund(about.id)
    if customer_id:
        subscriptions.refresh(customer_id)


def _keep_refund(charge_id: str) -> None:
    """Keep what was given back, with the invoice that the charge paid. The plan stays: whoever
    refunds a payment decides about the subscription as well."""
    client = platform.client()
    with platform.asking():
        charge = client.v1.charges.retrieve(charge_id)
        if charge.payment_intent is None:
            return
        payment: Any = {"type": "payment_intent", "payment_intent": _id(charge.payment_intent)}
        paid = client.v1.invoice_payments.list(params={"payment": payment, "limit": 1}).data
    if not paid:
        return  # of something else that the operator sells
    invoice_id = _id(paid[0].invoice)
    assert invoice_id is not None  # noqa: S101 -- a payment of an invoice has one
    _keep_invoice(invoice_id)  # the event of its payment may come later than this one
    postgres.rows(
        """
        update app.invoices set refunded_cents = greatest(refunded_cents, %(refunded)s)
         where id = %(id)s
        """,
        {"id": invoice_id, "refunded": charge.amount_refunded},
    )


def _keep_invoice(invoice_id: str) -> None:
    """Keep an invoice's figures as they are now. One that is paid or void stays so."""
    import stripe

    with platform.asking():
        try:
            invoice = platform.client().v1.invoices.retrieve(invoice_id)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return
            raise
    if invoice.status == "draft":
        return
    lines = invoice.lines.data
    postgres.rows(
        """
        insert into app.invoices as i (id, account_id, number, status, currency, amount_cents,
          paid_cents, period_start, period_end, created_at)
        select %(id)s, s.account_id, %(number)s, %(status)s, %(currency)s, %(amount)s, %(paid)s,
               to_timestamp(%(start)s), to_timestamp(%(end)s), to_timestamp(%(created)s)
          from app.subscriptions s where s.customer_id = %(customer)s
        on conflict (id) do update
           set number = excluded.number, status = excluded.status,
               amount_cents = excluded.amount_cents, paid_cents = excluded.paid_cents
         where i.status in ('open', 'uncollectible')
        """,
        {
            "id": invoice.id,
            "customer": _id(invoice.customer),
            "number": invoice.number,
            "status": invoice.status,
            "currency": invoice.currency,
            "amount": invoice.total,
            "paid": invoice.amount_paid,
            # An invoice's own period is the one before; a line tells what it is for.
            "start": min((line.period.start for line in lines), default=invoice.period_start),
            "end": max((line.period.end for line in lines), default=invoice.period_end),
            "created": invoice.created,
        },
    )


def _customer(about: Any) -> str | None:
    """Whom an event's object belongs to."""
    return _id(about["customer"]) if "customer" in about else None


def _id(value: Any) -> str | None:
    """Of a thing, or of what was expanded in its place."""
    return value if value is None or isinstance(value, str) else str(value.id)
