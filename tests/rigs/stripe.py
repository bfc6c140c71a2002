"""Stripe's stand-in for tests: its process, the stock client, and an address for its webhooks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import stripe

from local import keys
from local.processes.children import Child
from standins.http.server import Server


class Receiver:
    """Takes webhooks, and answers with the statuses of `answers`, 200 after them."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        self._server = Server(self._app).start()
        self.url = self._server.url
        self.stop = self._server.stop

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert environ["PATH_INFO"] == "/hooks/stripe"
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        status = self.answers.pop(0) if self.answers else 200
        self.received.append((environ["HTTP_STRIPE_SIGNATURE"], body))
        start_response(f"{status} .", [("Content-Length", "0")])
        return [b""]


class StandIn:
    """The running stand-in of a folder, which outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receiver = Receiver()
        stack_keys = keys.load(folder / "keys.json")
        self.key, self.secret = stack_keys.stripe_secret, stack_keys.stripe_webhook_secret
        self.start()

    def start(self) -> None:
        """Start the process."""
        arguments = [str(self.folder), "0", self.receiver.url]
        self.child = Child("local.processes.stripe", arguments, dict(os.environ))
        self.url = self.child.ready()
        base: Any = {"api": self.url}
        self.api = stripe.StripeClient(self.key, base_addresses=base, max_network_retries=0).v1
        self.http = httpx.Client(base_url=self.url, trust_env=False)

    def stop(self) -> None:
        """Stop the process."""
        self.http.close()
        self.child.stop()

    def control(self, name: str, **body: Any) -> Any:
        """Set something by /_control; without a body, look."""
        method = "POST" if body or name == "release" else "GET"
        auth = {"Authorization": f"Bearer {self.key}"}
        answer = self.http.request(
            method, f"/_control/{name}", json=body if method == "POST" else None, headers=auth
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self) -> list[stripe.Event]:
        """What came by webhook, each signature checked."""
        return [
            stripe.Webhook.construct_event(body, signature, self.secret)
            for signature, body in self.receiver.received
        ]

    def types(self) -> list[str]:
        """The types of what came."""
        return [event.type for event in self.events()]

    def price(self, name: str, amount: int, **more: Any) -> stripe.Price:
        """A monthly price, or another's, of a product of its own."""
        product = self.api.products.create({"name": name})
        params: Any = {
            "product": product.id,
            "unit_amount": amount,
            "currency": "usd",
            "recurring": {"interval": "month"},
        }
        return self.api.prices.create(params | more)

    def session(self, customer: str, price: str, **more: Any) -> stripe.checkout.Session:
        """A Checkout Session for one of a price."""
        params: Any = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": "http://127.0.0.1/done?session={CHECKOUT_SESSION_ID}&x=1",
            "cancel_url": "http://127.0.0.1/plans",
        }
        return self.api.checkout.sessions.create(params | more)

    def click(self, url: str | None, action: str, **fields: str) -> httpx.Response:
        """Press a button of a page."""
        return self.http.post(str(url), data={"action": action} | fields)

    def subscribe(self, price: str, email: str = "a@example.com") -> stripe.Subscription:
        """A new customer's subscription, paid by the page."""
        customer = self.api.customers.create({"email": email})
        session = self.session(customer.id, price)
        assert self.click(session.url, "pay").status_code == 303
        done = self.api.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
        return cast(stripe.Subscription, done.subscription)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not come"
        threading.Event().wait(0.02)


@contextmanager
def running(folder: Path) -> Iterator[StandIn]:
    """The stand-in, stopped at the end."""
    standin = StandIn(folder)
    try:
        yield standin
    finally:
        standin.stop()
        standin.receiver.stop()
