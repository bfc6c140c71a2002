"""Plans are bought, changed and lost by what Stripe says, in whatever order it says it."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from lib.billing import stripe_events, stripe_setup, subscriptions
from lib.outbox import tasks
from lib.platform import postgres
from lib.platform import stripe as platform
from local import client as api_client
from local.processes.children import Child
from local.stack import Stack
from standins.stripe import webhooks
from tests.rigs.accounts import Account, Person
from tests.rigs.billing import Stripe, choose, plan, subscribed
from tests.rigs.mail.arrivals import arrived
from tests.rigs.waiting import eventually
from tools import openapi


def billing(person: Person) -> dict[str, Any]:
    return dict(person.http.get("/v1/billing").json())


def test_the_plans_are_told_to_anybody(stack: Stack) -> None:
    body = httpx.get(f"{stack.url}/v1/billing/plans", trust_env=False).json()
    assert [(each["id"], each["price_cents"]) for each in body["items"]] == [
        ("free", 0), ("starter", 2900), ("pro", 9900),
    ]  # fmt: skip
    assert body["can_be_bought"] is True


def test_a_plan_is_bought(stripe: Stripe, person: Person) -> None:
    assert billing(person) == {
        "plan": "free", "status": None, "period_end": None, "next_plan": None, "grace_until": None,
    }  # fmt: skip
    job = str(uuid.uuid4())
    answer = choose(person, "starter", job=job)
    assert answer["outcome"] == "checkout"
    page = stripe.http.get(answer["url"]).text
    assert "FFmpeg Micro Starter" in page
    assert "29.00" in page
    declined = stripe.click(answer["url"], "decline")
    assert "declined" in declined.text
    abandoned = stripe.click(answer["url"], "abandon")
    assert f"checkout=canceled&job={job}" in abandoned.headers["location"]
    assert plan(person) == "free"
    paid = stripe.click(answer["url"], "pay")
    assert f"checkout=success&job={job}" in paid.headers["location"]
    eventually(lambda: plan(person) == "starter")
    now = billing(person)
    assert (now["status"], now["next_plan"]) == ("active", None)
    eventually(lambda: [each["status"] for each in invoices(person)] == ["paid"])
    [invoice] = invoices(person)
    assert (invoice["status"], invoice["amount_cents"]) == ("paid", 2900)
    assert invoice["number"] in httpx.get(invoice["url"], trust_env=False).text


def test_a_checkout_begun_twice_is_paid_once(stripe: Stripe, person: Person) -> None:
    first = choose(person, "starter")["url"]
    second = choose(person, "pro")["url"]
    stripe.click(first, "pay")
    stripe.click(second, "pay")
    eventually(lambda: plan(person) == "pro")
    eventually(lambda: len(invoices(person)) == 1)


def test_a_larger_plan_begins_at_once_a_smaller_one_later(stripe: Stripe, person: Person) -> None:
    subscription = subscribed(stripe, person, "starter")
    assert choose(person, "pro")["outcome"] == "changed"
    assert plan(person) == "pro"
    answer = choose(person, "starter")
    assert (answer["outcome"], answer["billing"]["next_plan"]) == ("scheduled", "starter")
    assert plan(person) == "pro"
    assert choose(person, "pro")["billing"]["next_plan"] is None  # thought better of it
    choose(person, "starter")
    stripe.command("renew", subscription=subscription)
    eventually(lambda: plan(person) == "starter")
    assert billing(person)["next_plan"] is None


def test_a_subscription_is_canceled_at_the_end_of_its_period(
    stripe: Stripe, person: Person
) -> None:
    subscription = subscribed(stripe, person, "pro")
    answer = choose(person, "free")
    assert (answer["outcome"], answer["billing"]["next_plan"]) == ("scheduled", "free")
    assert choose(person, "pro")["billing"]["next_plan"] is None
    portal = person.http.post("/v1/billing/portal").json()["url"]
    stripe.click(portal, "cancel")
    eventually(lambda: billing(person)["next_plan"] == "free")
    stripe.click(portal, "resume")
    eventually(lambda: billing(person)["next_plan"] is None)
    stripe.click(portal, "cancel")
    eventually(lambda: billing(person)["next_plan"] == "free")
    assert plan(person) == "pro"
    stripe.command("renew", subscription=subscription)
    eventually(lambda: plan(person) == "free")
    assert billing(person)["status"] == "canceled"
    assert subscribed(stripe, person, "starter") != subscription  # and may come back


def test_a_declined_upgrade_changes_nothing(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    stripe.command("fail_next", customer=customer(person))
    refused = person.http.post("/v1/billing/checkout", json={"plan": "pro"})
    assert refused.status_code == 402
    assert "declined, nothing has changed" in refused.json()["error"]
    assert plan(person) == "starter"


@pytest.mark.parametrize("coming", ["starter", "free"])
def test_a_declined_upgrade_keeps_what_was_to_come(
    stripe: Stripe, person: Person, coming: str
) -> None:
    with_large_plan("large")
    try:
        stripe_setup.set_up()
        subscribed(stripe, person, "pro")
        choose(person, coming)
        stripe.command("fail_next", customer=customer(person))
        refused = person.http.post("/v1/billing/checkout", json={"plan": "large"})
        assert refused.status_code == 402
        subscriptions.refresh(customer(person))
        assert (plan(person), billing(person)["next_plan"]) == ("pro", coming)
    finally:
        postgres.rows("update app.plans set offered = false where id = 'large'")


def with_large_plan(name: str) -> None:
    """A plan beyond the largest."""
    postgres.rows(
        """
        insert into app.plans (id, name, price_cents, minutes_per_month, max_input_bytes,
          jobs_at_once, requests_per_minute, offered)
        values (%(name)s, 'Large', 20000, 9000, 1000000, 20, 1000000, true)
        on conflict (id) do update set offered = true
        """,
        {"name": name},
    )


def test_two_checkouts_begun_at_the_same_moment_leave_one_open(
    stripe: Stripe, person: Person
) -> None:
    with ThreadPoolExecutor(6) as threads:
        answer = list(threads.map(lambda _: choose(person, "starter"), range(6)))
    assert {each["outcome"] for each in answer} == {"checkout"}
    body = stripe.http.get("/v1/checkout/sessions?limit=100").json()["data"]
    mine = [each for each in body if each["customer"] == customer(person)]
    assert sum(each["status"] == "open" for each in mine) == 1


def test_who_takes_nothing_is_unknown_to_stripe(stripe: Stripe, person: Person) -> None:
    assert choose(person, "free")["outcome"] == "kept"
    assert not subscriptions.is_customer(uuid.UUID(person.id))


def test_a_price_other_than_was_shown_is_not_charged(stripe: Stripe, person: Person) -> None:
    set_price(3300)
    try:
        refused = person.http.post("/v1/billing/checkout", json={"plan": "starter"})
    finally:
        set_price(2900)
    assert refused.status_code == 503
    assert "price of this plan" in refused.json()["error"]


def test_a_cancellation_by_the_portal_is_taken_back_here(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "pro")
    stripe.click(person.http.post("/v1/billing/portal").json()["url"], "cancel")
    eventually(lambda: billing(person)["next_plan"] == "free")
    assert choose(person, "pro")["billing"]["next_plan"] is None


def test_a_refund_is_kept_with_its_invoice(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    body = stripe.http.get(f"/v1/charges?customer={customer(person)}").json()["data"]
    stripe.http.post("/v1/refunds", data={"charge": body[0]["id"], "amount": "900"})
    eventually(lambda: [each["refunded_cents"] for each in invoices(person)] == [900])
    assert (invoices(person)[0]["paid_cents"], plan(person)) == (2900, "starter")


def invoices(person: Person) -> list[dict[str, Any]]:
    return list(person.http.get("/v1/billing/invoices").json()["items"])


def test_a_customer_deleted_at_stripe_is_forgotten(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    eventually(lambda: len(invoices(person)) == 1)
    stripe.http.delete(f"/v1/customers/{customer(person)}")
    eventually(lambda: not subscriptions.is_customer(uuid.UUID(person.id)))
    assert (plan(person), billing(person)["status"]) == ("free", None)
    assert [each["amount_cents"] for each in invoices(person)] == [2900]  # the figures stay


def test_what_else_the_operator_sells_is_no_plan(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    result = platform.client().v1
    product = result.products.create(params={"name": "Advice"})
    price = result.prices.create(
        params={
            "product": product.id,
            "currency": "usd",
            "unit_amount": 100,
            "recurring": {"interval": "month"},
            "lookup_key": f"advice-{uuid.uuid4()}",
        }
    )
    session = result.checkout.sessions.create(
        params={
            "mode": "subscription",
            "customer": customer(person),
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "http://127.0.0.1/",
        }
    )
    stripe.click(str(session.url), "pay")
    eventually(lambda: len(invoices(person)) == 2)
    subscriptions.refresh(customer(person))
    assert (plan(person), billing(person)["status"]) == ("starter", "active")


def test_accounts_see_their_own_alone(
    stack: Stack, stripe: Stripe, person: Person, account: Account
) -> None:
    subscribed(stripe, person, "starter")
    assert account.http.get("/v1/billing/invoices").json() == {"items": []}
    assert account.http.get("/v1/billing").json()["status"] is None


def customer(person: Person) -> str:
    row = postgres.row(
        "select customer_id from app.subscriptions where account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
    assert row
    return str(row["customer_id"])


def test_a_failed_payment_has_seven_days(stack: Stack, stripe: Stripe, person: Person) -> None:
    subscription = subscribed(stripe, person, "pro")
    stripe.command("renew", subscription=subscription, pay=False)
    eventually(lambda: billing(person)["status"] == "past_due")
    eventually(lambda: len(invoices(person)) == 2)
    assert plan(person) == "pro"
    grace = postgres.row(
        "select extract(epoch from grace_until - now()) / 86400 as days from app.subscriptions"
        " where account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
    assert grace
    assert 6.9 < grace["days"] <= 7
    [mail] = arrived(stack, person.email)
    assert mail.message["Subject"] == "A payment for your plan failed"
    refused = person.http.post("/v1/billing/checkout", json={"plan": "starter"})
    assert refused.status_code == 409
    # Paid in time: all is well.
    portal = person.http.post("/v1/billing/portal").json()["url"]
    eventually(lambda: "open" in newest_invoices(person))
    stripe.click(portal, "pay", invoice=newest_invoices(person)["open"])
    eventually(lambda: billing(person)["status"] == "active")
    assert billing(person)["grace_until"] is None
    # Not paid: the plan ends with the grace, without any event.
    stripe.command("renew", subscription=subscription, pay=False)
    eventually(lambda: billing(person)["status"] == "past_due")

    def ended() -> bool:
        end_grace(person)  # again: the task of the end may be queued only now
        return plan(person) == "free"

    eventually(ended)
    eventually(lambda: billing(person)["status"] == "canceled")
    eventually(lambda: sorted(it["status"] for it in invoices(person)) == ["paid", "paid", "void"])
    subjects = [each.message["Subject"] for each in arrived(stack, person.email, 3)]
    assert sorted(subjects) == [
        "A payment for your plan failed",
        "A payment for your plan failed",
        "Your account is on the Free plan now",
    ]


def newest_invoices(person: Person) -> dict[str, str]:
    """The id of the newest invoice of each state."""
    invoices = person.http.get("/v1/billing/invoices").json()["items"]
    return {each["status"]: each["id"] for each in reversed(invoices)}


def end_grace(person: Person) -> None:
    """Seven days later."""
    postgres.rows(
        "with late as (update app.tasks set due_at = now()"
        " where account_id = %(id)s and kind = 'grace' and ended_at is null)"
        " update app.subscriptions set grace_until = now() where account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )


def test_the_end_of_grace_passes_over_who_has_paid(stripe: Stripe, person: Person) -> None:
    subscription = subscribed(stripe, person, "pro")
    stripe.command("deliveries", mode="hold")  # Stripe's news are late
    stripe.command("renew", subscription=subscription, pay=False)
    subscriptions.refresh(customer(person))
    portal = person.http.post("/v1/billing/portal").json()["url"]
    body = stripe.http.get(f"/v1/invoices?customer={customer(person)}").json()["data"]
    [open_one] = [each for each in body if each["status"] == "open"]
    stripe.click(portal, "pay", invoice=open_one["id"])
    end_grace(person)
    subscriptions.end_grace(
        tasks.Task(uuid.uuid4(), "grace", uuid.UUID(person.id), {}, attempt=1, failures=0)
    )
    assert plan(person) == "pro"


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_lead_to_the_same_state(
    stack: Stack, stripe: Stripe, person: Person, seed: int
) -> None:
    subscription = subscribed(stripe, person, "starter")
    stripe.command("deliveries", mode="hold")
    choose(person, "pro")
    stripe.command("renew", subscription=subscription, pay=False)
    portal = person.http.post("/v1/billing/portal").json()["url"]
    body = stripe.http.get(f"/v1/invoices?customer={customer(person)}").json()["data"]
    [open_one] = [each for each in body if each["status"] == "open"]
    stripe.click(portal, "pay", invoice=open_one["id"])
    stripe.click(portal, "cancel")
    places = stripe.held_events()
    assert len(places) > 5
    order = list(places)
    random.Random(seed).shuffle(order)
    by_id = {event["id"]: event for event in stripe.events()}
    for event_id in order[::2]:  # these come twice
        assert deliver(stack, by_id[event_id]).status_code == 200
    stripe.command("release", order=order)
    eventually(lambda: open_events(places) == 0)
    now = billing(person)
    assert (now["plan"], now["status"], now["next_plan"]) == ("pro", "active", "free")
    assert now["grace_until"] is None
    invoices = person.http.get("/v1/billing/invoices").json()["items"]
    assert sorted(each["status"] for each in invoices) == ["paid"] * 3


def open_events(ids: list[str]) -> int:
    row = postgres.row(
        "select count(*) as n from app.stripe_events"
        " where id = any(%(ids)s) and processed_at is not null",
        {"ids": ids},
    )
    assert row
    return len(ids) - int(row["n"])


def upgrade(stripe: Stripe, person: Person) -> None:
    choose(person, "pro")


def cancel(stripe: Stripe, person: Person) -> None:
    choose(person, "free")
    stripe.command("renew", subscription=subscription_of(person))


def fail(stripe: Stripe, person: Person) -> None:
    stripe.command("renew", subscription=subscription_of(person), pay=False)


def recover(stripe: Stripe, person: Person) -> None:
    fail(stripe, person)
    portal = person.http.post("/v1/billing/portal").json()["url"]
    body = stripe.http.get(f"/v1/invoices?customer={customer(person)}&status=open").json()
    stripe.click(portal, "pay", invoice=body["data"][0]["id"])


def subscription_of(person: Person) -> str:
    subscription = subscriptions.current(customer(person))
    assert subscription is not None
    return subscription.id


FLOWS = [
    (upgrade, "pro", "active", False),
    (cancel, "free", "canceled", False),
    (fail, "starter", "past_due", True),
    (recover, "starter", "active", False),
]


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow[0].__name__)
def test_all_orders_of_a_flow_s_events_end_alike(
    stripe: Stripe, stack: Stack, person: Person, flow: Any
) -> None:
    """Each order begins at the state before the flow, as if nothing of it had been heard."""
    act, *expected = flow
    subscribed(stripe, person, "starter")
    before = state_of(person)
    stripe.command("deliveries", mode="hold")
    act(stripe, person)
    pending = set(stripe.held_events())
    events = [each for each in stripe.events() if each["id"] in pending][-4:]
    assert len(events) >= 2
    for order in itertools.permutations(events):
        set_state(person, before)
        for event in order:
            assert deliver(stack, event).status_code == 200
        now = billing(person)
        assert [now["plan"], now["status"], now["grace_until"] is not None] == expected


def test_events_that_come_all_at_once_end_alike(
    stripe: Stripe, stack: Stack, person: Person
) -> None:
    subscribed(stripe, person, "starter")
    before = state_of(person)
    stripe.command("deliveries", mode="hold")
    choose(person, "pro")
    recover(stripe, person)
    cancel(stripe, person)
    pending = set(stripe.held_events())
    events = [each for each in stripe.events() if each["id"] in pending]
    set_state(person, before)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda event: deliver(stack, event), events * 2))
    assert {each.status_code for each in answers} == {200}
    assert (plan(person), billing(person)["status"]) == ("free", "canceled")


def state_of(person: Person) -> dict[str, Any]:
    row = postgres.row(
        "select s.*, a.plan_id as plan from app.subscriptions s"
        " join app.accounts a on a.id = s.account_id where a.id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
    assert row is not None
    return row


def set_state(person: Person, state: dict[str, Any]) -> None:
    """Back to an earlier state, with no event of the customer's ever heard."""
    postgres.rows(
        """
        with events as (delete from app.stripe_events where customer_id = %(customer_id)s),
        plan as (update app.accounts set plan_id = %(plan)s where id = %(account_id)s)
        update app.subscriptions
           set subscription_id = %(subscription_id)s, plan_id = %(plan_id)s, status = %(status)s,
               period_end = %(period_end)s, next_plan_id = %(next_plan_id)s,
               cancel_at_period_end = %(cancel_at_period_end)s, grace_until = %(grace_until)s
         where account_id = %(account_id)s
        """,
        state,
    )


