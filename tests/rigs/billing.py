"""Stripe's stand-in on the stack, and plans bought by it."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Person
from tests.rigs.waiting import eventually


class Stripe:
    """The stand-in's pages and commands."""

    def __init__(self, stack: Stack) -> None:
        self.settings = stack.settings
        self.http = httpx.Client(
            base_url=stack.settings["STRIPE_URL"],
            headers={"Authorization": f"Bearer {stack.settings['STRIPE_SECRET_KEY']}"},
            trust_env=False,
        )

    def command(self, name: str, **values: Any) -> Any:
        answer = self.http.post(f"/_control/{name}", json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def click(self, url: str, action: str, **fields: str) -> httpx.Response:
        return self.http.post(url, data={"action": action} | fields)

    def held_events(self) -> list[str]:
        """Ids of the events that wait for their release."""
        body = self.http.get("/_control/deliveries").json()
        return [each["event"] for each in body if each["held"]]

    def events(self) -> list[Any]:
        body = self.http.get("/v1/events?limit=100").json()["data"]
        return list(reversed(body))


def plan(person: Person) -> str:
    return str(person.http.get("/v1/account").json()["plan"]["id"])


def choose(person: Person, expected: str, **more: Any) -> dict[str, Any]:
    answer = person.http.post("/v1/billing/checkout", json={"plan": expected} | more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def subscribed(stripe: Stripe, person: Person, expected: str) -> str:
    """Buy a plan; the subscription's id."""
    paid = stripe.click(choose(person, expected)["url"], "pay")
    assert "checkout=success" in paid.headers["location"]
    eventually(lambda: plan(person) == expected)
    row = postgres.row(
        "select subscription_id from app.subscriptions where account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
    assert row
    return str(row["subscription_id"])
