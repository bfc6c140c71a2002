"""Webhooks: signed, sent by a thread in the order of the queue, tried again until a 2xx answer."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from standins.stripe.state import State, Thing

if TYPE_CHECKING:
    from collections.abc import Callable

MODES = ("normal", "hold", "twice", "shuffle", "late")
MAX_TRIES = 12
MAX_WAIT_SECONDS = 300
_LATE_SECONDS = 3.0
_HOSTS = ("127.0.0.1", "localhost", "::1")


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of `Stripe-Signature`: `t=<Unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""
    mac = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def queue(state: State, event: Thing, now: float) -> int:
    """Queue an event for each endpoint that wants it, as the mode says; the number of endpoints.

    Only endpoints of this machine are ever called.
    """
    mode = state.note("mode") or {"mode": "normal"}
    on_hold = mode["mode"] in ("hold", "shuffle")
    due = now + (mode.get("seconds") or _LATE_SECONDS if mode["mode"] == "late" else 0)
    wanting = [
        endpoint
        for endpoint in state.find("webhook_endpoint", {"status": "enabled"}, oldest_first=True)
        if {"*", event["type"]} & set(endpoint["enabled_events"])
        and urlsplit(endpoint["url"]).hostname in _HOSTS
    ]
    for endpoint in wanting:
        for _ in range(2 if mode["mode"] == "twice" else 1):
            state.run(
                "insert into deliveries (event, endpoint, due, held) values (?, ?, ?, ?)",
                event["id"],
                endpoint["id"],
                due,
                on_hold,
            )
    return len(wanting)


def release(state: State, order: list[str] | None, now: float) -> list[str]:
    """Let held events go: those of `order` in that order, or all; the events' ids.

    Without an order they go as they came, or at random in the mode "shuffle".
    """
    rows = state.run("select distinct event from deliveries where held order by seq")
    on_hold = [row[0] for row in rows]
    if order is None:
        order = list(on_hold)
        if (state.note("mode") or {}).get("mode") == "shuffle":
            random.shuffle(order)
    going = [event for event in order if event in on_hold]
    for place, event in enumerate(going):
        # Microseconds apart, so that the queue keeps this order.
        due = now - 1 + place * 1e-5
        state.run("update deliveries set held = 0, due = ? where event = ? and held", due, event)
    return going


class Sender:
    """The thread that sends. `wake` it when something was queued."""

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> Sender:
        """Begin to send."""
        self._thread.start()
        return self

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()

    def stop(self) -> None:
        """Stop after the delivery under way."""
        self._stopped = True
        self._woken.set()
        self._thread.join(12)

    def _run(self) -> None:
        while not self._stopped:
            self._woken.clear()
            delivery = self._next()
            if delivery is None:
                self._woken.wait(self._pause())
                continue
            event, endpoint = delivery[3], delivery[4]
            answer = _post(endpoint, event)
            self._record(delivery[0], delivery[2], event["id"], answer)

    def _next(self) -> tuple[int, str, int, Thing, Thing] | None:
        """The delivery that is due: its number, event id, tries, event and endpoint."""
        with self._state.transaction():
            rows = self._state.run(
                "select seq, event, tries, endpoint from deliveries"
                " where outcome is null and not held and due <= ? order by due, seq limit 1",
                self._clock(),
            )
            if not rows:
                return None
            seq, event_id, tries, endpoint_id = rows[0]
            event, endpoint = self._state.get(event_id), self._state.get(endpoint_id)
            if event is None or endpoint is None:
                self._state.run("update deliveries set outcome = 'dropped' where seq = ?", seq)
                return None
            return seq, event_id, tries, event, endpoint

    def _pause(self) -> float:
        """Seconds until the next delivery is due."""
        with self._state.transaction():
            rows = self._state.run(
                "select min(due) from deliveries where outcome is null and not held"
            )
        due = rows[0][0]
        return 60.0 if due is None else min(60.0, max(0.001, due - self._clock()))

    def _record(self, seq: int, tries: int, event_id: str, answer: str) -> None:
        tries += 1
        good = answer[:1] == "2"
        outcome = "delivered" if good else "given up" if tries >= MAX_TRIES else None
        due = self._clock() + min(2 ** (tries - 1), MAX_WAIT_SECONDS)
        with self._state.transaction():
            self._state.run(
                "update deliveries set tries = ?, outcome = ?, answer = ?, due = ? where seq = ?",
                tries,
                outcome,
                answer,
                due,
                seq,
            )
            event = self._state.get(event_id)
            if good and event:
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
                self._state.put(event)


def _post(endpoint: Thing, event: Thing) -> str:
    """Send it once; the status of the answer, or the name of what went wrong."""
    body = json.dumps(event, indent=2).encode()
    address = urlsplit(endpoint["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers: dict[str, Any] = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (stand-in of one machine)",
        "Stripe-Signature": signature(endpoint["_secret"], body, int(time.time())),
    }
    try:
        connection.request("POST", address.path or "/", body, headers)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
