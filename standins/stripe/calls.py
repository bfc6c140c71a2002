"""One call of the API: who calls, what was answered before, the transaction, the answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import NamedTuple

from flask import Request

from standins.stripe.answers import Embed, expand
from standins.stripe.errors import StripeError, key_reused, unauthorized
from standins.stripe.objects.routes import Route
from standins.stripe.parameters import Parameters, decode
from standins.stripe.service import StripeService
from standins.stripe.state import Thing

KEY_SECONDS = 24 * 3600


class Answer(NamedTuple):
    """A status and a body; whether they were given before."""

    status: int
    body: Thing
    replayed: bool = False


def authenticate(service: StripeService, request: Request) -> None:
    """The secret key, as Bearer or as Basic's user. Raises 401."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            value = ""
    if not value:
        raise unauthorized("You did not provide an API key.")
    if not hmac.compare_digest(value.encode(), service.key.encode()):
        raise unauthorized("Invalid API Key provided.")


def parameters_of(request: Request) -> Parameters:
    """The parameters of a call, from its query and its form."""
    return decode(
        [*request.args.items(multi=True), *request.form.items(multi=True)],
    )


def answer(
    service: StripeService,
    request: Request,
    route: Route,
    ids: Mapping[str, str],
    embeds: Mapping[tuple[str, str], Embed],
    request_id: str,
) -> Answer:
    """Do a call, or answer as the first time its idempotency key came."""
    try:
        authenticate(service, request)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        with service.state.transaction():
            before = _before(service, key, request) if key else None
            if before:
                return before
            service.request = {"id": request_id, "idempotency_key": key}
            result = _do(service, request, route, ids, embeds)
            if key:
                _keep(service, key, request, result)
            return result
    except StripeError as error:
        return Answer(error.status, error.body)


def _do(
    service: StripeService,
    request: Request,
    route: Route,
    ids: Mapping[str, str],
    embeds: Mapping[tuple[str, str], Embed],
) -> Answer:
    parameters = parameters_of(request)
    paths = parameters.texts("expand")
    parameters.plain().pop("expand", None)
    try:
        thing = route.handler(service, parameters, **ids)
    except StripeError as error:
        if error.keep:
            return Answer(error.status, error.body)
        raise
    return Answer(200, expand(service, thing, paths, embeds))


def _fingerprint(request: Request) -> str:
    pairs = sorted([*request.args.items(multi=True), *request.form.items(multi=True)])
    return f"{request.path} {hashlib.sha256(json.dumps(pairs).encode()).hexdigest()}"


def _before(service: StripeService, key: str, request: Request) -> Answer | None:
    """The answer that the key got within a day. Raises 400 for another request."""
    oldest = service.now() - KEY_SECONDS
    service.state.run("delete from answers where at < ?", oldest)
    rows = service.state.run("select request, status, body from answers where key = ?", key)
    if not rows:
        return None
    first, status, body = rows[0]
    if first.partition(" ")[0] != request.path:
        raise key_reused(
            "Keys for idempotent requests can only be used for the same endpoint they were first"
            f" used for ('{first.partition(' ')[0]}' vs '{request.path}')."
        )
    if first != _fingerprint(request):
        raise key_reused(
            "Keys for idempotent requests can only be used with the same parameters they were"
            " first used with."
        )
    return Answer(status, json.loads(body), replayed=True)


def _keep(service: StripeService, key: str, request: Request, result: Answer) -> None:
    service.state.run(
        "insert into answers (key, request, status, body, at) values (?, ?, ?, ?, ?)",
        key,
        _fingerprint(request),
        result.status,
        json.dumps(result.body),
        service.now(),
    )