def test_a_plan_given_after_the_end_stays(stripe: Stripe, person: Person) -> None:
    subscription = subscribed(stripe, person, "starter")
    cancel(stripe, person)
    eventually(lambda: billing(person)["status"] == "canceled")
    postgres.rows(
        "update app.accounts set plan_id = 'pro' where id = %(id)s", {"id": uuid.UUID(person.id)}
    )
    subscriptions.refresh(customer(person))
    assert plan(person) == "pro"
    assert subscription_of(person) == subscription


def test_an_open_event_is_replayed_however_old(stripe: Stripe, person: Person) -> None:
    answer = choose(person, "starter")
    stripe.command("deliveries", mode="hold")
    stripe.click(answer["url"], "pay")
    [event] = [each for each in stripe.events() if each["id"] in stripe.held_events()][-1:]
    postgres.rows(
        "insert into app.stripe_events (id, type, customer_id, created_at, error)"
        " values (%(id)s, %(type)s, %(customer)s, to_timestamp(%(at)s), 'OSError')",
        {"id": event["id"], "type": event["type"], "customer": customer(person),
         "at": event["created"] - 20 * 86400},
    )  # fmt: skip
    assert stripe_events.replay(1).failed == 0
    assert (open_events([event["id"]]), plan(person)) == (0, "starter")


