"""Visitors: a key for an hour on a small plan, a few a day, and nothing left of them after."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.accounts import guests, keys
from lib.jobs import sweep
from lib.platform import postgres, storage
from lib.platform.errors import Problem
from local import client as api_client
from local.stack import Stack
from tests.conftest import Account
from tests.service.people import fresh_address, stranger


class Guest(Account):
    """A visitor with the key that POST /v1/try answers."""

    def __init__(self, stack: Stack) -> None:
        answer = stranger(stack).post("/v1/try", json={})
        assert answer.status_code == 201, answer.text
        self.told = answer.json()
        self.email = ""
        self.key = self.told["key"]
        self.http = api_client.connect(stack.url, self.key)

    @property
    def id(self) -> uuid.UUID:
        row = postgres.row(
            "select account_id from app.api_keys where hash = %(hash)s",
            {"hash": keys.digest(self.key)},
        )
        assert row
        return uuid.UUID(str(row["account_id"]))


@pytest.fixture
def guest(stack: Stack) -> Guest:
    return Guest(stack)


def test_a_visitor_makes_a_job(guest: Guest, clip: Path) -> None:
    assert (guest.told["max_bytes"], guest.told["minutes"]) == (26_214_400, 3)
    job = guest.wait(guest.create(guest.upload(clip), "mp3"))
    assert job["status"] == "completed", job
    assert len(guest.download(job["id"])) > 1000
    kept = postgres.row(
        "select extract(epoch from files_expire_at - completed_at)::int as seconds from app.jobs"
        " where id = %(id)s",
        {"id": job["id"]},
    )
    assert kept == {"seconds": guests.SECONDS}


def test_a_visitor_does_nothing_that_needs_a_person(guest: Guest, stack: Stack) -> None:
    for method, path, body in (
        ("POST", "/v1/api-keys", {}),
        ("DELETE", "/v1/account", {}),
        ("POST", "/v1/account/export", None),
        ("POST", "/v1/billing/checkout", {"plan": "pro"}),
        ("PATCH", "/v1/account", {"email": "somebody@example.com"}),
    ):
        answer = guest.http.request(method, path, json=body)
        assert answer.status_code == 403, (path, answer.text)
    offered = httpx.get(f"{stack.url}/v1/billing/plans", trust_env=False).json()["items"]
    assert "try" not in {plan["id"] for plan in offered}


def test_a_visitor_sends_a_few_small_files(
    guest: Guest, clip: Path, make_media: Callable[..., Path]
) -> None:
    large = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 26_214_401}
    refused = guest.http.post("/v1/upload/presigned-url", json=large)
    assert refused.status_code == 400
    assert "Sign up" in refused.json()["details"]
    small = large | {"fileSize": 1000}
    statuses = [
        guest.http.post("/v1/upload/presigned-url", json=small).status_code for _ in "12345"
    ]
    assert statuses == [200] * 5
    assert guest.http.post("/v1/upload/presigned-url", json=small).status_code == 400


def test_minutes_and_jobs_at_once_are_few(guest: Guest, make_media: Callable[..., Path]) -> None:
    long = make_media("long.wav", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "170")
    url = guest.upload(long)
    first = guest.create(url, "mp3")
    again = guest.http.post(
        "/v1/transcodes", json={"inputs": [{"url": url}], "outputFormat": "mp3"}
    )
    assert again.status_code == 402, again.text
    assert guest.wait(first)["status"] == "completed"


def test_a_body_that_asks_for_more_is_refused(stack: Stack) -> None:
    answer = stranger(stack).post("/v1/try", json={"plan": "pro"})
    assert answer.status_code == 400, answer.text


def test_a_network_gets_two_a_minute(stack: Stack) -> None:
    with stranger(stack) as visitor:
        answers = [visitor.post("/v1/try") for _ in range(4)]
        assert {answer.status_code for answer in answers} == {201, 429}
        assert int(answers[-1].headers["Retry-After"]) <= 60


def test_a_network_gets_ten_a_day_whatever_comes_at_once(stack: Stack) -> None:
    network = fresh_address()

    def one(_: int) -> bool:
        try:
            guests.open_account(network)
        except Problem as problem:
            assert problem.status == 429
            assert "Sign up" in problem.error
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(30))) == guests.MOST_A_DAY
    postgres.rows(
        "update app.guests set created_at = now() - interval '25 hours' where network = %(it)s",
        {"it": network},
    )
    assert one(0)


def test_there_is_a_limit_of_all(stack: Stack) -> None:
    with pytest.raises(Problem, match="Too many people"):
        guests.open_account(fresh_address(), most_in_all=1)


def test_the_key_ends_with_its_hour(guest: Guest) -> None:
    assert guest.http.get("/v1/transcodes").status_code == 200
    postgres.rows(
        "update app.api_keys set expires_at = now() where account_id = %(id)s", {"id": guest.id}
    )
    assert guest.http.get("/v1/transcodes").status_code == 401


def test_nothing_is_left_of_a_visitor(guest: Guest, clip: Path) -> None:
    account_id = guest.id
    job = guest.wait(guest.create(guest.upload(clip), "mp3"))
    assert job["status"] == "completed"
    sweep.sweep(5)
    assert guest.http.get("/v1/transcodes").status_code == 200  # its hour is not over
    postgres.rows(
        "update app.guests set created_at = created_at - interval '61 minutes'"
        " where account_id = %(id)s",
        {"id": account_id},
    )
    assert sweep.sweep(30).guests >= 1
    assert guest.http.get("/v1/transcodes").status_code == 401
    end = time.monotonic() + 30
    while anything(account_id) and time.monotonic() < end:
        time.sleep(0.2)
    assert anything(account_id) == []
    for bucket in (storage.UPLOADS, storage.OUTPUTS):
        assert storage.folder(bucket, f"{account_id}/") == []


def anything(account_id: uuid.UUID) -> list[dict[str, Any]]:
    """Rows that name the account, in tables that are not the record of what was done."""
    found = []
    for table in ("api_keys", "jobs", "uploads", "usage", "usage_ledger", "tasks", "request_log"):
        found += postgres.rows(
            f"select account_id from app.{table} where account_id = %(id)s", {"id": account_id}
        )
    return found + postgres.rows(
        "select id from app.accounts where id = %(id)s"
        " union all select account_id from app.guests where account_id = %(id)s",
        {"id": account_id},
    )
