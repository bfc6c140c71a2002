"""The stand-in as a WSGI application: the API below /v1, the pages, and /_control for tests.

Its answers are shaped as Stripe's API documents for the version of the stock package. It takes no
card: there is nowhere to write a number.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import Any

from flask import Flask, Response, jsonify, request

from standins.stripe import calls, control
from standins.stripe.answers import Embed
from standins.stripe.billing import payments
from standins.stripe.objects import (
    checkout,
    customers,
    endpoints,
    events,
    invoices,
    portal,
    products,
    refunds,
    schedules,
    subscriptions,
)
from standins.stripe.objects.routes import Route
from standins.stripe.pages import invoice, pay
from standins.stripe.pages import portal as portal_page
from standins.stripe.service import API_VERSION, StripeService
from standins.stripe.webhooks import Sender

_RESOURCES = (
    *(customers, products, checkout, portal, subscriptions, schedules, invoices, refunds),
    *(events, endpoints),
)
_EMBEDS: dict[tuple[str, str], Embed] = {
    ("charge", "refunds"): refunds.refunds_of,
    ("checkout.session", "line_items"): checkout.line_items,
    ("customer", "subscriptions"): customers.subscriptions_of,
    ("invoice", "payments"): payments.payments_of,
}
_MAX_BODY = 1024 * 1024
_REMEMBERED = 10_000
"""Requests that `/_control/requests` shows."""


def create_app(service: StripeService, sender: Sender) -> Flask:
    """The application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider
    log: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    @app.before_request
    def remember() -> None:
        log.append(
            {
                "method": request.method,
                "path": request.full_path.rstrip("?"),
                "body": request.get_data().decode("utf-8", "replace"),
            }
        )

    @app.after_request
    def send(response: Response) -> Response:
        if request.method != "GET":
            sender.wake()
        return response

    for route in [route for resource in _RESOURCES for route in resource.ROUTES]:
        _add(app, service, route)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def unknown(_: Exception) -> tuple[dict[str, Any], int]:
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return {"error": {"type": "invalid_request_error", "message": message}}, 404

    app.register_blueprint(control.routes(service, log))
    for page in (pay, portal_page, invoice):
        app.register_blueprint(page.routes(service))
    return app


def _add(app: Flask, service: StripeService, route: Route) -> None:
    def view(**ids: str) -> Response:
        request_id = f"req_{secrets.token_hex(7)}"
        result = calls.answer(service, request, route, ids, _EMBEDS, request_id)
        response = jsonify(result.body)
        response.status_code = result.status
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = API_VERSION
        key = request.headers.get("Idempotency-Key")
        if key:
            response.headers["Idempotency-Key"] = key
        if result.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    app.add_url_rule(route.rule, f"{route.method} {route.rule}", view, methods=[route.method])
