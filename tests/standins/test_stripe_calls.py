"""Stripe's stand-in: keys, errors, idempotency, webhooks, and what a restart keeps."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import httpx
import psutil
import pytest
import stripe

from local import keys
from tests.rigs.stripe import StandIn, running, until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running(tmp_path_factory.mktemp("stripe")) as each:
        yield each


@pytest.fixture
def standin(shared: StandIn) -> Iterator[StandIn]:
    """The stand-in, with nothing on its way at the start and in the mode "normal"."""
    settled(shared)
    shared.receiver.received.clear()
    yield shared
    shared.receiver.answers.clear()
    shared.control("deliveries", mode="normal")
    shared.control("release")


def settled(standin: StandIn) -> None:
    until(lambda: all(each["outcome"] for each in standin.control("deliveries")))


def names(standin: StandIn) -> list[str]:
    """The descriptions of the customers that came by webhook."""
    return [str(event.data.object["description"]) for event in standin.events()]


def three(standin: StandIn) -> list[str]:
    """Three events; their ids."""
    for name in "abc":
        standin.api.customers.create({"description": name})
    events = standin.api.events.list({"type": "customer.created", "limit": 3}).data
    return [event.id for event in reversed(events)]


# Errors


def test_the_key_is_asked_for(standin: StandIn) -> None:
    base: Any = {"api": standin.url}
    with pytest.raises(stripe.AuthenticationError) as caught:
        stripe.StripeClient("sk_test_other", base_addresses=base).v1.customers.list()
    assert caught.value.http_status == 401 and caught.value.request_id
    assert standin.http.get("/v1/customers").status_code == 401
    assert standin.http.get("/_control/requests").status_code == 401
    assert standin.http.get("/v1/customers", auth=(standin.key, "")).status_code == 200
    assert standin.http.get("/v1/customers", auth=("sk_test_é", "")).status_code == 401


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ({}, "mode", "parameter_missing"),
        ({"mode": "subscription"}, "line_items", "parameter_missing"),
        ({"mode": "payment"}, "mode", None),
        ({"mode": "subscription", "card[number]": "4242"}, "card", "parameter_unknown"),
        ({"mode": "subscription", "line_items": "x"}, "line_items", None),
        ({"mode": "subscription", "line_items[a][price]": "x"}, "line_items", None),
        ({"line_items[0": "x"}, "line_items[0", "parameter_unknown"),
        (
            {"mode": "subscription", "line_items[0][price]": "price_none"},
            "line_items[0][price]",
            "resource_missing",
        ),
    ],
)
def test_bad_parameters_are_named(
    standin: StandIn, form: dict[str, str], param: str, code: str | None
) -> None:
    answer = standin.http.post("/v1/checkout/sessions", data=form, auth=(standin.key, ""))
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error.get("code")) == (param, code)
    assert error["message"]


def test_what_is_not_there_is_404(standin: StandIn) -> None:
    for call in (
        standin.api.customers.retrieve,
        standin.api.subscriptions.retrieve,
        standin.api.invoices.retrieve,
        standin.api.events.retrieve,
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call("none")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    answer = standin.http.get("/v1/coupons", auth=(standin.key, ""))
    assert answer.status_code == 404 and "Unrecognized" in answer.json()["error"]["message"]
    customer = standin.api.customers.create({"description": "x"})
    for path in ("nothing", "id", "description", "description.more"):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            standin.api.customers.retrieve(customer.id, {"expand": [path]})
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            standin.api.customers.list({"expand": [f"data.{path}"]})


def test_metadata_has_limits(standin: StandIn) -> None:
    for metadata in (
        {"k" * 41: "v"},
        {"k": "v" * 501},
        {f"k{number}": "v" for number in range(51)},
    ):
        with pytest.raises(stripe.InvalidRequestError, match="Metadata"):
            standin.api.customers.create({"metadata": metadata})


# Idempotency


def test_a_key_gets_the_same_answer(standin: StandIn) -> None:
    first = standin.api.customers.create({"description": "once"}, {"idempotency_key": "k1"})
    customer = standin.api.customers.create({"description": "once"}, {"idempotency_key": "k1"})
    assert customer.id == first.id
    response = customer.last_response
    assert response and response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as caught:
        standin.api.customers.create({"description": "other"}, {"idempotency_key": "k1"})
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        standin.api.products.create({"name": "x"}, {"idempotency_key": "k1"})
    listed = standin.api.events.list({"type": "customer.created", "limit": 100}).data
    mine = [event for event in listed if event.data.object["id"] == first.id]
    assert [event.request and event.request.idempotency_key for event in mine] == ["k1"]


def test_a_refused_call_does_not_use_up_its_key(standin: StandIn) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        standin.api.products.create({"name": ""}, {"idempotency_key": "k2"})
    assert standin.api.products.create({"name": "x"}, {"idempotency_key": "k2"}).name == "x"


# Webhooks


def test_webhooks_are_signed_and_listed(standin: StandIn) -> None:
    start = int(time.time())
    ids = three(standin)
    until(lambda: len(standin.receiver.received) == 3)
    assert [event.id for event in standin.events()] == ids
    signature, body = standin.receiver.received[0]
    for changed in (body + b" ", body.replace(b'"a"', b'"b"')):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(changed, signature, standin.secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")
    settled(standin)
    event = standin.api.events.retrieve(ids[0])
    assert event.pending_webhooks == 0 and json.loads(body)["pending_webhooks"] == 1
    assert event.api_version == stripe.api_version
    since = standin.api.events.list({"created": {"gte": start}, "types": ["customer.created"]})
    assert {each.id for each in since.auto_paging_iter()} >= set(ids)
    assert standin.api.events.list({"created": {"lt": start - 3600}}).data == []


def test_a_refused_webhook_comes_again(standin: StandIn) -> None:
    standin.receiver.answers += [500, 302, 200]
    start = time.monotonic()
    standin.api.customers.create({"description": "again"})
    until(lambda: len(standin.receiver.received) == 3)
    assert time.monotonic() - start >= 2.9
    assert len({event.id for event in standin.events()}) == 1
    settled(standin)
    last = standin.control("deliveries")[-1]
    assert (last["tries"], last["outcome"], last["answer"]) == (3, "delivered", "200")
    assert len(standin.receiver.received) == 3


def test_held_webhooks_come_in_the_order_asked_for(standin: StandIn) -> None:
    standin.control("deliveries", mode="hold")
    a, b, c = three(standin)
    time.sleep(0.3)
    assert standin.receiver.received == []
    assert standin.api.events.retrieve(a).pending_webhooks == 1
    assert standin.control("release", order=[c, a])["released"] == [c, a]
    until(lambda: len(standin.receiver.received) == 2)
    assert names(standin) == ["c", "a"]
    assert standin.control("release")["released"] == [b]
    until(lambda: names(standin) == ["c", "a", "b"])


def test_webhooks_twice_shuffled_and_late(standin: StandIn) -> None:
    standin.control("deliveries", mode="twice")
    standin.api.customers.create({"description": "two"})
    until(lambda: names(standin) == ["two", "two"])
    assert len({event.id for event in standin.events()}) == 1

    standin.receiver.received.clear()
    standin.control("deliveries", mode="shuffle")
    ids = three(standin)
    assert sorted(standin.control("release")["released"]) == sorted(ids)
    until(lambda: sorted(names(standin)) == ["a", "b", "c"])

    standin.receiver.received.clear()
    standin.control("deliveries", mode="late", seconds=0.5)
    start = time.monotonic()
    standin.api.customers.create({"description": "late"})
    until(lambda: names(standin) == ["late"])
    assert time.monotonic() - start >= 0.5
    auth = {"Authorization": f"Bearer {standin.key}"}
    wrong = standin.http.post("/_control/deliveries", json={"mode": "odd"}, headers=auth)
    assert wrong.status_code == 400


def test_an_endpoint_gets_what_it_asked_for(standin: StandIn) -> None:
    url = f"{standin.receiver.url}/hooks/stripe"
    (own,) = [each for each in standin.api.webhook_endpoints.list() if each.url == url]
    assert "secret" not in own.to_dict()
    endpoint = standin.api.webhook_endpoints.create(
        {"url": url, "enabled_events": ["customer.deleted"], "metadata": {"a": "b"}}
    )
    assert endpoint.secret and endpoint.secret.startswith("whsec_")
    assert "secret" not in standin.api.webhook_endpoints.retrieve(endpoint.id).to_dict()
    customer = standin.api.customers.create()
    standin.api.customers.delete(customer.id)
    until(lambda: len(standin.receiver.received) == 3)
    signature, body = standin.receiver.received[-1]
    stripe.Webhook.construct_event(body, signature, endpoint.secret)
    standin.api.webhook_endpoints.update(endpoint.id, {"disabled": True})
    assert standin.api.webhook_endpoints.retrieve(endpoint.id).status == "disabled"
    standin.api.webhook_endpoints.delete(endpoint.id)
    with pytest.raises(stripe.InvalidRequestError):
        standin.api.webhook_endpoints.create({"url": "ftp://x", "enabled_events": ["*"]})


def test_only_this_machine_is_ever_called(standin: StandIn) -> None:
    endpoint = standin.api.webhook_endpoints.create(
        {"url": "https://example.com/hooks", "enabled_events": ["*"]}
    )
    standin.api.customers.create()
    assert standin.control("deliveries")[-1]["endpoint"] != endpoint.id
    standin.api.webhook_endpoints.delete(endpoint.id)


def test_every_request_can_be_looked_at(standin: StandIn) -> None:
    price = standin.price("Seen", 100)
    standin.subscribe(price.id, "seen@example.com")
    requests = standin.control("requests")
    assert any("seen@example.com" in unquote_plus(each["body"]) for each in requests)
    assert any(each["path"].startswith("/pay/") for each in requests)
    assert standin.key not in json.dumps(requests)


# The process


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with running(tmp_path) as standin:
        price = standin.price("Kept", 500)
        subscription = standin.subscribe(price.id)
        open_session = standin.session(str(subscription.customer), price.id)
        until(lambda: len(standin.receiver.received) > 6)
        standin.api.customers.create({"description": "x"}, {"idempotency_key": "kept"})
        standin.control("deliveries", mode="hold")
        customer = standin.api.customers.create({"description": "held"})
        settled_events = len(standin.api.events.list({"limit": 100}).data)
        standin.child._process.kill()
        standin.stop()

        standin.start()
        assert standin.api.subscriptions.retrieve(subscription.id).status == "active"
        assert len(standin.api.events.list({"limit": 100}).data) == settled_events
        resource = standin.api.customers.create({"description": "x"}, {"idempotency_key": "kept"})
        assert resource.last_response
        assert resource.last_response.headers["idempotent-replayed"] == "true"
        standin.control("release")
        until(lambda: customer.id in {event.data.object["id"] for event in standin.events()})
        assert standin.click(open_session.url, "pay").status_code == 303  # the same address


def test_an_older_file_of_keys_gets_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    stack_keys = keys.load(path)
    old = json.loads(path.read_text())
    del old["stripe_secret"], old["stripe_webhook_secret"]
    path.write_text(json.dumps(old))
    loaded = keys.load(path)
    assert loaded.stripe_secret.startswith("sk_test_")
    assert loaded.stripe_webhook_secret.startswith("whsec_")
    assert loaded.stripe_secret != stack_keys.stripe_secret
    assert (loaded.secret, loaded.user_token_key) == (stack_keys.secret, stack_keys.user_token_key)
    assert keys.load(path) == loaded


def test_the_stack_starts_it_and_mends_it(stack: Any) -> None:
    url = stack.settings["STRIPE_URL"]
    auth = (stack.settings["STRIPE_SECRET_KEY"], "")
    assert httpx.get(f"{url}/v1/customers", auth=auth, trust_env=False).status_code == 200
    killed = psutil.Process(stack.stripe.pid)
    killed.kill()
    psutil.wait_procs([killed])
    assert any("the stand-in for Stripe" in sentence for sentence in stack.restart_ended())
    assert httpx.get(f"{url}/v1/customers", auth=auth, trust_env=False).status_code == 200
