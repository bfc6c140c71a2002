"""The queue of tasks, and the mails that go through it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lib.outbox import mail, tasks
from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.machine.crew import crew
from tests.rigs.mail.arrivals import arrived
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually


@pytest.fixture
def kind(stack: Stack) -> str:
    """A kind of task that the stack's own worker does not take: what these tests queue is ours."""
    return f"test-{uuid.uuid4()}"


def state(kind: str) -> dict[str, Any]:
    row = postgres.row("select * from app.tasks where kind = %(kind)s", {"kind": kind})
    assert row is not None
    return row


def fails(times: int, error: Exception) -> Callable[[tasks.Task], None]:
    left = [error] * times

    def handler(_: tasks.Task) -> None:
        if left:
            raise left.pop()

    return handler


def due_now(kind: str) -> None:
    postgres.rows("update app.tasks set due_at = now() where kind = %(kind)s", {"kind": kind})


def test_a_key_is_taken_once_and_for_all(kind: str) -> None:
    done: list[uuid.UUID] = []
    for _ in range(3):
        tasks.add(kind, key=f"{kind}:once")
        tasks.run({kind: lambda task: done.append(task.id)}, 5)
    assert len(done) == 1


def test_many_at_once_take_each_task_once(kind: str) -> None:
    for number in range(40):
        tasks.add(kind, payload={"number": number})
    done: list[int] = []
    runners = [
        threading.Thread(
            target=tasks.run, args=({kind: lambda task: done.append(task.payload["number"])}, 20)
        )
        for _ in range(8)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert sorted(done) == list(range(40))


def test_what_fails_is_tried_again_ever_later(kind: str) -> None:
    tasks.add(kind, payload={"secret": "ann@example.com"})
    handler = fails(2, OSError("ann@example.com is away"))
    waits = []
    for _ in range(2):
        assert tasks.run({kind: handler}, 5) == {"done": 0, "again": 1, "given_up": 0}
        row = state(kind)
        waits.append((row["due_at"] - row["created_at"]).total_seconds())
        assert row["error"] == "OSError"  # the text may hold an address
        due_now(kind)
    assert waits[1] > waits[0] > 20
    assert tasks.run({kind: handler}, 5)["done"] == 1
    row = state(kind)
    assert (row["error"], row["payload"]) == (None, {})


def test_what_always_fails_is_given_up_and_shown(kind: str) -> None:
    tasks.add(kind)
    for _ in range(tasks.MOST_TRIES):
        tasks.run({kind: fails(99, OSError())}, 5)
        due_now(kind)
    row = state(kind)
    assert row["ended_at"] is not None
    assert "given up" in row["error"]


def test_a_lease_that_ran_out_lets_its_holder_write_nothing(kind: str) -> None:
    tasks.add(kind)

    def slow(task: tasks.Task) -> None:
        due_now(kind)  # as if the lease had run out meanwhile
        assert tasks.run({kind: lambda _: None}, 5)["done"] == 1
        assert not tasks.note(task, {"late": True})

    tasks.run({kind: slow}, 5)
    assert state(kind)["payload"] == {}


def test_a_task_goes_on_in_steps(kind: str) -> None:
    tasks.add(kind)

    def step(task: tasks.Task) -> None:
        done = task.payload.get("done", 0) + 1
        tasks.note(task, {"done": done})
        if done < 3:
            raise tasks.GoOn

    assert tasks.run({kind: step}, 5)["done"] == 1
    assert state(kind)["attempt"] == 3


def test_a_mail_arrives_once_as_text_and_html(stack: Stack, account: Account) -> None:
    row = postgres.row("select id from app.accounts where email = %(it)s", {"it": account.email})
    assert row
    postgres.rows(
        "update app.accounts set name = '<b>Ann</b>' where id = %(id)s", {"id": row["id"]}
    )
    values = {"used": 80, "limit": 100, "month": "November 2026"}
    for _ in range(2):
        mail.queue("quota_80", account_id=row["id"], key=f"quota_80:{row['id']}", values=values)
    eventually(lambda: len(arrived(stack, account.email)) == 1, hold=1)
    [remaining] = arrived(stack, account.email)
    text = remaining.message.get_body(("plain",)).get_content()
    html = remaining.message.get_body(("html",)).get_content()
    assert "Hello <b>Ann</b>," in text
    assert "&lt;b&gt;Ann" in html
    assert "80 of your 100 minutes of November 2026" in text
    assert '<a href="http' in html
    record = postgres.row(
        "select id, payload from app.tasks where key = %(key)s", {"key": f"quota_80:{row['id']}"}
    )
    assert record
    assert remaining.message["Message-ID"].startswith(f"<{record['id']}@")
    assert record["payload"] == {"template": "quota_80"}


def test_a_call_of_a_worker_that_runs_a_job_leaves_the_tasks_to_its_end(
    stack: Stack, sources: SourceServer
) -> None:
    """A burst of creates calls the worker for each: only the last job's end costs the database."""
    allow = f"127.0.0.1:{sources.port}"
    with crew(stack, plain=False, SOURCE_ALLOW=allow, FETCH_SECONDS="120") as running:
        account = running.account("pro")
        job_id = account.create(sources.url("drip"), "mp3")
        eventually(lambda: account.job(job_id)["status"] == "processing")
        running.sql("delete from app.tasks where kind = 'sweep'")
        answer = httpx.post(
            f"{running.worker_url}/internal/worker",
            headers={"Authorization": f"Bearer {stack.settings['WORKER_SECRET']}"},
            timeout=60,
            trust_env=False,
        )
        assert answer.json() == {"jobs": 0, "tasks": 0}
        account.http.patch(f"/v1/transcodes/{job_id}/cancel")
        [line] = eventually(lambda: running.log("task done"))
        assert line["kind"] == "sweep"
