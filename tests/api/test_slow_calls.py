"""Calls that wait for somebody's server: few at once, twenty seconds in all, nobody else waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from lib.accounts import rates
from lib.http import slow_calls
from lib.jobs import validate
from lib.platform import postgres
from lib.platform.errors import Problem
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.guests import Guest
from tests.rigs.people import account_id
from tests.rigs.sources import SourceServer


@pytest.fixture
def hanging(sources: SourceServer) -> Iterator[SourceServer]:
    """The server of sources, whose /hang says nothing until the test ends."""
    with sources.hanging():
        yield sources


def validation(url: str, count: int = 1) -> dict[str, Any]:
    return {"inputs": [{"url": url}] * count, "outputFormat": "mp4"}


def ask(account: Account, body: dict[str, Any]) -> httpx.Response:
    return account.http.post("/v1/validate", json=body, timeout=120)


@contextmanager
def running(
    account: Account, source: SourceServer, count: int
) -> Iterator[list[Future[httpx.Response]]]:
    """So many validations of an account, each of which waits for the source's server."""
    with ThreadPoolExecutor(count) as pool:
        before = source.hits.count("/hang")
        calls = [pool.submit(ask, account, validation(source.url("hang"))) for _ in range(count)]
        until(lambda: source.hits.count("/hang") >= before + count)
        yield calls
        source.release()


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_account_has_two_at_once(
    account: Account, other_account: Account, hanging: SourceServer, clip: Path
) -> None:
    stored = account.upload(clip)
    with running(account, hanging, slow_calls.LOOK.at_once):
        for path, body in (
            ("/v1/validate", validation(stored)),
            ("/v1/ffprobe", {"url": stored}),
        ):
            refused = account.http.post(path, json=body)
            assert refused.status_code == 429, refused.text
            assert int(refused.headers["Retry-After"]) >= 1
            assert "2 calls" in refused.json()["error"]
        assert account.http.get("/v1/transcodes").status_code == 200
        assert ask(other_account, validation(other_account.upload(clip))).status_code == 200
    # Each of them has ended, and gives its place back.
    until(lambda: places(account) == 0)
    assert ask(account, validation(stored)).status_code == 200
    assert account.http.post("/v1/ffprobe", json={"url": stored}).status_code == 200


def places(account: Account) -> int:
    row = postgres.row(
        "select count(*) as count from app.slow_calls where account_id = %(id)s",
        {"id": account_id(account)},
    )
    assert row
    return int(row["count"])


@pytest.mark.parametrize("limit", [1, 3])
def test_none_races_past_the_limit(account: Account, limit: int) -> None:
    own = account_id(account)

    def begin(_: object = None) -> UUID | None:
        return rates.begin_slow_call(UUID(own), "test", limit, 60)

    with ThreadPoolExecutor(8) as pool:
        ids = [each for each in pool.map(begin, range(16)) if each]
    assert len(ids) == limit
    rates.end_slow_call(ids[0])
    assert begin()
    assert begin() is None


def test_the_place_of_a_process_that_died_is_free_again(account: Account) -> None:
    own = UUID(account_id(account))
    assert rates.begin_slow_call(own, "test", 1, 60)
    assert rates.begin_slow_call(own, "test", 1, 60) is None
    postgres.rows("update app.slow_calls set until = now() where account_id = %(id)s", {"id": own})
    assert rates.begin_slow_call(own, "test", 1, 60)


def test_confirm_has_a_window_and_places_of_its_own(account: Account, clip: Path) -> None:
    own = UUID(account_id(account))
    body = {"filename": "20260101-000000-00000000-a.mp4", "fileSize": 10}

    def confirm() -> httpx.Response:
        return account.http.post("/v1/upload/confirm", json=body)

    pending = [
        rates.begin_slow_call(own, "confirm", slow_calls.CONFIRM.at_once, 60)
        for _ in range(slow_calls.CONFIRM.at_once - 1)
    ]
    assert all(pending)
    assert confirm().status_code == 404
    assert rates.begin_slow_call(own, "confirm", slow_calls.CONFIRM.at_once, 60)
    assert confirm().status_code == 429
    postgres.rows("delete from app.slow_calls where account_id = %(id)s", {"id": own})
    postgres.rows(
        """
        insert into app.rate_windows as w (subject, started_at, hits)
        select 'confirm:' || %(id)s, date_trunc('minute', now()) + make_interval(mins => ahead), 119
          from generate_series(0, 1) ahead
        on conflict (subject, started_at) do update set hits = excluded.hits
        """,
        {"id": own},
    )
    assert confirm().status_code == 404
    refused = confirm()
    assert refused.status_code == 429
    assert "120 requests a minute" in refused.json()["error"]


def test_all_inputs_together_have_twenty_seconds(account: Account, sources: SourceServer) -> None:
    begun = time.monotonic()
    answer = ask(account, validation(sources.url("hang"), 10))
    seconds = time.monotonic() - begun
    assert answer.status_code == 422, answer.text
    assert seconds < 2 * validate.SECONDS, "ten inputs of twenty seconds each"


def test_hanging_validations_hold_up_nobody(
    stack: Stack, account: Account, hanging: SourceServer
) -> None:
    """36 at once, of visitors and of an account: half of the threads stay free."""
    visitors = [Guest(stack) for _ in range(11)]
    body = validation(hanging.url("hang"))
    before = hanging.hits.count("/hang")
    with ThreadPoolExecutor(36) as pool:
        calls = [pool.submit(ask, each, body) for each in visitors for _ in range(3)]
        calls += [pool.submit(ask, account, body) for _ in range(3)]
        # All but those that wait for the source are refused at once.
        limit = slow_calls._Threads.GUESTS + slow_calls.LOOK.at_once
        until(lambda: hanging.hits.count("/hang") - before == limit)
        until(lambda: sum(call.done() for call in calls) == len(calls) - limit)
        samples = []
        for _ in range(15):
            begun = time.monotonic()
            assert account.http.get("/v1/transcodes").status_code == 200
            samples.append(time.monotonic() - begun)
        assert sorted(samples)[7] < 0.5, samples
        hanging.release()
        answers = [call.result() for call in calls]
    refused = [each for each in answers if each.status_code in (429, 503)]
    assert len(refused) == len(calls) - limit
    assert all(int(each.headers["Retry-After"]) >= 1 for each in refused)
    assert {each.status_code for each in answers} == {422, 429, 503}


def test_the_threads_of_a_process_are_bounded() -> None:
    threads = slow_calls._Threads()
    leave = threading.Event()
    entered = threading.Semaphore(0)

    def hold(guest: bool) -> None:
        with threads.place(guest=guest):
            entered.release()
            leave.wait(60)

    with ThreadPoolExecutor(32) as pool:
        for number in range(threads.LIMIT):
            pool.submit(hold, number < threads.GUESTS)
            assert entered.acquire(timeout=60)
            if number >= threads.GUESTS - 1:
                with pytest.raises(Problem) as refused, threads.place(guest=True):
                    pass
                assert refused.value.status == 503
        with pytest.raises(Problem), threads.place(guest=False):
            pass
        leave.set()
    with threads.place(guest=True), threads.place(guest=False):
        pass
