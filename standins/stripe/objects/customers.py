"""Customers."""

from __future__ import annotations

from standins.stripe.answers import PAGE, page, whole
from standins.stripe.billing import subscriptions
from standins.stripe.errors import no_such
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing

_URL = "/v1/customers"
_TEXTS = ("email", "name", "phone", "description")
_OURS = (*_TEXTS, "metadata")


def create(service: StripeService, parameters: Parameters) -> Thing:
    """A new customer."""
    parameters.only(*_OURS)
    return make(service, {name: parameters.text(name) for name in _TEXTS}, parameters.metadata())


def make(service: StripeService, texts: dict[str, str | None], metadata: dict[str, str]) -> Thing:
    """A customer with these fields."""
    customer = service.new(
        "customer",
        "cus",
        14,
        address=None,
        balance=0,
        currency=None,
        customer_account=None,
        default_source=None,
        delinquent=False,
        description=None,
        discount=None,
        email=None,
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    customer |= texts | {"metadata": metadata}
    customer["invoice_prefix"] = customer["id"][-8:].upper()
    service.state.put(customer)
    service.emit("customer.created", customer)
    return customer


def retrieve(service: StripeService, parameters: Parameters, customer: str) -> Thing:
    """A customer; of a deleted one, that it is deleted."""
    parameters.only()
    return service.get("customer", customer)


def existing(service: StripeService, customer: str, param: str = "id") -> Thing:
    """A customer that is not deleted."""
    thing = service.get("customer", customer, param)
    if thing.get("deleted"):
        raise no_such("customer", customer, param)
    return thing


def update(service: StripeService, parameters: Parameters, customer: str) -> Thing:
    """Change what is given."""
    parameters.only(*_OURS)
    before = existing(service, customer)
    after = before | {name: parameters.text(name) for name in _TEXTS if name in parameters}
    if "metadata" in parameters:
        after["metadata"] = parameters.metadata(before["metadata"])
    service.state.put(after)
    if difference := changed(before, after):
        service.emit("customer.updated", after, difference)
    return after


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Customers, of an email address where one is given."""
    parameters.only(*PAGE, "email")
    email = parameters.text("email")
    present = ("json_extract(body, '$.deleted') is null", ())
    return page(service, parameters, _URL, "customer", {"email": email} if email else {}, present)


def delete(service: StripeService, parameters: Parameters, customer: str) -> Thing:
    """Delete a customer for good; its subscriptions end at once."""
    parameters.only()
    thing = existing(service, customer)
    for subscription in service.state.find("subscription", {"customer": customer}):
        if subscription["status"] not in subscriptions.ENDED:
            subscriptions.cancel(service, subscription)
    tombstone = {"id": customer, "object": "customer", "deleted": True}
    service.state.put(tombstone)
    service.emit("customer.deleted", thing)
    return tombstone


def subscriptions_of(service: StripeService, customer: Thing) -> Thing:
    """The `subscriptions` of a customer, where they are asked for."""
    all_subscriptions = service.state.find("subscription", {"customer": customer["id"]})
    going = [each for each in all_subscriptions if each["status"] not in subscriptions.ENDED]
    return whole(going, f"{_URL}/{customer['id']}/subscriptions")


ROUTES = [
    Route("POST", _URL, create),
    Route("GET", _URL, list_all),
    Route("GET", f"{_URL}/<customer>", retrieve),
    Route("POST", f"{_URL}/<customer>", update),
    Route("DELETE", f"{_URL}/<customer>", delete),
]
