"""/v1/billing, /hooks/stripe: plans, payments, and the events that Stripe sends."""

from typing import Any

from flask import request

from lib.accounts.callers import Caller
from lib.billing import purchases, stripe_events
from lib.http.app import create_app
from lib.http.auth import count_forgery
from lib.http.bounds import read_body
from lib.http.routes.access import READ, Credential, Open
from lib.http.routes.declaration import Body, Routes

app = create_app(__name__)
route = Routes(app, "Billing")

PLANS_PER_MINUTE = 120
STRIPE_ERRORS = ("stripe_unavailable", "billing_unavailable")


@route("GET", "/v1/billing/plans", access=Open("plans", PLANS_PER_MINUTE), answer=purchases.Plans)
def list_plans() -> Any:
    """List the plans with prices and limits"""
    return purchases.plans(), {"Cache-Control": "public, max-age=300"}


@route("GET", "/v1/billing", access=READ, answer=purchases.Billing, errors=["account_not_found"])
def get_billing(caller: Caller) -> purchases.Billing:
    """Get your subscription"""
    return purchases.billing(caller.account_id)


@route(
    "POST",
    "/v1/billing/checkout",
    access=Credential("jobs", only="person"),
    body=Body(purchases.Buy, {"plan": "starter"}),
    answer=purchases.Bought,
    errors=[
        *("payment_declined", "payment_open", "plan_changed", "account_not_found"),
        *STRIPE_ERRORS,
    ],
)
def buy_plan(caller: Caller, body: purchases.Buy) -> purchases.Bought:
    """Change the plan: by a checkout, at once, or at the end of the period; needs a session"""
    return purchases.buy(caller.account_id, body)


@route(
    "POST",
    "/v1/billing/portal",
    # Suspended people too: this is where a subscription is canceled.
    access=Credential("jobs", only="person", suspended_too=True),
    answer=purchases.Portal,
    errors=STRIPE_ERRORS,
)
def open_portal(caller: Caller) -> purchases.Portal:
    """Get a link to Stripe's pages for cards, invoices and cancellation; needs a session"""
    return purchases.portal(caller.account_id)


@route("GET", "/v1/billing/invoices", access=READ, answer=purchases.Invoices)
def list_invoices(caller: Caller) -> purchases.Invoices:
    """List your invoices"""
    return purchases.invoices(caller.account_id)


@route(
    "POST",
    "/hooks/stripe",
    access=Open(),
    most_bytes=262_144,  # an event embeds its object, such as an invoice with its lines
    answer=stripe_events.EventReceived,
    errors=[
        *("invalid_signature", "invalid_event", "body_too_large", "too_many_unauthorized"),
        *("event_not_processed", *STRIPE_ERRORS),
    ],
)
def receive_stripe_event() -> stripe_events.EventReceived:
    """Receive a signed event; only for Stripe"""
    try:  # the signature covers the raw bytes of the body
        return stripe_events.receive(read_body(), request.headers.get("Stripe-Signature"))
    except stripe_events.NotSigned:
        count_forgery()
        raise
