"""Charges, payment intents and refunds."""

from __future__ import annotations

from standins.stripe.answers import PAGE, page, whole
from standins.stripe.errors import invalid, missing_parameter
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters
from standins.stripe.service import StripeService, changed
from standins.stripe.state import Thing

_CHARGES, _INTENTS, _REFUNDS = "/v1/charges", "/v1/payment_intents", "/v1/refunds"
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def charge(service: StripeService, parameters: Parameters, charge: str) -> Thing:
    """A charge."""
    parameters.only()
    return service.get("charge", charge)


def charges(service: StripeService, parameters: Parameters) -> Thing:
    """Charges: of a customer, of a payment intent."""
    parameters.only(*PAGE, "customer", "payment_intent")
    return _listed(service, parameters, _CHARGES, "charge", "customer", "payment_intent")


def intent(service: StripeService, parameters: Parameters, intent: str) -> Thing:
    """A payment intent."""
    parameters.only()
    return service.get("payment_intent", intent)


def create(service: StripeService, parameters: Parameters) -> Thing:
    """Give back a charge, or a part of it."""
    parameters.only("amount", "charge", "metadata", "payment_intent", "reason")
    paid = _charge(service, parameters)
    rest = paid["amount_captured"] - paid["amount_refunded"]
    part = parameters.integer("amount")
    if rest <= 0:
        message = f"Charge {paid['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    amount = rest if part is None else part
    if not 1 <= amount <= rest:
        raise invalid(f"Refund amount must be 1 to {rest}.", "amount")
    refund = service.new(
        "refund",
        "re",
        amount=amount,
        balance_transaction=None,
        charge=paid["id"],
        currency=paid["currency"],
        customer=paid["customer"],
        destination_details=None,
        metadata=parameters.metadata(),
        payment_intent=paid["payment_intent"],
        reason=parameters.choice("reason", _REASONS),
        receipt_number=None,
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )
    del refund["livemode"]
    service.state.put(refund)
    refunded = paid["amount_refunded"] + amount
    after = paid | {"amount_refunded": refunded, "refunded": refunded == paid["amount_captured"]}
    service.state.put(after)
    service.emit("refund.created", refund)
    service.emit("charge.refunded", after, changed(paid, after))
    return refund


def _charge(service: StripeService, parameters: Parameters) -> Thing:
    charge_id, intent_id = parameters.text("charge"), parameters.text("payment_intent")
    if charge_id and intent_id:
        raise invalid("You may only specify one of these: charge, payment_intent.")
    if intent_id:
        intent = service.get("payment_intent", intent_id, "payment_intent")
        charge_id = intent["latest_charge"]
    if not charge_id:
        raise missing_parameter("charge")
    return service.get("charge", charge_id, "charge")


def refund(service: StripeService, parameters: Parameters, refund: str) -> Thing:
    """A refund."""
    parameters.only()
    return service.get("refund", refund)


def refunds(service: StripeService, parameters: Parameters) -> Thing:
    """Refunds: of a charge, of a payment intent."""
    parameters.only(*PAGE, "charge", "payment_intent")
    return _listed(service, parameters, _REFUNDS, "refund", "charge", "payment_intent")


def _listed(
    service: StripeService, parameters: Parameters, url: str, kind: str, *filters: str
) -> Thing:
    equal = {name: value for name in filters if (value := parameters.text(name))}
    return page(service, parameters, url, kind, equal)


def refunds_of(service: StripeService, charge: Thing) -> Thing:
    """The `refunds` of a charge, where they are asked for."""
    refunds = service.state.find("refund", {"charge": charge["id"]})
    return whole(refunds, f"{_CHARGES}/{charge['id']}/refunds")


ROUTES = [
    Route("GET", _CHARGES, charges),
    Route("GET", f"{_CHARGES}/<charge>", charge),
    Route("GET", f"{_INTENTS}/<intent>", intent),
    Route("POST", _REFUNDS, create),
    Route("GET", _REFUNDS, refunds),
    Route("GET", f"{_REFUNDS}/<refund>", refund),
]
