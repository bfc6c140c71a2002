"""/_control: routes for tests, which Stripe does not have. They need the secret key."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Blueprint, Response, jsonify, request

from standins.stripe import calls, webhooks
from standins.stripe.billing import renewals, subscriptions
from standins.stripe.errors import StripeError, invalid
from standins.stripe.service import StripeService, public
from standins.stripe.state import Thing


def routes(service: StripeService, log: Collection[dict[str, Any]]) -> Blueprint:
    """The routes; bodies are JSON."""
    blueprint = Blueprint("control", __name__, url_prefix="/_control")

    @blueprint.before_request
    def authenticate() -> None:
        calls.authenticate(service, request)

    @blueprint.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[dict[str, Any], int]:
        return error.body, error.status

    @blueprint.get("/requests")
    def requests() -> Response:
        """Every request received: method, path, body."""
        return jsonify(list(log))

    @blueprint.get("/deliveries")
    def deliveries() -> Response:
        """Every delivery: event, type, endpoint, held, tries, outcome, last answer."""
        return jsonify(_deliveries(service))

    @blueprint.post("/deliveries")
    def mode() -> Response:
        """How events go out from now on: `mode`, and the `seconds` of the mode "late"."""
        body = _body()
        if body.get("mode") not in webhooks.MODES:
            raise invalid(f"mode must be one of {', '.join(webhooks.MODES)}", "mode")
        with service.state.transaction():
            service.state.take_note("mode", body)
        return jsonify(body)

    @blueprint.post("/release")
    def release() -> Response:
        """Send held events: those of `order` in that order, or all."""
        with service.state.transaction():
            going = webhooks.release(service.state, _body().get("order"), service.clock())
        return jsonify({"released": going})

    @blueprint.post("/fail_next")
    def fail_next() -> Response:
        """Let the next payment, or `times` of them, of a `customer` fail."""
        body = _body()
        with service.state.transaction():
            customer = service.get("customer", str(body.get("customer")))
            service.state.take_note(f"fail:{customer['id']}", int(body.get("times", 1)))
        return jsonify(body)

    @blueprint.post("/renew")
    def renew() -> Response:
        """Take a `subscription` to its period's end; `pay` false: the renewal is not paid."""
        return jsonify(public(_renew(service, _body())))

    @blueprint.post("/give_up")
    def give_up() -> Response:
        """End a `subscription` as Stripe does once no further payment is tried."""
        return jsonify(public(_give_up(service, _body())))

    return blueprint


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True) or {}
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def _renew(service: StripeService, body: dict[str, Any]) -> Thing:
    with service.state.transaction():
        subscription = service.get("subscription", str(body.get("subscription")))
        return renewals.renew(service, subscription, body.get("pay", True))


def _give_up(service: StripeService, body: dict[str, Any]) -> Thing:
    with service.state.transaction():
        subscription = service.get("subscription", str(body.get("subscription")))
        if subscription["status"] != "past_due":
            raise invalid("The subscription is not past due.", "subscription")
        return subscriptions.cancel(service, subscription, "payment_failed")


def _deliveries(service: StripeService) -> list[dict[str, Any]]:
    with service.state.transaction():
        rows = service.state.run(
            "select event, json_extract(body, '$.type'), endpoint, held, tries, outcome, answer"
            " from deliveries join things on things.id = deliveries.event order by deliveries.seq"
        )
    names = ("event", "type", "endpoint", "held", "tries", "outcome", "answer")
    return [dict(zip(names, row, strict=True)) | {"held": bool(row[3])} for row in rows]
