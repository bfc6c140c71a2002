"""/v1/billing, /hooks/stripe: plans, what is paid for, and what Stripe tells of it."""

from flask import Response, request

from lib.billing import purchases, stripe_events
from lib.http.app import answer, create_app
from lib.http.auth import authenticate, authenticate_person, count_forgery, limit_address
from lib.http.body import json_body, parse
from lib.http.bounds import read_body

app = create_app(__name__)

PLANS_PER_MINUTE = 120


@app.get("/v1/billing/plans")
def list_plans() -> Response:
    limit_address("plans", PLANS_PER_MINUTE)
    return answer(purchases.plans(), headers={"Cache-Control": "public, max-age=300"})


@app.get("/v1/billing")
def get_billing() -> Response:
    return answer(purchases.billing(authenticate().account_id))


@app.post("/v1/billing/checkout")
def buy_plan() -> Response:
    caller = authenticate_person()
    return answer(purchases.buy(caller.account_id, parse(json_body(), purchases.Buy)))


@app.post("/v1/billing/portal")
def open_portal() -> Response:
    # Suspended people too: this is where a subscription is canceled.
    return answer(purchases.portal(authenticate_person(suspended_too=True).account_id))


@app.get("/v1/billing/invoices")
def list_invoices() -> Response:
    return answer(purchases.invoices(authenticate().account_id))


@app.post("/hooks/stripe")
def receive_event() -> Response:
    """Stripe's webhook. The signature covers the raw bytes of the body."""
    try:
        return answer(stripe_events.receive(read_body(), request.headers.get("Stripe-Signature")))
    except stripe_events.NotSigned:
        count_forgery()
        raise
