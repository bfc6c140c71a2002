"""Events."""

from __future__ import annotations

from standins.stripe.answers import PAGE, Condition, page
from standins.stripe.errors import invalid
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_URL = "/v1/events"


def retrieve(service: StripeService, parameters: Parameters, event: str) -> Thing:
    """An event, as it was sent."""
    parameters.only()
    return service.get("event", event)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Events, of some types; `delivery_success` false: those still owed to an endpoint."""
    parameters.only(*PAGE, "delivery_success", "type", "types")
    single, types = parameters.text("type"), parameters.texts("types")
    if single and types:
        raise invalid("You may only specify one of these: type, types.")
    if len(types) > 20:
        raise invalid("You may list up to 20 types.", "types")
    conditions: list[Condition] = []
    field = "json_extract(body, '$.type')"
    if single:
        conditions.append((f"{field} glob ?", (single,)))
    if types:
        marks = ", ".join("?" * len(types))
        conditions.append((f"{field} in ({marks})", tuple(types)))
    delivered = parameters.boolean("delivery_success")
    if delivered is not None:
        conditions.append(("(json_extract(body, '$.pending_webhooks') = 0) = ?", (delivered,)))
    return page(service, parameters, _URL, "event", None, *conditions)


ROUTES = [Route("GET", _URL, list_all), Route("GET", f"{_URL}/<event>", retrieve)]
