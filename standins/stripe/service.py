"""What every part of the stand-in shares."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Any

from standins.stripe import webhooks
from standins.stripe.errors import no_such
from standins.stripe.state import State, Thing

API_VERSION = "2026-10-28.endive"
"""The version that the stock package of requirements.txt speaks."""
_LETTERS = string.ascii_letters + string.digits
_NAMES = {
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "session",
    "checkout.session": "checkout.session",
}


class StripeService:
    """The state, the address, the key, the clock (Unix seconds)."""

    def __init__(self, state: State, url: str, key: str, clock: Callable[[], float]) -> None:
        self.state = state
        self.url = url
        self.key = key
        self.clock = clock
        self.request: dict[str, str | None] = {"id": None, "idempotency_key": None}
        """Of the call under way; events name it."""

    def now(self) -> int:
        """The time, in whole seconds."""
        return int(self.clock())

    def new(self, kind: str, prefix: str, length: int = 24, **fields: Any) -> Thing:
        """An object with a new id, not kept yet."""
        thing_id = f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(length))}"
        return {
            "id": thing_id,
            "object": kind,
            "created": self.now(),
            "livemode": False,
            "metadata": {},
        } | fields

    def get(self, kind: str, thing_id: str, param: str = "id") -> Thing:
        """One object. Raises 404, or 400 where a parameter named it."""
        thing = self.state.get(thing_id)
        if thing is None or thing["object"] != kind or (thing.get("deleted") and param != "id"):
            raise no_such(_NAMES.get(kind, kind), thing_id, param)
        return thing

    def emit(self, event_type: str, thing: Thing, previous: Thing | None = None) -> None:
        """Keep an event and queue it for the endpoints that want it."""
        data = {"object": public(thing)} | ({"previous_attributes": previous} if previous else {})
        event = self.new(
            "event",
            "evt",
            api_version=API_VERSION,
            type=event_type,
            data=data,
            request=dict(self.request),
        )
        del event["metadata"]
        event["pending_webhooks"] = webhooks.queue(self.state, event, self.clock())
        self.state.put(event)


def public(thing: Thing) -> Thing:
    """An object without what is ours."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def changed(before: Thing, after: Thing) -> Thing:
    """`previous_attributes`: what was different before, for an event of an update."""
    return {
        name: before.get(name)
        for name in after
        if before.get(name) != after[name] and not name.startswith("_")
    }
