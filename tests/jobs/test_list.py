"""The list of jobs while jobs come and change: nothing twice, nothing missed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib.jobs.listing import TOTAL_CAP
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.files import rows
from tests.rigs.waiting import eventually

INSERT = """
    insert into app.jobs (account_id, status, request, output_format, inputs, period)
    select id, %s, '{"inputs": [{"url": "https://example.com/a.mp4"}], "outputFormat": "mp4"}',
           'mp4', '[]', '2026-11-01'
      from app.accounts, generate_series(1, %s) where email = %s returning id::text
"""
END = "update app.jobs set status = 'completed', updated_at = now() where id = %s"


def listed(account: Account, **query: Any) -> dict[str, Any]:
    answer = account.http.get("/v1/transcodes", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids(page: dict[str, Any]) -> list[str]:
    return [job["id"] for job in page["items"]]


def insert(stack: Stack, account: Account, status: str = "processing") -> str:
    return str(rows(stack, INSERT, status, 1, account.email)[0][0])


def walk(account: Account, **query: Any) -> Iterator[str]:
    """The ids of all pages, by their cursors."""
    page = listed(account, **query)
    while True:
        yield from ids(page)
        if not page["next_cursor"]:
            return
        page = listed(account, **query, cursor=page["next_cursor"])


class Trigger:
    """What n8n's trigger does: `since` with the newest `updated_at`, and ids left out there."""

    def __init__(self, account: Account, limit: int) -> None:
        self._account = account
        self._limit = limit
        self._since: str | None = None
        self._at_since: set[str] = set()

    def poll(self) -> list[str]:
        query = {"status": "completed", "limit": self._limit}
        query |= {"since": self._since} if self._since else {}
        items = listed(self._account, **query)["items"]
        fresh = [job for job in items if job["id"] not in self._at_since]
        newest = max((job["updated_at"] for job in items), default=self._since)
        if newest != self._since:
            self._since, self._at_since = newest, set()
        self._at_since |= {job["id"] for job in items if job["updated_at"] == newest}
        return [job["id"] for job in fresh]

    def all(self) -> list[str]:
        """Poll until nothing new comes."""
        result: list[str] = []
        while fresh := self.poll():
            result += fresh
        return result


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
@pytest.mark.parametrize("together", [False, True], ids=["in-turn", "at-once"])
def test_a_poller_with_a_limit_sees_five_of_five(
    stack: Stack, account: Account, limit: int, together: bool
) -> None:
    first = insert(stack, account, "completed")
    trigger = Trigger(account, limit)
    assert trigger.poll() == [first]
    jobs = [insert(stack, account) for _ in range(5)]
    if together:
        rows(stack, "update app.jobs set status = 'completed', updated_at = now()"
                    " where id = any(%s::uuid[])", jobs)  # fmt: skip
        assert len({job["updated_at"] for job in listed(account)["items"]}) == 2
    else:
        for job in jobs:
            rows(stack, END, job)
    assert sorted(trigger.all()) == sorted(jobs)


def test_real_jobs_with_real_ends_are_all_seen(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    first = account.create(url, "mp3")
    account.wait(first)
    trigger = Trigger(account, 2)
    assert trigger.poll() == [first]
    jobs = [account.create(url, "mp3") for _ in range(5)]
    for job in jobs:
        account.wait(job)
    assert sorted(trigger.all()) == sorted(jobs)


def test_a_change_that_commits_late_is_not_missed(stack: Stack, account: Account) -> None:
    late, early = insert(stack, account), insert(stack, account)
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as slow:
        slow.execute(END, (late,))  # began first, commits last
        rows(stack, END, early)
        trigger = Trigger(account, 10)
        assert trigger.poll() == [early]
        feed = listed(account, status="completed", order="updated_at.asc")
        slow.commit()
    assert trigger.poll() == [late]
    assert ids(listed(account, status="completed", cursor=feed["end_cursor"])) == [late]
    moments = [account.job(job)["updated_at"] for job in (early, late)]
    assert moments[0] < moments[1]


def test_followers_miss_nothing_while_many_end(stack: Stack, account: Account) -> None:
    first = insert(stack, account, "completed")
    jobs = [insert(stack, account) for _ in range(40)]
    following, done = threading.Event(), threading.Event()
    seen: list[str] = []
    by_cursor: list[str] = []
    trigger = Trigger(account, 2)
    assert trigger.poll() == [first]

    def follow() -> None:
        end = str(listed(account, status="completed", order="updated_at.asc")["end_cursor"])
        following.set()
        ended = False
        while not ended:
            ended = done.is_set()
            seen.extend(trigger.all())
            while True:
                page = listed(account, status="completed", limit=3, cursor=end)
                by_cursor.extend(ids(page))
                end = page["end_cursor"]
                if not page["next_cursor"]:
                    break

    follower = threading.Thread(target=follow)
    follower.start()
    eventually(following.is_set)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda job: rows(stack, END, job), jobs))
    done.set()
    follower.join()
    assert sorted(seen) == sorted(jobs)
    assert sorted(by_cursor) == sorted(jobs)
    moments = {job["updated_at"] for job in listed(account, limit=100)["items"]}
    assert len(moments) == len(jobs) + 1  # no two transactions share one


