"""The routes: Stripe's API, its pages, and what tests command."""

from __future__ import annotations

import copy
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask, Response, request

from local.stripe import pages, subscriptions, webhooks
from local.stripe.errors import StripeError, invalid, unauthorized
from local.stripe.parameters import flag, parse
from local.stripe.state import Object, State

LIMIT = 10


def create_app(
    folder: Path, *, url: str, secret_key: str, webhook_url: str, webhook_secret: str
) -> Flask:
    """The stand-in at `url`, its state in `folder`; events go to `webhook_url` and endpoints."""
    app = Flask(__name__, static_folder=None)
    folder.mkdir(parents=True, exist_ok=True)
    state = State(folder / "stripe.json")
    sender = webhooks.Sender(state)
    state.tell = sender.tell
    received: list[dict[str, Any]] = []
    _first_endpoint(state, webhook_url, webhook_secret)

    def parameters() -> dict[str, Any]:
        pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
        return parse(pairs)

    @app.before_request
    def guard() -> None:
        if request.path.startswith(("/v1/", "/_control/")):
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), secret_key.encode()):
                raise unauthorized()

    @app.errorhandler(StripeError)
    def refused(error: StripeError) -> Response:
        if request.path.startswith("/v1/"):
            return _json(error.body, error.status)
        return Response(pages.page("Stripe", f"<p>{error}</p>"), error.status)

    def route(method: str, path: str) -> Callable[[Callable[..., Object]], Callable[..., Object]]:
        """A route of the API: parameters in, an object out; all under the lock, saved, expanded."""

        def register(handler: Callable[..., Object]) -> Callable[..., Object]:
            def serve(**names: str) -> Response:
                given = parameters()
                received.append({"path": request.path, "parameters": given})
                expand = given.pop("expand", [])
                key = request.headers.get("Idempotency-Key") if method == "POST" else None
                with state.lock:
                    mark = [request.path, given]
                    if key and key in state.answers:
                        if state.answers[key]["of"] != mark:
                            raise StripeError(
                                400, "idempotency_error",
                                "Keys for idempotent requests can only be used with the same"
                                " parameters they were first used with.",
                            )  # fmt: skip
                        return _json(state.answers[key]["body"])
                    made = handler(given, **names)
                    body = _expanded(state, _shown(made), expand)
                    if key:
                        state.answers[key] = {"of": mark, "body": body}
                    if method != "GET":
                        state.save()
                return _json(body)

            app.add_url_rule(
                f"/v1{path}", f"{method} {path}", serve, methods=[method], strict_slashes=False
            )
            return handler

        return register

    def listed(kind: str, given: dict[str, Any], **wanted: Any) -> Object:
        found = state.all(kind, **{name: value for name, value in wanted.items() if value})
        return _page(found, given)

    @route("POST", "/customers")
    def make_customer(given: dict[str, Any]) -> Object:
        made = state.make(
            "customer",
            _only(given, "email", "name", "metadata"),
        )
        state.emit("customer.created", made)
        return made

    @route("GET", "/customers/<object_id>")
    def get_customer(_: dict[str, Any], object_id: str) -> Object:
        return state.get("customer", object_id)

    @route("DELETE", "/customers/<object_id>")
    def delete_customer(_: dict[str, Any], object_id: str) -> Object:
        found = state.get("customer", object_id)
        for each in state.all("subscription", customer=object_id):
            if each["status"] != "canceled":
                subscriptions.cancel(state, each)
        kept = {"id": object_id, "object": "customer", "deleted": True}
        for name in list(found):
            del found[name]
        found |= kept
        state.emit("customer.deleted", found)
        return found

    @route("POST", "/products")
    def make_product(given: dict[str, Any]) -> Object:
        return state.make(
            "product",
            _only(given, "name", "description", "metadata"),
            active=True,
            description=None,
        )

    @route("POST", "/products/<object_id>")
    def change_product(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("product", object_id)
        found |= _only(given, "name", "description", "metadata")
        return found

    @route("GET", "/products")
    def list_products(given: dict[str, Any]) -> Object:
        return listed("product", given, active=flag(given.get("active")))

    @route("POST", "/prices")
    def make_price(given: dict[str, Any]) -> Object:
        key = given.get("lookup_key")
        for other in state.all("price", lookup_key=key) if key else ():
            if not flag(given.get("transfer_lookup_key")):
                raise invalid("A price already uses that lookup key.", "lookup_key")
            other["lookup_key"] = None
        state.get("product", given["product"])
        return state.make(
            "price",
            _only(given, "product", "currency", "metadata", "recurring"),
            active=True,
            type="recurring",
            unit_amount=int(given["unit_amount"]),
            lookup_key=key,
        )

    @route("POST", "/prices/<object_id>")
    def change_price(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("price", object_id)
        if "active" in given:
            found["active"] = flag(given["active"])
        return found

    @route("GET", "/prices")
    def list_prices(given: dict[str, Any]) -> Object:
        keys = given.get("lookup_keys")
        found = state.all("price", **({"active": True} if flag(given.get("active")) else {}))
        return _page([each for each in found if keys is None or each["lookup_key"] in keys], given)

    @route("POST", "/checkout/sessions")
    def make_checkout(given: dict[str, Any]) -> Object:
        state.get("customer", given["customer"])
        price = state.get("price", given["line_items"][0]["price"])
        made = state.make(
            "checkout.session",
            _only(given, "mode", "customer", "client_reference_id", "success_url", "cancel_url",
                  "metadata"),
            status="open",
            payment_status="unpaid",
            subscription=None,
            _price=price["id"],
        )  # fmt: skip
        made["url"] = f"{url}/pay/{made['id']}"
        return made

    @route("GET", "/checkout/sessions")
    def list_checkouts(given: dict[str, Any]) -> Object:
        return listed("checkout.session", given, customer=given.get("customer"),
                      status=given.get("status"))  # fmt: skip

    @route("POST", "/checkout/sessions/<object_id>/expire")
    def expire_checkout(_: dict[str, Any], object_id: str) -> Object:
        found = state.get("checkout.session", object_id)
        if found["status"] != "open":
            raise invalid("Only Checkout Sessions with a status of open can be expired.")
        found |= {"status": "expired", "url": None}
        state.emit("checkout.session.expired", found)
        return found

    @route("POST", "/billing_portal/configurations")
    def make_configuration(given: dict[str, Any]) -> Object:
        first = not state.all("billing_portal.configuration")
        return state.make(
            "billing_portal.configuration",
            _only(given, "features"),
            active=True,
            is_default=first,
        )

    @route("POST", "/billing_portal/configurations/<object_id>")
    def change_configuration(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("billing_portal.configuration", object_id)
        found |= _only(given, "features")
        return found

    @route("GET", "/billing_portal/configurations")
    def list_configurations(given: dict[str, Any]) -> Object:
        return listed("billing_portal.configuration", given)

    @route("POST", "/billing_portal/sessions")
    def make_portal(given: dict[str, Any]) -> Object:
        state.get("customer", given["customer"])
        made = state.make(
            "billing_portal.session",
            _only(given, "customer", "return_url"),
        )
        made["url"] = f"{url}/portal/{made['id']}"
        return made

    @route("GET", "/subscriptions")
    def list_subscriptions(given: dict[str, Any]) -> Object:
        found = state.all("subscription")
        if "customer" in given:
            found = [each for each in found if each["customer"] == given["customer"]]
        if given.get("status") != "all":
            wanted = (
                {given["status"]} if "status" in given
                else {each["status"] for each in found} - {"canceled"}
            )  # fmt: skip
            found = [each for each in found if each["status"] in wanted]
        return _page(found, given)

    @route("GET", "/subscriptions/<object_id>")
    def get_subscription(_: dict[str, Any], object_id: str) -> Object:
        return state.get("subscription", object_id)

    @route("POST", "/subscriptions/<object_id>")
    def change_subscription(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("subscription", object_id)
        subscriptions.update(state, found, given)
        return found

    @route("DELETE", "/subscriptions/<object_id>")
    def cancel_subscription(_: dict[str, Any], object_id: str) -> Object:
        found = state.get("subscription", object_id)
        subscriptions.cancel(state, found)
        return found

    @route("POST", "/subscription_schedules")
    def make_schedule(given: dict[str, Any]) -> Object:
        return subscriptions.schedule(state, state.get("subscription", given["from_subscription"]))

    @route("POST", "/subscription_schedules/<object_id>")
    def change_schedule(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("subscription_schedule", object_id)
        subscriptions.plan_phases(state, found, given)
        return found

    @route("POST", "/subscription_schedules/<object_id>/release")
    def release_schedule(_: dict[str, Any], object_id: str) -> Object:
        found = state.get("subscription_schedule", object_id)
        if found["status"] != "active":
            raise invalid("Only an active schedule can be released.")
        subscriptions.release(state, found)
        return found

    @route("GET", "/invoices")
    def list_invoices(given: dict[str, Any]) -> Object:
        found = listed("invoice", given, customer=given.get("customer"))
        return found | {"data": [_linked(url, each) for each in found["data"]]}

    @route("GET", "/invoices/<object_id>")
    def get_invoice(_: dict[str, Any], object_id: str) -> Object:
        return _linked(url, state.get("invoice", object_id))

    @route("GET", "/events")
    def list_events(given: dict[str, Any]) -> Object:
        since = int((given.get("created") or {}).get("gte", 0))
        types = given.get("types")
        return _page(
            [each for each in state.all("event")
             if each["created"] >= since and (not types or each["type"] in types)],
            given,
        )  # fmt: skip

    @route("POST", "/webhook_endpoints")
    def make_endpoint(given: dict[str, Any]) -> Object:
        secret = f"whsec_{secrets.token_urlsafe(24)}"
        made = state.make(
            "webhook_endpoint",
            _only(given, "url", "enabled_events", "metadata"),
            status="enabled",
            _secret=secret,
        )
        return made | {"secret": secret}

    @route("POST", "/webhook_endpoints/<object_id>")
    def change_endpoint(given: dict[str, Any], object_id: str) -> Object:
        found = state.get("webhook_endpoint", object_id)
        found |= _only(given, "url", "enabled_events")
        return found

    @route("GET", "/webhook_endpoints")
    def list_endpoints(given: dict[str, Any]) -> Object:
        return listed("webhook_endpoint", given)

    @app.get("/pay/<object_id>")
    def show_checkout(object_id: str) -> str:
        with state.lock:
            return pages.checkout(state, state.get("checkout.session", object_id))

    @app.post("/pay/<object_id>/<act>")
    def click_checkout(object_id: str, act: str) -> Response:
        with state.lock:
            session = state.get("checkout.session", object_id)
            if session["status"] != "open" or act == "abandon":
                return _go(session["cancel_url"])
            if act != "pay":
                return Response(pages.checkout(state, session, "Your card was declined."), 402)
            made = subscriptions.subscribe(
                state, session["customer"], state.get("price", session["_price"]), {}
            )
            session |= {"status": "complete", "payment_status": "paid", "url": None,
                        "subscription": made["id"]}  # fmt: skip
            state.emit("checkout.session.completed", session)
            state.save()
            return _go(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    @app.get("/portal/<object_id>")
    def show_portal(object_id: str) -> str:
        with state.lock:
            return pages.portal(state, state.get("billing_portal.session", object_id))

    @app.post("/portal/<object_id>/<act>")
    @app.post("/portal/<object_id>/<act>/<invoice_id>")
    def click_portal(object_id: str, act: str, invoice_id: str = "") -> Response:
        with state.lock:
            session = state.get("billing_portal.session", object_id)
            try:
                if act == "pay":
                    subscriptions.pay(state, state.get("invoice", invoice_id))
                for found in state.all("subscription", customer=session["customer"]):
                    if act in ("cancel", "resume") and found["status"] != "canceled":
                        wanted = "true" if act == "cancel" else "false"
                        subscriptions.update(state, found, {"cancel_at_period_end": wanted})
            except StripeError as error:
                return Response(pages.portal(state, session, str(error)), error.status)
            state.save()
            return _go(f"{url}/portal/{object_id}")

    @app.get("/invoice/<object_id>")
    def show_invoice(object_id: str) -> str:
        with state.lock:
            return pages.invoice(state.get("invoice", object_id))

    @app.post("/_control/deliveries")
    def set_deliveries() -> Response:
        mode = request.get_json()["mode"]
        if mode not in webhooks.MODES:
            raise invalid(f"mode must be one of: {', '.join(webhooks.MODES)}.")
        sender.mode = mode
        return _json({"held": [webhooks.told(each) for each in sender.held()]})

    @app.post("/_control/release")
    def release_events() -> Response:
        sender.release(request.get_json().get("order"))
        return _json({})

    @app.post("/_control/renew")
    def renew_subscription() -> Response:
        given = request.get_json()
        with state.lock:
            found = state.get("subscription", given["subscription"])
            subscriptions.renew(state, found, pays=given.get("pays", True))
            state.save()
            return _json(_shown(found))

    @app.post("/_control/card")
    def set_card() -> Response:
        """Whether what a customer pays with is declined from now on."""
        given = request.get_json()
        with state.lock:
            state.get("customer", given["customer"])["_declines"] = bool(given["declines"])
            state.save()
        return _json({})

    @app.get("/_control/requests")
    def tell_requests() -> Response:
        return _json(received)

    return app


def _first_endpoint(state: State, url: str, secret: str) -> None:
    """The endpoint of this machine's own service, whose address changes with its port."""
    with state.lock:
        for found in state.all("webhook_endpoint", _own=True):
            found |= {"url": url, "_secret": secret}
            break
        else:
            state.make("webhook_endpoint", url=url, enabled_events=["*"], status="enabled",
                       _secret=secret, _own=True)  # fmt: skip
        state.save()


def _page(found: list[Object], given: dict[str, Any]) -> Object:
    start = 0
    if "starting_after" in given:
        ids = [each["id"] for each in found]
        if given["starting_after"] not in ids:
            raise invalid("No such object", "starting_after")
        start = ids.index(given["starting_after"]) + 1
    limit = int(given.get("limit", LIMIT))
    return {
        "object": "list",
        "data": [_shown(each) for each in found[start : start + limit]],
        "has_more": len(found) > start + limit,
        "url": request.path,
    }


def _only(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def _shown(found: Object) -> Object:
    """Without what the stand-in notes for itself."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _linked(url: str, invoice: Object) -> Object:
    link = f"{url}/invoice/{invoice['id']}"
    return invoice | {"hosted_invoice_url": link, "invoice_pdf": link}


def _expanded(state: State, found: Object, paths: list[str]) -> Object:
    """Put objects in the place of their ids, as `expand` asks."""
    made = copy.deepcopy(found)
    for path in paths:
        places: list[Any] = [made]
        *steps, last = path.split(".")
        for step in steps:
            inner = [each[step] for each in places]
            places = [one for each in inner for one in (each if isinstance(each, list) else [each])]
        for place in places:
            target = state.any(place.get(last) or "")
            if target:
                place[last] = _shown(target)
    return made


def _go(address: str) -> Response:
    return Response(status=303, headers={"Location": address})


def _json(body: Any, status: int = 200) -> Response:
    response = Response(msgspec.json.encode(body), status, mimetype="application/json")
    response.headers["Request-Id"] = f"req_{secrets.token_hex(7)}"
    return response
