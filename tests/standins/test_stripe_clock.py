"""Stripe's stand-in: billing periods, and what happens by the clock."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from standins.stripe import clock
from standins.stripe.billing import periods, renewals
from standins.stripe.objects import checkout, customers, products
from standins.stripe.parameters import decode
from standins.stripe.service import StripeService as Service
from standins.stripe.state import State, Thing

DAY = 86400


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("start", "interval", "count", "anchor", "end"),
    [
        ("2026-01-31T10:00", "month", 1, "2026-01-31T10:00", "2026-02-28T10:00"),
        ("2026-02-28T10:00", "month", 1, "2026-01-31T10:00", "2026-03-31T10:00"),
        ("2026-12-15T00:00", "month", 1, "2026-12-15T00:00", "2027-01-15T00:00"),
        ("2026-10-31T00:00", "month", 3, "2026-10-31T00:00", "2027-01-31T00:00"),
        ("2028-02-29T00:00", "year", 1, "2028-02-29T00:00", "2029-02-28T00:00"),
        ("2026-02-27T00:00", "week", 1, "2026-02-27T00:00", "2026-03-06T00:00"),
        ("2026-12-31T00:00", "day", 2, "2026-12-31T00:00", "2027-01-02T00:00"),
    ],
)
def test_periods_follow_the_calendar(
    start: str, interval: str, count: int, anchor: str, end: str
) -> None:
    recurring = {"interval": interval, "interval_count": count}
    assert periods.later(at(start), recurring, at(anchor)) == at(end)


class Machine:
    """The stand-in without its process, and its own time."""

    def __init__(self, folder: Path) -> None:
        self.time = at("2026-01-31T10:00")
        state = State(folder / "stripe.sqlite")
        self.service = Service(state, "http://127.0.0.1:1", "sk_test", lambda: self.time)

    def call(self, handler: Any, *pairs: tuple[str, str], **ids: str) -> Thing:
        with self.service.state.transaction():
            text: Thing = handler(self.service, decode(pairs), **ids)
        return text

    def get(self, thing: Thing) -> Thing:
        with self.service.state.transaction():
            return self.service.state.get(thing["id"]) or {}

    def session(self) -> Thing:
        product = self.call(products.create, ("name", "One"))
        price = self.call(
            products.create_price,
            ("product", product["id"]),
            ("unit_amount", "500"),
            ("currency", "usd"),
            ("recurring[interval]", "month"),
        )
        customer = self.call(customers.create)
        return self.call(
            checkout.create,
            ("mode", "subscription"),
            ("customer", customer["id"]),
            ("line_items[0][price]", price["id"]),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://127.0.0.1/"),
        )

    def subscription(self) -> Thing:
        session = self.session()
        with self.service.state.transaction():
            done = checkout.complete(self.service, session)
        return self.get({"id": done["subscription"]})

    def invoices(self) -> list[Thing]:
        with self.service.state.transaction():
            return self.service.state.find("invoice")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_subscription_renews_by_the_clock(machine: Machine) -> None:
    subscription = machine.subscription()
    machine.time += 27 * DAY
    clock.tick(machine.service)
    assert len(machine.invoices()) == 1
    machine.time += 2 * DAY
    for _ in range(2):
        clock.tick(machine.service)
    assert [invoice["status"] for invoice in machine.invoices()] == ["paid", "paid"]
    item = machine.get(subscription)["items"]["data"][0]
    assert item["current_period_end"] == at("2026-03-31T10:00")


def test_an_end_that_was_asked_for_comes(machine: Machine) -> None:
    subscription = machine.subscription()
    with machine.service.state.transaction():
        machine.service.state.put(subscription | {"cancel_at": machine.time + 5 * DAY})
    machine.time += 6 * DAY
    clock.tick(machine.service)
    ended = machine.get(subscription)
    assert (ended["status"], ended["ended_at"]) == ("canceled", machine.time - DAY)


def test_an_open_session_expires_after_a_day(machine: Machine) -> None:
    session = machine.session()
    machine.time += DAY
    clock.tick(machine.service)
    assert (machine.get(session)["status"], machine.get(session)["url"]) == ("expired", None)


def test_what_fails_leaves_nothing(machine: Machine) -> None:
    subscription = machine.subscription()

    def fail() -> None:
        with machine.service.state.transaction():
            renewals.renew(machine.service, copy.deepcopy(subscription))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert machine.get(subscription) == subscription
    assert len(machine.invoices()) == 1
