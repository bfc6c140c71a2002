"""Products, and the prices they have."""

from __future__ import annotations

from standins.stripe.answers import PAGE, Condition, page
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

_PRODUCTS, _PRICES = "/v1/products", "/v1/prices"
_INTERVALS = ("day", "week", "month", "year")
_TEXTS = ("description", "statement_descriptor", "tax_code", "unit_label", "url")
_PRODUCT = (*_TEXTS, "name", "active", "metadata")


def create(service: StripeService, parameters: Parameters) -> Thing:
    """A new product, with an id of the caller's choice where one is given."""
    parameters.only(*_PRODUCT, "id")
    product = service.new(
        "product",
        "prod",
        14,
        active=parameters.boolean("active") is not False,
        default_price=None,
        images=[],
        marketing_features=[],
        metadata=parameters.metadata(),
        name=parameters.required("name"),
        package_dimensions=None,
        shippable=None,
        type="service",
        updated=service.now(),
    )
    product |= {name: parameters.text(name) for name in _TEXTS}
    product["id"] = parameters.text("id") or product["id"]
    if service.state.get(product["id"]):
        raise invalid("Product already exists.", "id", "resource_already_exists")
    return service.state.put(product)


def retrieve(service: StripeService, parameters: Parameters, product: str) -> Thing:
    """A product."""
    parameters.only()
    return service.get("product", product)


def update(service: StripeService, parameters: Parameters, product: str) -> Thing:
    """Change what is given."""
    parameters.only(*_PRODUCT)
    thing = service.get("product", product)
    thing |= {name: parameters.text(name) for name in _TEXTS if name in parameters}
    if "name" in parameters:
        thing["name"] = parameters.required("name")
    if "active" in parameters:
        thing["active"] = parameters.boolean("active")
    if "metadata" in parameters:
        thing["metadata"] = parameters.metadata(thing["metadata"])
    thing["updated"] = service.now()
    return service.state.put(thing)


def list_all(service: StripeService, parameters: Parameters) -> Thing:
    """Products."""
    parameters.only(*PAGE, "active", "ids")
    conditions = [_active(parameters), _among("id", parameters.texts("ids"))]
    return page(service, parameters, _PRODUCTS, "product", None, *filter(None, conditions))


def create_price(service: StripeService, parameters: Parameters) -> Thing:
    """A new price of a product: one-time, or paid again each interval."""
    parameters.only(
        "active",
        "currency",
        "lookup_key",
        "metadata",
        "nickname",
        "product",
        "recurring",
        "tax_behavior",
        "transfer_lookup_key",
        "unit_amount",
    )
    product = service.get("product", parameters.required("product"), "product")
    amount = parameters.integer("unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    if amount < 0:
        raise invalid("Invalid non-negative integer", "unit_amount")
    price = service.new(
        "price",
        "price",
        active=parameters.boolean("active") is not False,
        billing_scheme="per_unit",
        currency=parameters.required("currency").lower(),
        custom_unit_amount=None,
        lookup_key=None,
        metadata=parameters.metadata(),
        nickname=parameters.text("nickname"),
        product=product["id"],
        recurring=_recurring(parameters),
        tax_behavior=parameters.text("tax_behavior") or "unspecified",
        tiers_mode=None,
        transform_quantity=None,
        type="recurring" if "recurring" in parameters else "one_time",
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    _take_lookup_key(service, parameters, price)
    return service.state.put(price)


def _recurring(parameters: Parameters) -> Thing | None:
    if "recurring" not in parameters:
        return None
    inner = parameters.inside("recurring")
    inner.only("interval", "interval_count", "usage_type")
    inner.required("interval")
    inner.choice("usage_type", ("licensed",))
    return {
        "interval": inner.choice("interval", _INTERVALS),
        "interval_count": inner.integer("interval_count") or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _take_lookup_key(service: StripeService, parameters: Parameters, price: Thing) -> None:
    """Give the price its lookup key; another price keeps it, unless it is to be transferred."""
    key = parameters.text("lookup_key")
    for other in service.state.find("price", {"lookup_key": key}) if key else []:
        if other["id"] == price["id"]:
            continue
        if not parameters.boolean("transfer_lookup_key"):
            raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
        service.state.put(other | {"lookup_key": None})
    price["lookup_key"] = key


def retrieve_price(service: StripeService, parameters: Parameters, price: str) -> Thing:
    """A price."""
    parameters.only()
    return service.get("price", price)


def update_price(service: StripeService, parameters: Parameters, price: str) -> Thing:
    """Change what can be changed: never the amount."""
    parameters.only("active", "lookup_key", "metadata", "nickname", "transfer_lookup_key")
    thing = service.get("price", price)
    if "active" in parameters:
        thing["active"] = parameters.boolean("active")
    if "nickname" in parameters:
        thing["nickname"] = parameters.text("nickname")
    if "metadata" in parameters:
        thing["metadata"] = parameters.metadata(thing["metadata"])
    if "lookup_key" in parameters:
        _take_lookup_key(service, parameters, thing)
    return service.state.put(thing)


def listed_prices(service: StripeService, parameters: Parameters) -> Thing:
    """Prices: of a product, by lookup keys, the active ones."""
    parameters.only(*PAGE, "active", "currency", "lookup_keys", "product", "type")
    equal = {name: parameters.text(name) for name in ("currency", "product", "type")}
    conditions = [_active(parameters), _among("lookup_key", parameters.texts("lookup_keys"))]
    filters = {name: value for name, value in equal.items() if value}
    return page(service, parameters, _PRICES, "price", filters, *filter(None, conditions))


def _active(parameters: Parameters) -> Condition | None:
    active = parameters.boolean("active")
    return None if active is None else ("json_extract(body, '$.active') = ?", (active,))


def _among(name: str, values: list[str]) -> Condition | None:
    marks = ", ".join("?" * len(values))
    return (f"json_extract(body, '$.{name}') in ({marks})", tuple(values)) if values else None


ROUTES = [
    Route("POST", _PRODUCTS, create),
    Route("GET", _PRODUCTS, list_all),
    Route("GET", f"{_PRODUCTS}/<product>", retrieve),
    Route("POST", f"{_PRODUCTS}/<product>", update),
    Route("POST", _PRICES, create_price),
    Route("GET", _PRICES, listed_prices),
    Route("GET", f"{_PRICES}/<price>", retrieve_price),
    Route("POST", f"{_PRICES}/<price>", update_price),
]
