"""Webhook endpoints. One is there from the start: the API of this machine."""

from __future__ import annotations

import secrets
from typing import Any

from standins.stripe.answers import PAGE, page
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import API_VERSION, StripeService, public
from standins.stripe.state import Thing

_URL = "/v1/webhook_endpoints"
OWN = "we_of_this_machine"


def make_own(service: StripeService, url: str, secret: str) -> None:
    """The endpoint of this machine's API, at its address of now."""
    existing = service.state.get(OWN)
    endpoint = existing or _new(
        service, enabled_events=["*"], description="The API of this machine"
    )
    service.state.put(endpoint | {"id": OWN, "url": url, "_secret": secret})


def _new(service: StripeService, **fields: Any) -> Thing:
    return service.new(
        "webhook_endpoint",
        "we",
        api_version=API_VERSION,
        application=None,
        status="enabled",
        **fields,
    )


def create(service: StripeService, parameters: Parameters) -> Thing:
    """A new endpoint; this answer alone holds its secret."""
    parameters.only("api_version", "connect", "description", "enabled_events", "metadata", "url")
    events = parameters.texts("enabled_events")
    if not events:
        raise missing_parameter("enabled_events")
    endpoint = _new(
        service,
        description=parameters.text("description"),
        enabled_events=events,
        metadata=parameters.metadata(),
        url=_address(parameters.required("url")),
        _secret=f"whsec_{secrets.token_urlsafe(24)}",
    )
    service.state.put(endpoint)
    return public(endpoint) | {"secret": endpoint["_secret"]}


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise invalid("Invalid URL: must start with https:// or http://", "url", "url_invalid")
    return url


def retrieve(service: StripeService, parameters: Parameters, endpoint: str) -> Thing:
    """An endpoint."""
    parameters.only()
    return service.get("webhook_endpoint", endpoint)


def update(service: StripeService, parameters: Parameters, endpoint: str) -> Thing:
    """Change what is given."""
    parameters.only("description", "disabled", "enabled_events", "metadata", "url")
    thing = service.get("webhook_endpoint", endpoint)
    if "description" in parameters:
        thing["description"] = parameters.text("description")
    if "enabled_events" in parameters:
        thing["enabled_events"] = parameters.texts("enabled_events")
    if "metadata" in parameters:
        thing["metadata"] = parameters.metadata(thing["metadata"])
    if "url" in parameters:
        thing["url"] = _address(parameters.required("url"))
    if "disabled" in parameters:
        thing["status"] = "disabled" if parameters.boolean("disabled") else "enabled"
    return service.state.put(thing)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Endpoints."""
    parameters.only(*PAGE)
    return page(service, parameters, _URL, "webhook_endpoint")


def delete(service: StripeService, parameters: Parameters, endpoint: str) -> Thing:
    """Delete an endpoint: nothing more is sent to it."""
    parameters.only()
    service.get("webhook_endpoint", endpoint)
    service.state.run("delete from things where id = ?", endpoint)
    return {"id": endpoint, "object": "webhook_endpoint", "deleted": True}


ROUTES = [
    Route("POST", _URL, create),
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<endpoint>", retrieve),
    Route("POST", f"{_URL}/<endpoint>", update),
    Route("DELETE", f"{_URL}/<endpoint>", delete),
]
