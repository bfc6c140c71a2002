"""A call without a valid credential: what it costs, what it may send, how often."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import httpx
import pytest

from lib.http import auth
from lib.media.request import check as media_request
from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import fresh_address, stranger
from tests.rigs.routes import Body, Route, environ, every_route, status

PAN = "pan='stereo|" + "c0=c0 |" * 25 + "c0=c0 !'"
HOSTILE: dict[str, Any] = {
    "inputs": [{"url": "https://media.example.com/a.mp4"}],
    "outputFormat": "mp4",
    "options": [
        {"option": "-af", "argument": PAN},
        {"option": "-vf", "argument": "scale=1" + ":1" * 200_000},
    ],
}


def hostile(limit: int) -> bytes:
    """A body of exactly `limit` bytes."""
    body = json.dumps(HOSTILE).encode()
    if len(body) > limit:
        body = b'{"url":"' + b"[" * (limit - 10) + b'"}'
    return body + b" " * (limit - len(body))


@pytest.mark.parametrize("credential", [None, "Bearer ffm_wrong", "Bearer a.b.c", "Basic x"])
def test_no_route_reads_a_body_before_it_knows_the_caller(
    stack: Stack, credential: str | None
) -> None:
    closed = [route for route in every_route() if route.declared.needs_credential]
    assert len(closed) > 30
    for route in closed:
        body = Body(hostile(route.declared.most_bytes))
        headers = {"X-Real-IP": fresh_address()}
        headers |= {"Authorization": credential} if credential else {}
        assert status(route, environ(route, body, headers)) == 401, route.name
        assert not body.was_read, route.name


def test_routes_without_a_credential_bear_a_hostile_body(stack: Stack) -> None:
    for route in every_route():
        if not route.declared.needs_credential and route.method == "POST":
            headers = {"X-Real-IP": fresh_address()}
            body = Body(hostile(route.declared.most_bytes))
            assert status(route, environ(route, body, headers)) == 400, route.name


def seconds_of_cpu(route: Route, body: bytes | None) -> float:
    """The median of what a call takes of this thread's CPU."""
    samples = []
    for _ in range(41):
        payload = Body(body) if body else None
        environment = environ(route, payload, {"X-Real-IP": fresh_address()})
        begun = time.thread_time()
        assert status(route, environment) == 401
        samples.append(time.thread_time() - begun)
    return statistics.median(samples)


@pytest.mark.parametrize("name", ["POST /v1/transcodes", "POST /v1/validate"])
def test_a_hostile_body_costs_no_more_than_none(stack: Stack, name: str) -> None:
    route = next(each for each in every_route() if each.name == name)
    seconds_of_cpu(route, None)  # imports, connections
    bare = seconds_of_cpu(route, None)
    assert seconds_of_cpu(route, hostile(route.declared.most_bytes)) < 2 * bare


def test_past_the_limit_a_call_costs_no_statement(stack: Stack) -> None:
    """A thousand calls of one address: 429 out of this process's memory."""
    route = next(each for each in every_route() if each.name == "POST /v1/transcodes")
    address = fresh_address()

    def call() -> int:
        return status(route, environ(route, None, {"X-Real-IP": address}))

    end = time.monotonic() + 120
    while call() != 429:
        assert time.monotonic() < end
    row = "select sum(hits) as hits from app.rate_windows where subject like %(it)s"
    network = {"it": f"failed:{address.removesuffix('::1')}::/64"}
    before = postgres.row(row, network)
    answers = {call() for _ in range(30)}
    after = postgres.row(row, network)
    # Where a minute began between the calls, the count restarts.
    assert (answers == {429} and before == after) or answers == {401}


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("GET /v1/transcodes", {}),
        ("POST /v1/transcodes", {}),
        ("GET /v1/transcodes", {"Authorization": "Basic dXNlcjpwYXNz"}),
        ("GET /metrics", {}),
        ("GET /metrics", {"Authorization": "Bearer guess"}),
        ("GET /internal/cron/heal", {"Authorization": "Bearer guess"}),
        ("POST /internal/worker", {"Authorization": "Bearer guess"}),
        ("POST /hooks/stripe", {}),
        ("POST /hooks/stripe", {"Stripe-Signature": "t=1,v1=00"}),
    ],
)
def test_calls_without_a_valid_credential_are_limited_by_address(
    stack: Stack, name: str, headers: dict[str, str]
) -> None:
    """At the limit the usual answer, one past it 429."""
    route = next(each for each in every_route() if each.name == name)
    address = fresh_address()
    usual = 400 if name == "POST /hooks/stripe" else 401

    def call() -> httpx.Response:
        with stranger(stack, address) as client:
            return client.request(route.method, route.path, headers=headers)

    assert call().status_code == usual
    set_hits(address, auth.FAILURES_PER_MINUTE - 1)
    assert call().status_code == usual
    refused = call()
    assert refused.status_code == 429, refused.text
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Wait" in refused.json()["error"]


