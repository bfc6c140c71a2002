"""A database outage does not erase its own errors: they are in /metrics after it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest

from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.machine.gate import Gate
from tests.rigs.metrics import grown, samples, scrape
from tests.rigs.waiting import eventually

CALLS = 6
TOTAL = ("ffm_requests_total",)


class Functions(NamedTuple):
    """Functions in a process of their own, and the gate between them and the database."""

    gate: Gate
    url: str


@pytest.fixture
def functions(stack: Stack) -> Iterator[Functions]:
    gate = Gate(stack)
    child = Child(
        "tests.rigs.processes.functions",
        ["api/transcodes", "api/service"],
        os.environ | stack.settings | {"POSTGRES_URL": gate.url},
    )
    yield Functions(gate, child.ready())
    child.stop()
    gate.close()


def get(url: str, path: str, credential: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {credential}"}
    return httpx.get(f"{url}{path}", headers=headers, timeout=60, trust_env=False)


def test_calls_that_failed_in_an_outage_are_counted_after_it(
    stack: Stack, functions: Functions, account: Account
) -> None:
    secret = stack.settings["CRON_SECRET"]
    assert get(functions.url, "/v1/transcodes", account.key).status_code == 200
    before = scrape(stack)

    functions.gate.close()
    with ThreadPoolExecutor(CALLS) as pool:
        answers = list(
            pool.map(lambda _: get(functions.url, "/v1/transcodes", account.key), range(CALLS))
        )
    assert all(answer.status_code >= 500 for answer in answers)
    away = get(functions.url, "/metrics", secret)
    assert away.status_code == 503
    assert int(away.headers["Retry-After"]) > 0
    assert "The database does not answer" in away.text
    own = samples(away.text)
    assert any(name == "ffm_database_errors_total" for name, _ in own)

    functions.gate.open()
    status = str(answers[0].status_code)
    labels = {"method": "GET", "route": "/v1/transcodes", "status": status}
    statuses = [str(answer.status_code) for answer in answers]

    def counted() -> bool:
        """A call that succeeds writes the counts; until the pool is back, calls still fail."""
        answer = get(functions.url, "/v1/transcodes", account.key)
        statuses.append(str(answer.status_code))
        return grown(before, scrape(stack), *TOTAL, **labels) >= statuses.count(status)

    eventually(counted)
    after = scrape(stack)
    # A write whose answer was lost is repeated: none is missing, some may count twice.
    assert grown(before, after, *TOTAL, **labels) >= statuses.count(status)
    latencies = grown(before, after, "ffm_request_seconds_sum", route="/v1/transcodes")
    assert latencies > 0
    errors = {
        labels: value - before.get((name, labels), 0)
        for (name, labels), value in after.items()
        if name == "ffm_database_errors_total"
    }
    assert sum(errors.values()) >= CALLS
    lines = sum(
        value - before.get((name, labels), 0)
        for (name, labels), value in after.items()
        if name == "ffm_log_lines_total" and ("event", "request not recorded") in labels
    )
    assert lines >= CALLS


def test_counts_are_written_once(functions: Functions, account: Account, stack: Stack) -> None:
    """A scrape after the outage, then another: nothing is counted again."""
    secret = stack.settings["CRON_SECRET"]
    get(functions.url, "/v1/transcodes", account.key)
    before = scrape(stack)
    functions.gate.close()
    status = str(get(functions.url, "/v1/transcodes", account.key).status_code)
    labels = {"method": "GET", "route": "/v1/transcodes", "status": status}

    def away() -> bool:
        page = get(functions.url, "/metrics", secret)
        return page.status_code == 503 and grown({}, samples(page.text), *TOTAL, **labels) == 1

    eventually(away)
    functions.gate.open()
    eventually(lambda: get(functions.url, "/metrics", secret).status_code == 200)
    once = grown(before, scrape(stack), *TOTAL, **labels)
    assert once in (1, 2)  # twice if the answer to the write was lost, see `unsaved`
    for _ in range(3):
        get(functions.url, "/v1/transcodes", account.key).raise_for_status()
    assert grown(before, scrape(stack), *TOTAL, **labels) == once
