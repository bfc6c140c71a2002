"""The billing portal's configurations and sessions."""

from __future__ import annotations

from typing import Any

from standins.stripe.answers import PAGE, Condition, page
from standins.stripe.billing.changes import PRORATIONS
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects import customers
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_CONFIGURATIONS = "/v1/billing_portal/configurations"
_SESSIONS = "/v1/billing_portal/sessions"
_FEATURES: dict[str, Any] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
_CONDITIONS = ("decreasing_item_amount", "shortening_interval")


def create_configuration(service: StripeService, parameters: Parameters) -> Thing:
    """A configuration; what is not enabled is not there.

    It is never the default: that one is made by hand, in Stripe's Dashboard alone.
    """
    parameters.only("business_profile", "default_return_url", "features", "metadata", "name")
    if "features" not in parameters:
        raise missing_parameter("features")
    configuration = _configuration(service, _features(service, parameters, _FEATURES))
    return service.state.put(_with_settings(parameters, configuration))


def _configuration(service: StripeService, features: dict[str, Any]) -> Thing:
    return service.new(
        "billing_portal.configuration",
        "bpc",
        active=True,
        application=None,
        business_profile=dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")),
        default_return_url=None,
        features=features,
        is_default=False,
        login_page={"enabled": False, "url": None},
        name=None,
        updated=service.now(),
    )


def _with_settings(parameters: Parameters, configuration: Thing) -> Thing:
    profile = parameters.inside("business_profile")
    names = ("headline", "privacy_policy_url", "terms_of_service_url")
    profile.only(*names)
    texts = {name: profile.text(name) for name in names if name in profile}
    configuration["business_profile"] |= texts
    for name in ("default_return_url", "name"):
        if name in parameters:
            configuration[name] = parameters.text(name)
    if "metadata" in parameters:
        configuration["metadata"] = parameters.metadata(configuration["metadata"])
    return configuration


def _features(
    service: StripeService, parameters: Parameters, current: dict[str, Any]
) -> dict[str, Any]:
    features = parameters.inside("features")
    features.only(*_FEATURES)
    result = dict(current)
    for name in features.plain():
        result[name] = _feature(service, features.inside(name), current[name])
    return result


def _feature(service: StripeService, fields: Parameters, current: dict[str, Any]) -> dict[str, Any]:
    """A feature with what is given, in the types that it has."""
    fields.only(*current)
    after = dict(current)
    for name in fields.plain():
        if name == "products":
            after[name] = [_product(service, each) for each in fields.each(name)]
        elif name == "schedule_at_period_end":
            nested = fields.inside(name)
            nested.only("conditions")
            conditions = [each.choice("type", _CONDITIONS) for each in nested.each("conditions")]
            after[name] = {"conditions": [{"type": each} for each in conditions]}
        elif name == "cancellation_reason":
            nested = fields.inside(name)
            nested.only("enabled", "options")
            options = nested.texts("options")
            after[name] = {"enabled": bool(nested.boolean("enabled")), "options": options}
        elif name == "enabled":
            after[name] = bool(fields.boolean(name))
        elif name == "mode":
            after[name] = fields.choice(name, ("at_period_end", "immediately"))
        elif name == "proration_behavior":
            after[name] = fields.choice(name, PRORATIONS)
        elif isinstance(current[name], list):
            after[name] = fields.texts(name)
        else:
            after[name] = fields.text(name)
    return after


def _product(service: StripeService, values: Parameters) -> dict[str, Any]:
    values.only("adjustable_quantity", "prices", "product")
    product = service.get("product", values.required("product"), values.path_of("product"))
    prices = values.texts("prices")
    for price_id in prices:
        price = service.get("price", price_id, values.path_of("prices"))
        if price["product"] != product["id"]:
            raise invalid("The price is of another product.", values.path_of("prices"))
    quantity = {"enabled": False, "maximum": None, "minimum": 1}
    return {"adjustable_quantity": quantity, "prices": prices, "product": product["id"]}


def retrieve_configuration(
    service: StripeService, parameters: Parameters, configuration: str
) -> Thing:
    """A configuration."""
    parameters.only()
    return service.get("billing_portal.configuration", configuration)


def update_configuration(
    service: StripeService, parameters: Parameters, configuration: str
) -> Thing:
    """Change what is given, feature by feature."""
    parameters.only(
        "active", "business_profile", "default_return_url", "features", "metadata", "name"
    )
    thing = service.get("billing_portal.configuration", configuration)
    thing["features"] = _features(service, parameters, thing["features"])
    if "active" in parameters:
        thing["active"] = parameters.boolean("active")
    return service.state.put(_with_settings(parameters, thing) | {"updated": service.now()})


def listed_configurations(service: StripeService, parameters: Parameters) -> Thing:
    """Configurations: the active ones, the default one."""
    parameters.only(*PAGE, "active", "is_default")
    conditions: list[Condition] = [
        (f"json_extract(body, '$.{name}') = ?", (value,))
        for name in ("active", "is_default")
        if (value := parameters.boolean(name)) is not None
    ]
    kind = "billing_portal.configuration"
    return page(service, parameters, _CONFIGURATIONS, kind, None, *conditions)


def create_session(service: StripeService, parameters: Parameters) -> Thing:
    """A session: a customer's way into the portal."""
    parameters.only("configuration", "customer", "locale", "return_url")
    customer = customers.existing(service, parameters.required("customer"), "customer")
    configuration_id = parameters.text("configuration")
    if configuration_id is None:
        raise invalid(
            "No `configuration` was named, and there is no default one: the Dashboard makes it.",
            "configuration",
        )
    configuration = service.get("billing_portal.configuration", configuration_id, "configuration")
    session = service.new(
        "billing_portal.session",
        "bps",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=None,
        locale=parameters.text("locale"),
        on_behalf_of=None,
        return_url=parameters.text("return_url") or configuration["default_return_url"],
    )
    del session["metadata"]
    session["url"] = f"{service.url}/portal/{session['id']}"
    return service.state.put(session)


ROUTES = [
    Route("POST", _CONFIGURATIONS, create_configuration),
    Route("GET", _CONFIGURATIONS, listed_configurations),
    Route("GET", f"{_CONFIGURATIONS}/<configuration>", retrieve_configuration),
    Route("POST", f"{_CONFIGURATIONS}/<configuration>", update_configuration),
    Route("POST", _SESSIONS, create_session),
]