def set_hits(address: str, hits: int, bits: int = 64) -> None:
    """As if the network had failed so often in this minute and the next."""
    postgres.rows(
        """
        insert into app.rate_windows as w (subject, started_at, hits)
        select 'failed:' || network(set_masklen(%(address)s::inet, %(bits)s)),
               date_trunc('minute', now()) + make_interval(mins => ahead), %(hits)s
          from generate_series(0, 1) ahead
        on conflict (subject, started_at) do update set hits = excluded.hits
        """,
        {"address": address, "bits": bits, "hits": hits},
    )


def test_a_key_still_works_beside_others_that_fail(stack: Stack, account: Account) -> None:
    address = fresh_address()
    set_hits(address, 10 * auth.FAILURES_PER_MINUTE)
    with stranger(stack, address) as client:
        assert client.get("/v1/transcodes").status_code == 429
        headers = {"Authorization": f"Bearer {account.key}"}
        assert client.get("/v1/transcodes", headers=headers).status_code == 200


def test_a_48_has_four_times_the_limit_of_a_64(stack: Stack) -> None:
    prefix = fresh_address().rsplit(":", 3)[0]  # 2001:db8:xxxx
    set_hits(f"{prefix}::1", 4 * auth.FAILURES_PER_MINUTE - 2, 48)
    for line, expected in (("a", 401), ("b", 401), ("c", 429), ("d", 429)):
        with stranger(stack, f"{prefix}:{line}::1") as client:
            assert client.get("/v1/transcodes").status_code == expected, line


def calls_of(function: Callable[..., Any], do: Callable[[], object]) -> int:
    """How often this thread calls one of our functions while it does something."""
    code = function.__code__
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is code

    sys.setprofile(note)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("name", "expected"), [("POST /v1/transcodes", 201), ("POST /v1/validate", 422)]
)
def test_a_request_is_checked_once(
    stack: Stack, account: Account, name: str, expected: int
) -> None:
    route = next(each for each in every_route() if each.name == name)
    body = {"inputs": [{"url": "https://media.invalid/a.mp4"}], "outputFormat": "mp4"}
    environment = environ(
        route, Body(json.dumps(body).encode()), {"Authorization": f"Bearer {account.key}"}
    )

    def call() -> None:
        assert status(route, environment) == expected

    assert calls_of(media_request.check, call) == 1


def test_old_counts_go_with_any_call(stack: Stack) -> None:
    """Where no clock runs, too: the policy promises about an hour."""
    subject = f"failed:{fresh_address()}"
    postgres.rows(
        "insert into app.rate_windows (subject, started_at, hits)"
        " values (%(it)s, now() - interval '61 minutes', 1), (%(it)s, now(), 1)",
        {"it": subject},
    )
    end = time.monotonic() + 60
    left = "select hits from app.rate_windows where subject = %(it)s"
    while len(postgres.rows(left, {"it": subject})) > 1:
        assert time.monotonic() < end
        httpx.get(f"{stack.url}/v1/nothing", trust_env=False)
        time.sleep(0.2)
    assert len(postgres.rows(left, {"it": subject})) == 1
