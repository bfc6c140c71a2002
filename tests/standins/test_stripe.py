"""Stripe's stand-in, driven by the stock package and a browser's requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from tests.rigs.stripe import StandIn, running, until

PERIOD = 28 * 86400


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running(tmp_path_factory.mktemp("stripe")) as each:
        yield each


@pytest.fixture(scope="module")
def starter(standin: StandIn) -> stripe.Price:
    return standin.price("Starter", 1900)


@pytest.fixture(scope="module")
def pro(standin: StandIn) -> stripe.Price:
    return standin.price("Pro", 8900)


def plain(thing: Any) -> dict[str, Any]:
    """A StripeObject as a dict."""
    return dict(thing.to_dict())


def price_of(subscription: stripe.Subscription) -> str:
    return str(subscription["items"].data[0].price.id)


def update(standin: StandIn, subscription: str, **params: Any) -> stripe.Subscription:
    options: Any = params
    return standin.api.subscriptions.update(subscription, options)


def types(standin: StandIn, customer: str) -> list[str]:
    """The events of a customer, oldest first."""
    events = standin.api.events.list({"limit": 100})
    return [
        event.type
        for event in reversed(events.data)
        if customer in (plain(event.data.object).get(name) for name in ("id", "customer"))
    ]


# Customers


def test_a_customer_is_made_changed_and_found_by_email(standin: StandIn) -> None:
    customer = standin.api.customers.create(
        {"email": "found+1@example.com", "metadata": {"account": "7", "gone": "x"}}
    )
    assert (customer.object, customer.livemode) == ("customer", False)
    assert plain(customer.metadata) == {"account": "7", "gone": "x"}
    standin.api.customers.update(
        customer.id, {"name": "Ä & <b>", "metadata": {"gone": "", "b": "2"}}
    )
    listed = standin.api.customers.list({"email": "found+1@example.com"})
    assert [(each.id, each.name) for each in listed.data] == [(customer.id, "Ä & <b>")]
    assert plain(listed.data[0].metadata) == {"account": "7", "b": "2"}
    assert standin.api.customers.list({"email": "nobody@example.com"}).data == []


def test_a_deleted_customer_ends_its_subscriptions(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    customer = str(subscription.customer)
    assert standin.api.customers.delete(customer).deleted is True
    assert standin.api.customers.retrieve(customer).deleted is True
    assert standin.api.subscriptions.retrieve(subscription.id).status == "canceled"
    assert types(standin, customer)[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    for call in (standin.api.customers.delete, standin.api.customers.update):
        with pytest.raises(stripe.InvalidRequestError, match="No such customer") as caught:
            call(customer)
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        standin.session(customer, pro.id)
    assert (refused.value.http_status, refused.value.param) == (400, "customer")


def test_lists_go_page_by_page(standin: StandIn) -> None:
    ids = [standin.api.customers.create({"email": "many@example.com"}).id for _ in range(5)]
    first = standin.api.customers.list({"email": "many@example.com", "limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (ids[:2:-1], True)
    assert [each.id for each in first.auto_paging_iter()] == ids[::-1]
    before: Any = {"email": "many@example.com", "limit": 2, "ending_before": ids[0]}
    assert [each.id for each in standin.api.customers.list(before).data] == [ids[2], ids[1]]
    with pytest.raises(stripe.InvalidRequestError):
        standin.api.customers.list({"limit": 101})


# Prices


def test_a_lookup_key_belongs_to_one_price(standin: StandIn) -> None:
    old = standin.price("Old", 500, lookup_key="only")
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        standin.price("New", 600, lookup_key="only")
    new = standin.price("New", 600, lookup_key="only", transfer_lookup_key=True)
    prices = standin.api.prices.list({"lookup_keys": ["only", "none"], "active": True}).data
    assert [each.id for each in prices] == [new.id]
    standin.api.prices.update(old.id, {"lookup_key": "only", "transfer_lookup_key": True})
    assert standin.api.prices.retrieve(new.id).lookup_key is None
    standin.api.prices.update(old.id, {"active": False})
    assert standin.api.prices.list({"lookup_keys": ["only"], "active": True}).data == []
    customer = standin.api.customers.create().id
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        standin.session(customer, old.id)


# Checkout


def test_paying_makes_an_active_subscription(standin: StandIn, pro: stripe.Price) -> None:
    customer = standin.api.customers.create({"email": "payer@example.com"})
    session = standin.session(
        customer.id,
        pro.id,
        client_reference_id="account-7",
        metadata={"account": "7"},
        subscription_data={"metadata": {"account": "7"}},
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    page = standin.http.get(str(session.url))
    assert page.status_code == 200 and "$89.00" in page.text
    assert not re.search(r"card.?number\"|<script", page.text)

    declined = standin.click(session.url, "decline")
    assert declined.status_code == 402 and "card was declined" in declined.text
    assert standin.api.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    away = standin.click(session.url, "abandon")
    assert (away.status_code, away.headers["location"]) == (303, "http://127.0.0.1/plans")

    for _ in range(2):  # a second press changes nothing
        paid = standin.click(session.url, "pay")
        assert paid.headers["location"] == f"http://127.0.0.1/done?session={session.id}&x=1"
    resource: Any = standin.api.checkout.sessions.retrieve(
        session.id, {"expand": ["subscription.latest_invoice", "customer", "line_items"]}
    )
    assert (resource.status, resource.payment_status, resource.url) == ("complete", "paid", None)
    assert (resource.client_reference_id, plain(resource.metadata)) == (
        "account-7",
        {"account": "7"},
    )
    assert resource.customer.email == "payer@example.com"
    assert resource.line_items.data[0].price.id == pro.id
    subscription = resource.subscription
    assert (subscription.status, plain(subscription.metadata)) == ("active", {"account": "7"})
    item = subscription["items"].data[0]
    assert item.current_period_end - item.current_period_start >= PERIOD
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == (
        "paid",
        8900,
        "subscription_create",
    )
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert len(standin.api.subscriptions.list({"customer": customer.id}).data) == 1
    assert types(standin, customer.id) == [
        "customer.created",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]


def test_a_session_without_a_customer_makes_one(standin: StandIn, pro: stripe.Price) -> None:
    session: Any = standin.api.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": pro.id, "quantity": 2}],
            "success_url": "http://127.0.0.1/done",
        }
    )
    assert 'type="email"' in standin.http.get(session.url).text
    standin.click(session.url, "pay", email="new@example.com")
    resource: Any = standin.api.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert resource.customer.email == "new@example.com"
    assert resource.amount_total == 17800


def test_an_expired_session_takes_no_payment(standin: StandIn, pro: stripe.Price) -> None:
    customer = standin.api.customers.create()
    session = standin.session(customer.id, pro.id)
    assert standin.api.checkout.sessions.expire(session.id).status == "expired"
    assert standin.click(session.url, "pay").status_code == 410
    assert standin.api.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        standin.api.checkout.sessions.expire(session.id)
    assert "checkout.session.expired" in types(standin, customer.id)


def test_a_customer_deleted_meanwhile_cannot_pay(standin: StandIn, pro: stripe.Price) -> None:
    customer = standin.api.customers.create()
    session = standin.session(customer.id, pro.id)
    standin.api.customers.delete(customer.id)
    assert standin.click(session.url, "pay").status_code == 400
    assert standin.api.checkout.sessions.retrieve(session.id).status == "open"


def test_pages_escape_what_people_wrote(standin: StandIn) -> None:
    price = standin.price("<script>alert(1)</script>", 100)
    customer = standin.api.customers.create({"email": '"><img src=x>@example.com'})
    session = standin.session(customer.id, price.id, cancel_url="javascript:alert(1)")
    portal = standin.api.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": configured(standin, price)}
    )
    standin.click(session.url, "pay")
    for url in (session.url, portal.url):
        text = standin.http.get(str(url)).text
        assert "<script" not in text and "<img" not in text and 'href="javascript' not in text


# Subscriptions


def test_an_upgrade_is_paid_for_the_rest_at_once(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    item = subscription["items"].data[0]
    after: Any = update(
        standin,
        subscription.id,
        items=[{"id": item.id, "price": pro.id}],
        proration_behavior="always_invoice",
        expand=["latest_invoice"],
    )
    assert price_of(after) == pro.id and after.status == "active"
    assert after["items"].data[0].current_period_end == item.current_period_end
    invoice = after.latest_invoice
    assert (invoice.billing_reason, invoice.status) == ("subscription_update", "paid")
    assert invoice.amount_paid == pytest.approx(7000, abs=5)
    assert [line.amount for line in invoice.lines.data] == [
        pytest.approx(-1900, abs=5),
        pytest.approx(8900, abs=5),
    ]
    (event,) = standin.api.events.list({"types": ["customer.subscription.updated"], "limit": 1})
    previous: Any = event.data.previous_attributes
    assert previous["items"]["data"][0]["price"]["id"] == starter.id


def test_a_failed_upgrade_changes_nothing_where_asked(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    item = subscription["items"].data[0]
    change: Any = {
        "items": [{"id": item.id, "price": pro.id}],
        "proration_behavior": "always_invoice",
    }
    standin.control("fail_next", customer=subscription.customer)
    with pytest.raises(stripe.CardError) as declined:
        update(standin, subscription.id, **change, payment_behavior="error_if_incomplete")
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    assert price_of(standin.api.subscriptions.retrieve(subscription.id)) == starter.id

    after: Any = update(standin, subscription.id, **change, expand=["latest_invoice"])
    assert (after.status, after.latest_invoice.status) == ("past_due", "open")
    assert standin.api.invoices.pay(after.latest_invoice.id).status == "paid"
    assert standin.api.subscriptions.retrieve(subscription.id).status == "active"


def test_a_prorated_change_waits_for_the_next_invoice(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    item = subscription["items"].data[0]
    update(standin, subscription.id, items=[{"id": item.id, "price": pro.id}])
    assert len(standin.api.invoices.list({"subscription": subscription.id}).data) == 1
    standin.control("renew", subscription=subscription.id)
    invoice = standin.api.invoices.list({"subscription": subscription.id}).data[0]
    assert invoice.billing_reason == "subscription_cycle"
    assert invoice.total == pytest.approx(7000 + 8900, abs=5)


def test_another_interval_begins_a_new_period(standin: StandIn, starter: stripe.Price) -> None:
    yearly = standin.price("Yearly", 19000, recurring={"interval": "year"})
    subscription = standin.subscribe(starter.id)
    item = subscription["items"].data[0]
    after: Any = update(
        standin,
        subscription.id,
        items=[{"id": item.id, "price": yearly.id}],
        expand=["latest_invoice"],
    )
    new = after["items"].data[0]
    assert new.current_period_end - new.current_period_start >= 365 * 86400
    assert after.latest_invoice.amount_paid == pytest.approx(19000 - 1900, abs=5)


def test_a_credit_pays_later_invoices(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(pro.id)
    item = subscription["items"].data[0]
    update(
        standin,
        subscription.id,
        items=[{"id": item.id, "price": starter.id}],
        proration_behavior="always_invoice",
    )
    balance = standin.api.customers.retrieve(str(subscription.customer)).balance
    assert balance == pytest.approx(-7000, abs=5)
    standin.control("renew", subscription=subscription.id)
    renewed = standin.api.invoices.list({"subscription": subscription.id}).data[0]
    assert (renewed.total, renewed.amount_due, renewed.status) == (1900, 0, "paid")
    left = standin.api.customers.retrieve(str(subscription.customer)).balance
    assert left == (balance or 0) + 1900


def test_cancel_at_the_periods_end_and_back(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    end = subscription["items"].data[0].current_period_end
    ending = update(standin, subscription.id, cancel_at_period_end=True)
    assert (ending.cancel_at_period_end, ending.cancel_at, ending.status) == (True, end, "active")
    going = update(standin, subscription.id, cancel_at_period_end=False)
    assert (going.cancel_at_period_end, going.cancel_at, going.canceled_at) == (False, None, None)
    update(standin, subscription.id, cancel_at="min_period_end")
    assert standin.control("renew", subscription=subscription.id)["status"] == "canceled"
    ended = standin.api.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert types(standin, str(subscription.customer))[-1] == "customer.subscription.deleted"
    assert standin.api.subscriptions.list({"customer": str(subscription.customer)}).data == []
    assert len(standin.api.invoices.list({"subscription": subscription.id}).data) == 1


def test_cancel_at_once(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    assert standin.api.subscriptions.cancel(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        standin.api.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        update(standin, subscription.id, cancel_at_period_end=True)


def test_renewals_paid_and_not(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    first = subscription["items"].data[0]
    standin.control("renew", subscription=subscription.id, pay=True)
    renewed = standin.api.subscriptions.retrieve(subscription.id)
    assert renewed["items"].data[0].current_period_start == first.current_period_end
    assert renewed.status == "active"
    late = standin.control("renew", subscription=subscription.id, pay=False)
    assert late["status"] == "past_due"
    (invoice,) = standin.api.invoices.list({"subscription": subscription.id, "status": "open"})
    assert invoice.attempt_count == 1 and invoice.next_payment_attempt
    assert types(standin, str(subscription.customer))[-2:] == [
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]
    standin.control("fail_next", customer=subscription.customer)
    with pytest.raises(stripe.CardError, match="declined"):
        standin.api.invoices.pay(invoice.id)
    assert standin.api.invoices.retrieve(invoice.id).attempt_count == 2
    assert standin.api.invoices.pay(invoice.id).status == "paid"
    assert standin.api.subscriptions.retrieve(subscription.id).status == "active"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        standin.api.invoices.pay(invoice.id)


def test_stripe_gives_up_on_an_unpaid_subscription(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    standin.control("renew", subscription=subscription.id, pay=False)
    missing = standin.control("give_up", subscription=subscription.id)
    assert missing["status"] == "canceled"
    assert missing["cancellation_details"]["reason"] == "payment_failed"


# Schedules


def schedule_to(standin: StandIn, subscription: str, price: str) -> stripe.SubscriptionSchedule:
    schedule = standin.api.subscription_schedules.create({"from_subscription": subscription})
    phase = schedule.phases[0]
    current = str(phase["items"][0].price)
    phases: Any = [
        {
            "start_date": phase.start_date,
            "end_date": phase.end_date,
            "items": [{"price": current, "quantity": 1}],
        },
        {"items": [{"price": price, "quantity": 1}], "proration_behavior": "none"},
    ]
    return standin.api.subscription_schedules.update(
        schedule.id, {"phases": phases, "end_behavior": "release"}
    )


def test_a_downgrade_comes_at_the_periods_end(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(pro.id)
    schedule = schedule_to(standin, subscription.id, starter.id)
    assert (schedule.status, len(schedule.phases)) == ("active", 2)
    before = standin.api.subscriptions.retrieve(subscription.id)
    assert (before.schedule, price_of(before)) == (schedule.id, pro.id)
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        update(standin, subscription.id, cancel_at_period_end=True)
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        standin.api.subscription_schedules.create({"from_subscription": subscription.id})

    standin.control("renew", subscription=subscription.id)
    after = standin.api.subscriptions.retrieve(subscription.id)
    assert price_of(after) == starter.id
    assert standin.api.invoices.list({"subscription": subscription.id}).data[0].total == 1900
    standin.control("renew", subscription=subscription.id)
    assert standin.api.subscriptions.retrieve(subscription.id).schedule is None
    done = standin.api.subscription_schedules.retrieve(schedule.id)
    assert (done.status, done.released_subscription) == ("released", subscription.id)
    events = [each for each in types(standin, str(subscription.customer)) if "schedule" in each]
    assert events == [
        "subscription_schedule.created",
        "subscription_schedule.updated",
        "subscription_schedule.updated",
        "subscription_schedule.released",
    ]


def test_a_released_schedule_changes_nothing(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(pro.id)
    schedule = schedule_to(standin, subscription.id, starter.id)
    assert standin.api.subscription_schedules.release(schedule.id).status == "released"
    standin.control("renew", subscription=subscription.id)
    assert price_of(standin.api.subscriptions.retrieve(subscription.id)) == pro.id
    with pytest.raises(stripe.InvalidRequestError, match="`released` status"):
        standin.api.subscription_schedules.release(schedule.id)


def test_the_current_phase_keeps_its_start(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    schedule = standin.api.subscription_schedules.create({"from_subscription": subscription.id})
    phases: Any = [{"start_date": 1, "items": [{"price": pro.id}]}]
    with pytest.raises(stripe.InvalidRequestError, match="start date of the current phase"):
        standin.api.subscription_schedules.update(schedule.id, {"phases": phases})


# Refunds


def test_refunds_and_the_invoice_they_belong_to(standin: StandIn, pro: stripe.Price) -> None:
    subscription: Any = standin.subscribe(pro.id)
    invoice: Any = standin.api.invoices.retrieve(
        subscription.latest_invoice, {"expand": ["payments"]}
    )
    intent = invoice.payments.data[0].payment.payment_intent
    part = standin.api.refunds.create({"payment_intent": intent, "amount": 900})
    assert (part.status, part.amount) == ("succeeded", 900)
    rest = standin.api.refunds.create({"charge": str(part.charge)})
    assert rest.amount == 8000
    charge = standin.api.charges.retrieve(str(part.charge), {"expand": ["refunds"]})
    assert charge.refunded and charge.amount_refunded == 8900 and charge.refunds
    assert len(charge.refunds.data) == 2
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        standin.api.refunds.create({"payment_intent": intent})
    event = standin.api.events.list({"type": "charge.refunded"}).data[0]
    payments = standin.api.invoice_payments.list(
        {
            "payment": {
                "type": "payment_intent",
                "payment_intent": event.data.object["payment_intent"],
            }
        }
    )
    assert [each.invoice for each in payments.data] == [invoice.id]


# The portal and the invoice's page


def configured(standin: StandIn, *prices: stripe.Price, **more: Any) -> str:
    features: Any = {
        "invoice_history": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "always_invoice",
            "products": [{"product": str(p.product), "prices": [p.id]} for p in prices],
            "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
        },
    }
    configuration = standin.api.billing_portal.configurations.create({"features": features | more})
    return configuration.id


def portal(standin: StandIn, customer: Any, configuration: str) -> str:
    session = standin.api.billing_portal.sessions.create(
        {
            "customer": str(customer),
            "configuration": configuration,
            "return_url": "http://127.0.0.1/account",
        }
    )
    return session.url


def test_the_portal_switches_ends_and_resumes(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    url = portal(standin, subscription.customer, configured(standin, starter, pro))
    page = standin.http.get(url).text
    assert "Starter, $19.00 / month" in page and 'href="http://127.0.0.1/account"' in page

    assert standin.click(url, "switch", price=pro.id).status_code == 303
    upgraded = standin.api.subscriptions.retrieve(subscription.id)
    assert price_of(upgraded) == pro.id
    invoices = standin.api.invoices.list({"subscription": subscription.id}).data
    assert [invoice.billing_reason for invoice in invoices] == [
        "subscription_update",
        "subscription_create",
    ]

    standin.click(url, "switch", price=starter.id)
    waiting = standin.api.subscriptions.retrieve(subscription.id)
    assert price_of(waiting) == pro.id and waiting.schedule
    assert "It changes to Starter" in standin.http.get(url).text
    standin.click(url, "keep")
    assert standin.api.subscriptions.retrieve(subscription.id).schedule is None
    standin.click(url, "switch", price=starter.id)

    standin.click(url, "cancel")
    ending = standin.api.subscriptions.retrieve(subscription.id)
    # In flexible billing mode the portal sets cancel_at alone.
    assert ending.cancel_at == ending["items"].data[0].current_period_end
    assert ending.cancel_at_period_end is False and ending.schedule is None
    assert "It ends on" in standin.http.get(url).text
    standin.click(url, "resume")
    assert standin.api.subscriptions.retrieve(subscription.id).cancel_at is None

    standin.click(url, "switch", price=starter.id)
    standin.control("renew", subscription=subscription.id)
    assert price_of(standin.api.subscriptions.retrieve(subscription.id)) == starter.id


def test_the_portal_pays_an_open_invoice(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    standin.control("renew", subscription=subscription.id, pay=False)
    (invoice,) = standin.api.invoices.list({"subscription": subscription.id, "status": "open"})
    url = portal(standin, subscription.customer, configured(standin, pro))
    other = portal(standin, standin.subscribe(pro.id).customer, configured(standin, pro))
    assert standin.click(other, "pay", invoice=invoice.id).status_code == 400
    standin.control("fail_next", customer=subscription.customer)
    assert standin.click(url, "pay", invoice=invoice.id).status_code == 402
    assert standin.api.invoices.retrieve(invoice.id).attempt_count == 2
    assert standin.click(url, "pay", invoice=invoice.id).status_code == 303
    assert standin.api.subscriptions.retrieve(subscription.id).status == "active"


def test_the_portal_allows_what_its_configuration_says(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    closed = configured(standin, starter, subscription_cancel={"enabled": False})
    url = portal(standin, subscription.customer, closed)
    assert "Cancel the plan" not in standin.http.get(url).text
    assert standin.click(url, "cancel").status_code == 400
    assert standin.click(url, "switch", price=pro.id).status_code == 400
    features: Any = {"subscription_cancel": {"enabled": True, "mode": "immediately"}}
    standin.api.billing_portal.configurations.update(closed, {"features": features})
    standin.click(url, "cancel")
    assert standin.api.subscriptions.retrieve(subscription.id).status == "canceled"
    assert "There is no subscription" in standin.http.get(url).text
    assert standin.api.billing_portal.configurations.list({"active": True}).data


def test_no_configuration_of_the_api_is_the_default(standin: StandIn, pro: stripe.Price) -> None:
    configuration = standin.api.billing_portal.configurations.retrieve(configured(standin, pro))
    assert configuration.is_default is False
    customer = standin.api.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="configuration"):
        standin.api.billing_portal.sessions.create({"customer": customer.id})


def test_an_end_set_by_the_portal_is_unset_by_its_own_name(
    standin: StandIn, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(pro.id)
    api = standin.api.subscriptions
    api.update(subscription.id, {"cancel_at": "min_period_end"})
    assert api.update(subscription.id, {"cancel_at_period_end": False}).cancel_at is not None
    assert api.update(subscription.id, {"cancel_at": ""}).cancel_at is None
    assert api.update(subscription.id, {"cancel_at_period_end": True}).cancel_at is not None
    assert api.update(subscription.id, {"cancel_at_period_end": False}).cancel_at is None


def test_an_open_invoice_is_voided(standin: StandIn, pro: stripe.Price) -> None:
    subscription = standin.subscribe(pro.id)
    standin.control("renew", subscription=subscription.id, pay=False)
    (invoice,) = standin.api.invoices.list({"subscription": subscription.id, "status": "open"})
    assert standin.api.invoices.void_invoice(invoice.id).status == "void"
    for second in (standin.api.invoices.void_invoice, standin.api.invoices.pay):
        with pytest.raises(stripe.InvalidRequestError):
            second(invoice.id)
    until(lambda: "invoice.voided" in standin.types())


def test_a_declined_switch_leaves_the_plan(
    standin: StandIn, starter: stripe.Price, pro: stripe.Price
) -> None:
    subscription = standin.subscribe(starter.id)
    url = portal(standin, subscription.customer, configured(standin, starter, pro))
    standin.control("fail_next", customer=subscription.customer)
    assert standin.click(url, "switch", price=pro.id).status_code == 402
    assert price_of(standin.api.subscriptions.retrieve(subscription.id)) == starter.id


def test_invoices_have_a_page_and_a_file(standin: StandIn, pro: stripe.Price) -> None:
    subscription: Any = standin.subscribe(pro.id)
    invoice = standin.api.invoices.retrieve(subscription.latest_invoice)
    page = httpx.get(str(invoice.hosted_invoice_url), trust_env=False)
    assert invoice.number and invoice.number in page.text and "$89.00" in page.text
    file = httpx.get(str(invoice.invoice_pdf), trust_env=False)
    assert file.headers["content-type"] == "application/pdf"
    assert file.content.startswith(b"%PDF-") and file.content.endswith(b"%%EOF\n")
    start = int(file.content.split(b"startxref\n")[1].split()[0])
    assert file.content[start:].startswith(b"xref")
    assert standin.http.get("/invoice/in_none").status_code == 404