def signature(body: bytes, secret: str, at: int | None = None) -> str:
    return webhooks.signature(secret, body, int(time.time()) if at is None else at)


def deliver(stack: Stack, event: Any, **headers: str) -> httpx.Response:
    body = msgspec.json.encode(event)
    signed = signature(body, stack.settings["STRIPE_WEBHOOK_SECRET"])
    return httpx.post(
        f"{stack.url}/hooks/stripe",
        content=body,
        headers={"Stripe-Signature": signed} | headers,
        trust_env=False,
        timeout=30,
    )


def test_an_event_counts_once(stack: Stack, stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    event = stripe.events()[-1]
    eventually(lambda: open_events([event["id"]]) == 0)
    assert deliver(stack, event).json() == {"received": True, "before": True}


@pytest.mark.parametrize("fault", ["none", "forged", "stale", "other secret", "changed", "no json"])
def test_what_stripe_did_not_sign_is_refused(stack: Stack, fault: str) -> None:
    secret = stack.settings["STRIPE_WEBHOOK_SECRET"]
    event_id = f"evt_{uuid.uuid4().hex}"
    body = b'{"id":"%s","object":"event","type":"invoice.paid"}' % event_id.encode()
    header = {
        "none": "",
        "forged": "t=1,v1=00",
        "stale": signature(body, secret, int(time.time()) - 3600),
        "other secret": signature(body, "whsec_other"),
        "changed": signature(body + b" ", secret),
        "no json": signature(b"{", secret),
    }[fault]
    answer = httpx.post(
        f"{stack.url}/hooks/stripe",
        content=b"{" if fault == "no json" else body,
        headers={"Stripe-Signature": header} if header else {},
        trust_env=False,
    )
    assert answer.status_code == 400
    expected = "not an event" if fault == "no json" else "not signed by Stripe"
    assert expected in answer.json()["error"]
    assert (
        postgres.rows("select 1 from app.stripe_events where id = %(id)s", {"id": event_id}) == []
    )


GOOD = {"id": "evt_1", "type": "x", "created": 1, "object": "event", "data": {"object": {}}}


@pytest.mark.parametrize(
    "body",
    [
        [], [GOOD], None, 1, "event", {}, GOOD | {"data": None}, GOOD | {"data": []},
        GOOD | {"data": {"object": None}}, GOOD | {"data": {"object": [1]}},
        GOOD | {"data": {"object": {"customer": 1}}}, GOOD | {"data": {"object": {"customer": {}}}},
        GOOD | {"id": None}, GOOD | {"id": "x" * 256}, GOOD | {"type": 7}, GOOD | {"created": "1"},
        GOOD | {"created": 10**18}, GOOD | {"created": -1}, GOOD | {"object": "v2.core.event"},
        {name: value for name, value in GOOD.items() if name != "data"},
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(stack: Stack, body: Any) -> None:
    answer = deliver(stack, body)
    assert answer.status_code == 400, answer.text
    assert "not an event" in answer.json()["error"]


def test_deep_nesting_in_a_signed_body_is_refused(stack: Stack) -> None:
    body = b"[" * 100_000
    signed = signature(body, stack.settings["STRIPE_WEBHOOK_SECRET"])
    answer = httpx.post(
        f"{stack.url}/hooks/stripe",
        content=body,
        headers={"Stripe-Signature": signed},
        trust_env=False,
    )
    assert answer.status_code == 400, answer.text


def test_what_could_not_be_processed_is_healed_by_stripe_or_a_replay(
    stack: Stack, stripe: Stripe, person: Person
) -> None:
    subscription = subscribed(stripe, person, "starter")
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("alter table app.invoices rename to invoices_away")
        try:
            stripe.command("renew", subscription=subscription, pay=True)
            eventually(lambda: failed_events() > 0)
        finally:
            connection.execute("alter table app.invoices_away rename to invoices")
    replayed = stripe_events.replay(1)
    assert replayed.failed == 0
    eventually(lambda: failed_events() == 0)
    assert len(person.http.get("/v1/billing/invoices").json()["items"]) == 2


def failed_events() -> int:
    row = postgres.row("select count(*) as n from app.stripe_events where error is not null")
    assert row
    return int(row["n"])


def test_a_replay_fetches_what_never_arrived(stripe: Stripe, person: Person) -> None:
    answer = choose(person, "starter")
    stripe.command("deliveries", mode="hold")
    stripe.click(answer["url"], "pay")
    assert plan(person) == "free"
    replayed = stripe_events.replay(1)
    assert replayed.new > 0
    assert plan(person) == "starter"
    second = stripe_events.replay(1)
    assert (second.new, second.processed, second.failed) == (0, 0, 0)


def test_setting_up_again_changes_nothing(stripe: Stripe) -> None:
    assert stripe_setup.set_up().steps == []


def test_a_new_price_leaves_who_bought_at_the_old(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    set_price(3100)
    try:
        assert stripe_setup.set_up().steps == ["price of starter: 31.00 usd a month"]
        subscriptions.refresh(customer(person))
        assert plan(person) == "starter"
    finally:
        set_price(2900)
        stripe_setup.set_up()


def set_price(cents: int) -> None:
    postgres.rows(
        "update app.plans set price_cents = %(cents)s where id = 'starter'", {"cents": cents}
    )


def test_a_service_without_stripe_says_so(stack: Stack, person: Person) -> None:
    without = {name: value for name, value in stack.settings.items() if "STRIPE" not in name}
    others = {name: value for name, value in os.environ.items() if "STRIPE" not in name}
    child = Child("tests.rigs.processes.functions", ["api/billing"], others | without)
    try:
        with api_client.connect(child.ready(), person.token) as client:
            assert client.get("/v1/billing/plans").json()["can_be_bought"] is False
            assert client.get("/v1/billing").json()["plan"] == "free"
            for path in ("/v1/billing/checkout", "/v1/billing/portal", "/hooks/stripe"):
                refused = client.post(path, json={"plan": "starter"})
                assert refused.status_code == 503, path
                assert "This service has no" in refused.json()["error"]
    finally:
        child.stop()


def test_stripe_away_is_told_and_nothing_is_lost(stack: Stack, person: Person) -> None:
    away = os.environ | stack.settings | {"STRIPE_URL": "http://127.0.0.1:9"}
    child = Child("tests.rigs.processes.functions", ["api/billing"], away)
    try:
        with api_client.connect(child.ready(), person.token) as client:
            refused = client.post("/v1/billing/checkout", json={"plan": "starter"})
            assert refused.status_code == 503
            assert "Stripe does not answer" in refused.json()["error"]
            assert client.get("/v1/billing").json()["plan"] == "free"
    finally:
        child.stop()


def test_a_key_reads_and_buys_nothing(stack: Stack, stripe: Stripe, account: Account) -> None:
    assert account.http.get("/v1/billing").json()["plan"] == "pro"  # given, not bought
    for path, body in (("checkout", {"plan": "pro"}), ("portal", {})):
        refused = account.http.post(f"/v1/billing/{path}", json=body)
        assert refused.status_code == 403, refused.text


@pytest.mark.parametrize("body", [{}, {"plan": "gold"}, {"plan": "starter", "job": "x&y"},
                                  {"plan": "starter", "card": "4242424242424242"}])  # fmt: skip
def test_a_bad_order_is_refused(stripe: Stripe, person: Person, body: dict[str, Any]) -> None:
    assert person.http.post("/v1/billing/checkout", json=body).status_code == 400


def test_an_account_that_ends_leaves_nothing_at_stripe_but_invoices(
    stripe: Stripe, person: Person
) -> None:
    subscribed(stripe, person, "starter")
    customer_id = customer(person)
    for _ in range(2):
        subscriptions.end_for_good(uuid.UUID(person.id))
    body = stripe.http.get(f"/v1/customers/{customer_id}").json()
    assert body == {"id": customer_id, "object": "customer", "deleted": True}


CARD = re.compile(r"card|cvc|iban|last4|exp_month|exp_year|payment_method")


def test_no_card_goes_by(stripe: Stripe, person: Person) -> None:
    subscribed(stripe, person, "starter")
    upgrade(stripe, person)
    recover(stripe, person)
    body = stripe.http.get("/_control/requests").json()
    ours = [each for each in body if each["path"].startswith("/v1/")]
    # Only `make stripe-setup` names a method: it lets people change theirs on Stripe's own pages.
    about_cards = [each for each in ours if CARD.search(json.dumps(each))]
    assert {each["path"] for each in about_cards} <= {
        path for each in ours if (path := each["path"]).startswith("/v1/billing_portal/conf")
    }
    columns = postgres.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'app' and column_name ~ %(card)s",
        {"card": CARD.pattern},
    )
    assert columns == []
    models = openapi.document()["components"]["schemas"]
    fields = {name for model in models.values() for name in model.get("properties", {})}
    assert "paid_cents" in fields
    assert not [name for name in fields if CARD.search(name)]