def test_a_walk_is_stable_while_jobs_come_and_change(stack: Stack, account: Account) -> None:
    there = [insert(stack, account) for _ in range(15)]
    steps = walk(account, limit=2)
    seen = []
    for number, job in enumerate(steps):
        seen.append(job)
        insert(stack, account)
        rows(stack, END, there[number])
    assert seen == there[::-1]


@pytest.mark.parametrize("order", ["created_at.desc", "updated_at.asc", "updated_at.desc"])
@pytest.mark.parametrize("limit", [1, 2, 7, 8])
def test_a_walk_shows_each_job_once(stack: Stack, account: Account, order: str, limit: int) -> None:
    jobs = [insert(stack, account) for _ in range(7)]
    # As rows of earlier versions may be.
    rows(stack, "update app.jobs set created_at = '2026-01-01', updated_at = '2026-01-02'"
                " where id = any(%s::uuid[])", jobs)  # fmt: skip
    assert sorted(walk(account, order=order, limit=limit)) == sorted(jobs)
    assert listed(account, order=order, limit=7)["next_cursor"] is None
    assert listed(account, order=order, limit=6)["next_cursor"] is not None


def test_equal_moments_do_not_stop_a_poller_of_since(stack: Stack, account: Account) -> None:
    jobs = [insert(stack, account, "completed") for _ in range(5)]
    after = insert(stack, account, "completed")
    rows(stack, "update app.jobs set updated_at = '2026-01-02' where id = any(%s::uuid[])", jobs)
    page = listed(account, since="2026-01-02T00:00:00Z", limit=2)
    assert ids(page) == [*sorted(jobs), after]
    assert ids(listed(account, since="2026-01-01T00:00:00Z", limit=2)) == sorted(jobs)[:2]
    # Who names an order gets pages of `limit`.
    request = listed(account, since="2026-01-02T00:00:00Z", limit=2, order="updated_at.asc")
    assert ids(request) == sorted(jobs)[:2]


def test_the_order_is_told_by_since_unless_named(stack: Stack, account: Account) -> None:
    jobs = [insert(stack, account) for _ in range(3)]
    since = {"since": "2026-01-01T00:00:00Z"}
    assert ids(listed(account)) == jobs[::-1]
    assert ids(listed(account, **since)) == jobs
    assert ids(listed(account, **since, order="created_at.desc")) == jobs[::-1]
    assert ids(listed(account, **since, limit=2, page=2)) == jobs[2:]
    assert ids(listed(account, until="2100-01-01T00:00:00Z")) == jobs[::-1]


def test_a_cursor_that_does_not_fit_is_refused(stack: Stack, account: Account) -> None:
    for _ in range(2):
        insert(stack, account)
    cursor = listed(account, limit=1)["next_cursor"]
    for query in (
        {"cursor": "nonsense"},
        {"cursor": "x" * 8192},
        {"cursor": cursor, "page": 2},
        {"cursor": cursor, "order": "updated_at.asc"},
    ):
        answer = account.http.get("/v1/transcodes", params=query)
        assert answer.status_code == 400, query
        assert "`cursor`" in answer.json()["error"]
    assert len(ids(listed(account, cursor=cursor, order="created_at.desc"))) == 1
    assert len(ids(listed(account, cursor=cursor, page=1))) == 1


def test_another_accounts_cursor_shows_nothing_of_it(
    stack: Stack, account: Account, other_account: Account
) -> None:
    for _ in range(2):
        insert(stack, account)
    mine = insert(stack, other_account)
    cursor = listed(account, limit=1)["next_cursor"]
    assert set(ids(listed(other_account, cursor=cursor))) <= {mine}


def test_an_unknown_status_is_an_empty_list(stack: Stack, account: Account) -> None:
    insert(stack, account)
    for status in ("queued", "COMPLETED", "completed,failed"):
        page = listed(account, status=status, since="2026-01-01T00:00:00Z")
        assert (page["items"], page["total"], page["next_cursor"]) == ([], 0, None)


def test_the_total_of_a_filtered_list_is_counted_to_a_limit(stack: Stack, account: Account) -> None:
    """The unfiltered one is a counter (app.accounts.jobs_total), which counts any number."""
    for more, total in ((TOTAL_CAP - 1, TOTAL_CAP - 1), (1, TOTAL_CAP), (1, TOTAL_CAP)):
        rows(stack, INSERT, "canceled", more, account.email)
        page = listed(account, status="canceled", limit=1)
        assert page["total"] == total
        assert page["next_cursor"]
