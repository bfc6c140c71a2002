"""What happens by the clock: renewals, ends, and sessions that expire."""

from __future__ import annotations

import threading

from standins.stripe.billing import periods, renewals, subscriptions
from standins.stripe.objects import checkout
from standins.stripe.service import StripeService
from standins.stripe.webhooks import Sender

SECONDS = 30


def tick(service: StripeService) -> None:
    """Do what is due by now."""
    now = service.now()
    with service.state.transaction():
        service.request = {"id": None, "idempotency_key": None}
        for session in service.state.find("checkout.session", {"status": "open"}):
            if session["expires_at"] <= now:
                checkout.end(service, session)
        for subscription in service.state.find("subscription"):
            if subscription["status"] in subscriptions.ENDED:
                continue
            end = min(periods.end_of(subscription), subscription["cancel_at"] or now + 1)
            if end <= now:
                renewals.renew(service, subscription)


def start(service: StripeService, sender: Sender, stop: threading.Event) -> None:
    """Tick in a thread."""

    def run() -> None:
        while not stop.wait(SECONDS):
            tick(service)
            sender.wake()

    threading.Thread(target=run, name="clock", daemon=True).start()
