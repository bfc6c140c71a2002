"""Each transition of a job appends one event, and a reader that follows the cursor misses none."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import psycopg

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account

CREATE = """
    select id from app.create_job(
      %(id)s, %(account)s, 2500, 1::numeric, true, 1.0::float8, '{}', 'mp4', %(inputs)s, '{}',
      'short')
"""
END = """
    with ended as (
      update app.jobs set status = 'failed', updated_at = now() where id = %(id)s returning id
    )
    insert into app.job_events (job_id, kind) select id, 'failed' from ended
"""


def events(account: str) -> list[dict[str, Any]]:
    return postgres.rows(
        "select job_id, kind, cursor, payload, detail from app.job_events"
        " where account_id = %(account)s order by cursor",
        {"account": account},
    )


def new_account() -> str:
    account = str(uuid.uuid4())
    postgres.rows(
        "insert into app.accounts (id, email) values (%(id)s, %(email)s)",
        {"id": account, "email": f"{account}@example.com"},
    )
    return account


def create_unclaimed(stack: Stack, account: str, *jobs: dict[str, Any]) -> None:
    """Create jobs that no worker takes: their account is suspended when they become visible."""
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        for job in jobs:
            connection.execute(CREATE, {"account": account} | job)
        connection.execute("update app.accounts set suspended_at = now() where id = %s", (account,))


def test_each_transition_is_one_event(stack: Stack, account: Account, clip: Path) -> None:
    """Created, started, completed: with the account, and the job as it was then."""
    job_id = account.create(account.upload(clip), "mp4")
    job = account.wait(job_id)
    assert job["status"] == "completed", job
    row = postgres.row("select account_id from app.jobs where id = %(id)s", {"id": job_id})
    assert row
    result = [each for each in events(row["account_id"]) if str(each["job_id"]) == job_id]
    assert [each["kind"] for each in result] == ["created", "started", "completed"]
    statuses = [each["payload"]["status"] for each in result]
    assert statuses == ["pending", "processing", "completed"]
    last = result[-1]["payload"]
    assert last["outputs"][0]["url"].startswith("gs://outputs/")
    stored = postgres.row(
        "select updated_at = (%(stamp)s)::timestamptz as same from app.jobs where id = %(id)s",
        {"stamp": last["updated_at"], "id": job_id},
    )
    assert stored
    assert stored["same"], "the snapshot has the time that the change was stamped with"


def test_an_event_that_commits_late_has_a_later_cursor(stack: Stack) -> None:
    """A transaction that began first and ends last shows its events after the others."""
    account = new_account()
    values = [{"id": uuid.uuid4(), "inputs": "[]"} for _ in range(2)]
    create_unclaimed(stack, account, *values)
    created = [each["cursor"] for each in events(account)]
    assert len(created) == 2
    with (
        psycopg.connect(stack.settings["POSTGRES_URL"]) as late,
        psycopg.connect(stack.settings["POSTGRES_URL"]) as quick,
    ):
        late.execute(END, {"id": values[0]["id"]})
        quick.execute(END, {"id": values[1]["id"]})
        quick.commit()
        seen = events(account)
        assert [each["job_id"] for each in seen[2:]] == [values[1]["id"]]
        late.commit()
    after = [each for each in events(account) if each["cursor"] > seen[-1]["cursor"]]
    assert [each["job_id"] for each in after] == [values[0]["id"]]
    assert after[0]["payload"]["status"] == "failed"


def test_an_event_does_not_repeat_what_was_sent(stack: Stack) -> None:
    """The addresses of inputs may hold signatures, and metadata may be large."""
    account = new_account()
    inputs = postgres.jsonb([{"url": "https://example.com/" + "a" * 30_000}])
    create_unclaimed(stack, account, {"id": uuid.uuid4(), "inputs": inputs})
    [event] = events(account)
    assert event["payload"]["status"] == "pending"
    assert not {"inputs", "request", "metadata", "ffmpeg_options"} & event["payload"].keys()
