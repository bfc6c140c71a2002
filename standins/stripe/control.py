"""/_control: what tests set and see; Stripe has nothing of it. The secret key opens it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Blueprint, Response, jsonify, request

from standins.stripe import calls, webhooks
from standins.stripe.billing import renewals, subscriptions
from standins.stripe.errors import StripeError, invalid
from standins.stripe.service import Service, shown


def routes(service: Service, received: Collection[dict[str, Any]]) -> Blueprint:
    """The routes; bodies are JSON."""
    room = Blueprint("control", __name__, url_prefix="/_control")

    @room.before_request
    def authenticate() -> None:
        calls.authenticate(service, request)

    @room.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[dict[str, Any], int]:
        return error.body, error.status

    @room.get("/requests")
    def requests() -> Response:
        """Every request received: method, path, body."""
        return jsonify(list(received))

    @room.get("/deliveries")
    def deliveries() -> Response:
        """Every delivery: event, type, endpoint, held, tries, outcome, last answer."""
        return jsonify(_deliveries(service))

    @room.post("/deliveries")
    def mode() -> Response:
        """How events go out from now on: `mode`, and the `seconds` of the mode "late"."""
        asked = _body()
        if asked.get("mode") not in webhooks.MODES:
            raise invalid(f"mode must be one of {', '.join(webhooks.MODES)}", "mode")
        with service.state.transaction():
            service.state.take_note("mode", asked)
        return jsonify(asked)

    @room.post("/release")
    def release() -> Response:
        """Send held events: those of `order` in that order, or all."""
        with service.state.transaction():
            going = webhooks.release(service.state, _body().get("order"), service.clock())
        return jsonify({"released": going})

    @room.post("/fail_next")
    def fail_next() -> Response:
        """Let the next payment, or `times` of them, of a `customer` fail."""
        asked = _body()
        with service.state.transaction():
            customer = service.get("customer", str(asked.get("customer")))
            service.state.take_note(f"fail:{customer['id']}", int(asked.get("times", 1)))
        return jsonify(asked)

    @room.post("/renew")
    def renew() -> Response:
        """Take a `subscription` to its period's end; `pay` false: the renewal is not paid."""
        asked = _body()
        with service.state.transaction():
            subscription = service.get("subscription", str(asked.get("subscription")))
            after = renewals.renew(service, subscription, asked.get("pay", True))
        return jsonify(shown(after))

    @room.post("/give_up")
    def give_up() -> Response:
        """End a `subscription` as Stripe does once no further payment is tried."""
        asked = _body()
        with service.state.transaction():
            subscription = service.get("subscription", str(asked.get("subscription")))
            if subscription["status"] != "past_due":
                raise invalid("The subscription is not past due.", "subscription")
            after = subscriptions.cancel(service, subscription, "payment_failed")
        return jsonify(shown(after))

    return room


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True) or {}
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def _deliveries(service: Service) -> list[dict[str, Any]]:
    with service.state.transaction():
        rows = service.state.run(
            "select event, json_extract(body, '$.type'), endpoint, held, tries, outcome, answer"
            " from deliveries join things on things.id = deliveries.event order by deliveries.seq"
        )
    names = ("event", "type", "endpoint", "held", "tries", "outcome", "answer")
    return [dict(zip(names, row, strict=True)) | {"held": bool(row[3])} for row in rows]
