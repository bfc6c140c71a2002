"""Sends events to the webhook endpoints, signed; also late, twice and out of order on demand."""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import PriorityQueue
from typing import Any

import httpx
import msgspec

from local.stripe.state import Object, State

TRIES = 8
MODES = ("normal", "twice", "late", "hold")
LATE_SECONDS = 2.0


@dataclass(order=True)
class _Delivery:
    due: float
    number: int
    event: Object = field(compare=False)
    tried: int = field(compare=False, default=0)


class Sender:
    """A thread that delivers, and tries again ever later what is not answered with 2xx."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: PriorityQueue[_Delivery] = PriorityQueue()
        self._number = 0
        self._held: list[Object] = []
        self.mode = "normal"
        threading.Thread(target=self._run, name="webhooks", daemon=True).start()

    def tell(self, event: Object) -> None:
        """Deliver an event as the mode says."""
        if self.mode == "hold":
            self._held.append(event)
            return
        for _ in range(2 if self.mode == "twice" else 1):
            self._put(event, LATE_SECONDS if self.mode == "late" else 0)

    def held(self) -> list[Object]:
        """Events that wait for their release."""
        return list(self._held)

    def release(self, order: Sequence[str] | None = None) -> None:
        """Deliver what is held in the order of these ids, which may repeat; else at random."""
        held, self._held = self._held, []
        by_id = {event["id"]: event for event in held}
        if order is None:
            random.shuffle(held)
        events = held if order is None else [by_id[each] for each in order if each in by_id]
        for number, event in enumerate(events):
            self._put(event, number * 0.001)

    def _put(self, event: Object, seconds: float, tried: int = 0) -> None:
        self._number += 1
        self._queue.put(_Delivery(time.monotonic() + seconds, self._number, event, tried))

    def _run(self) -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            while True:
                delivery = self._queue.get()
                wait = delivery.due - time.monotonic()
                if wait > 0.002:
                    self._queue.put(delivery)
                    time.sleep(min(wait, 0.05))
                    continue
                if not self._deliver(client, delivery.event) and delivery.tried + 1 < TRIES:
                    self._put(delivery.event, 2**delivery.tried, delivery.tried + 1)

    def _deliver(self, client: httpx.Client, event: Object) -> bool:
        body = msgspec.json.encode(event)
        fine = True
        with self._state.lock:
            endpoints = self._state.all("webhook_endpoint", status="enabled")
        for endpoint in endpoints:
            if not {"*", event["type"]} & set(endpoint["enabled_events"]):
                continue
            headers = {
                "Stripe-Signature": signature(body, endpoint["_secret"]),
                "Content-Type": "application/json; charset=utf-8",
            }
            try:
                answer = client.post(endpoint["url"], content=body, headers=headers)
                fine = fine and answer.is_success
            except httpx.HTTPError:
                fine = False
        return fine


def signature(body: bytes, secret: str, at: int | None = None) -> str:
    """The header that Stripe signs a webhook with (https://docs.stripe.com/webhooks#verify-manually)."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def told(event: Object) -> dict[str, Any]:
    """An event in short, for the control routes."""
    return {"id": event["id"], "type": event["type"]}
