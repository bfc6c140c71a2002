"""What the stand-in knows: objects by id, kept in one file; and the events that changes make."""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from local.stripe.errors import missing

PREFIXES = {
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "checkout.session": "cs_test",
    "customer": "cus",
    "event": "evt",
    "invoice": "in",
    "price": "price",
    "product": "prod",
    "subscription": "sub",
    "subscription_item": "si",
    "subscription_schedule": "sub_sched",
    "webhook_endpoint": "we",
}

Object = dict[str, Any]


class State:
    """The objects, guarded by `lock`; each change is on disk before it is answered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lock = threading.RLock()
        self.tell: Callable[[Object], None] = lambda event: None
        kept = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
        self._objects: dict[str, Object] = kept.get("objects", {})
        self.answers: dict[str, Any] = kept.get("answers", {})

    def make(self, kind: str, given: Object | None = None, **fields: Any) -> Object:
        """A new object with an id: these fields, and over them what was given."""
        made: Object = (
            {
                "id": f"{PREFIXES[kind]}_{secrets.token_hex(12)}",
                "object": kind,
                "created": int(time.time()),
                "livemode": False,
                "metadata": {},
            }
            | fields
            | (given or {})
        )
        self._objects[made["id"]] = made
        return made

    def get(self, kind: str, object_id: str) -> Object:
        """The object. Raises StripeError (404)."""
        found = self._objects.get(object_id)
        if found is None or found["object"] != kind:
            raise missing(kind, object_id)
        return found

    def any(self, object_id: str) -> Object | None:
        """Whatever has the id."""
        return self._objects.get(object_id)

    def all(self, kind: str, **wanted: Any) -> list[Object]:
        """Objects of a kind with these fields, newest first."""
        return [
            each
            for each in reversed(list(self._objects.values()))
            if each["object"] == kind
            and all(each.get(name) == value for name, value in wanted.items())
        ]

    def emit(self, kind: str, about: Object) -> None:
        """Make an event of what an object is now, and tell it."""
        self.tell(
            self.make(
                "event",
                type=kind,
                data={"object": copy.deepcopy(about)},
                api_version=None,
                pending_webhooks=1,
                request=None,
            )
        )

    def save(self) -> None:
        """Write all to disk, in one step."""
        part = self._path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(msgspec.json.encode({"objects": self._objects, "answers": self.answers}))
        part.rename(self._path)
