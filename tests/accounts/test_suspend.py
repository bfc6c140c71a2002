"""Suspending an account cancels its queued and running jobs, and nothing is charged for them."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from lib.admin import accounts
from lib.files.stores import storage
from lib.jobs import cancel
from lib.platform import postgres
from lib.usage import ledger
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.operator import acts, done
from tests.rigs.people import account_id
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

CREATE = """
    select id from app.create_job(
      gen_random_uuid(), %(account)s, 2500, %(minutes)s::numeric, true, 1.0::float8,
      '{}', 'mp4', '[]', '{}', 'short')
"""


def jobs_of(account: str) -> list[dict[str, Any]]:
    return postgres.rows(
        "select id, status, error_message, billable_minutes, progress,"
        " exists (select from app.leases l where l.job_id = jobs.id) as leased from app.jobs"
        " where account_id = %(account)s order by created_at, id",
        {"account": account},
    )


def balances(account: str) -> tuple[float, float]:
    """Used and reserved minutes."""
    row = postgres.row(
        "select sum(used_minutes) as used, sum(reserved_minutes) as reserved from app.usage"
        " where account_id = %(account)s",
        {"account": account},
    )
    assert row
    return float(row["used"]), float(row["reserved"])


def test_queued_and_running_jobs_are_canceled_uncharged(
    stack: Stack, account: Account, sources: SourceServer
) -> None:
    own = account_id(account)
    for number in range(6):
        account.create(sources.url(f"hang?{number}"), "mp3")
    eventually(lambda: any(job["status"] == "processing" for job in jobs_of(own)))
    number = accounts.suspend(uuid.UUID(own), reason="Mining coins.", who="olga")
    jobs = [job for job in jobs_of(own) if job["status"] != "failed"]  # on a busy machine
    assert number == len(jobs) > 0
    assert {job["status"] for job in jobs} == {"canceled"}
    assert {job["error_message"] for job in jobs} == {"The account was suspended."}
    assert {float(job["billable_minutes"]) for job in jobs} == {0.0}
    assert balances(own) == (0, 0)
    assert ledger.differences(uuid.UUID(own)) == []
    events = postgres.rows(
        "select count(*) as number from app.job_events e join app.jobs j on j.id = e.job_id"
        " where j.account_id = %(account)s and e.kind = 'canceled'",
        {"account": own},
    )
    assert events[0]["number"] == number
    done(stack, "resume", own, "--reason", "It was a mistake.")
    eventually(lambda: not any(job["leased"] for job in jobs_of(own)))
    after = [job["status"] for job in jobs_of(own)]
    assert set(after) <= {"canceled", "failed"}, "resume restarts nothing"
    assert after.count("canceled") == number
    assert balances(own) == (0, 0)
    assert acts(own) == [
        ("olga", "suspend", "Mining coins."),
        ("olga", "resume", "It was a mistake."),
    ]


def test_a_running_ffmpeg_stops_and_leaves_no_output(
    stack: Stack, account: Account, long: Path
) -> None:
    own = account_id(account)
    job_id = account.create(
        account.upload(long), "webm", preset={"quality": "high", "resolution": "1080p"}
    )
    eventually(lambda: jobs_of(own)[0]["progress"])
    done(stack, "suspend", own, "--reason", "Mining coins.")
    assert jobs_of(own)[0]["status"] == "canceled"
    eventually(lambda: not jobs_of(own)[0]["leased"])  # the worker has noticed and cleaned up
    assert storage.folder(storage.OUTPUTS, f"{own}/{job_id}/") == []
    assert balances(own) == (0, 0)
    assert ledger.differences(uuid.UUID(own)) == []


def test_a_create_under_way_does_not_survive_the_suspension(stack: Stack, account: Account) -> None:
    """The create was authenticated before the suspension and is stored after it."""
    own = account_id(account)
    done(stack, "suspend", own, "--reason", "Mining coins.")
    created = postgres.row(CREATE, {"account": own, "minutes": 5})
    assert created
    [job] = jobs_of(own)
    assert (job["status"], job["error_message"]) == ("canceled", accounts.SUSPENDED)
    assert balances(own) == (0, 0)
    assert ledger.differences(uuid.UUID(own)) == []


def test_creates_during_a_suspension_neither_survive_nor_deadlock(
    stack: Stack, account: Account
) -> None:
    own = account_id(account)
    go = threading.Event()
    errors: list[Exception] = []

    def create() -> None:
        go.wait()
        for _ in range(20):
            try:
                postgres.rows(CREATE, {"account": own, "minutes": 1})
            except postgres.PostgresError as error:
                errors.append(error)

    creators = [threading.Thread(target=create) for _ in range(4)]
    for creator in creators:
        creator.start()
    go.set()
    eventually(lambda: len(jobs_of(own)) > 10)
    accounts.suspend(uuid.UUID(own), reason="Mining coins.", who="olga")
    for creator in creators:
        creator.join()
    assert errors == []
    open_jobs = [job for job in jobs_of(own) if job["status"] in ("pending", "processing")]
    assert open_jobs == []
    assert balances(own)[1] == 0
    assert ledger.differences(uuid.UUID(own)) == []


@pytest.fixture
def unseen(stack: Stack) -> Any:
    """A transaction that is rolled back, so that no worker sees its jobs."""
    with psycopg.connect(stack.settings["POSTGRES_URL"], row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def test_one_statement_cancels_at_most_a_batch(unseen: Any, account: Account) -> None:
    values = {"account": account_id(account), "minutes": 0.5, "most": 50}
    for _ in range(51):
        unseen.execute(CREATE, values)
    sql = "select id from app.cancel_jobs(%(account)s, null, 'x', %(most)s)"
    assert [len(unseen.execute(sql, values).fetchall()) for _ in range(3)] == [50, 1, 0]
    reserved = "select reserved_minutes as it from app.usage where account_id = %(account)s"
    assert unseen.execute(reserved, values).fetchone()["it"] == 0


def test_a_cancel_reaches_no_other_job(
    unseen: Any, account: Account, other_account: Account
) -> None:
    mine, theirs = account_id(account), account_id(other_account)
    job = unseen.execute(CREATE, {"account": mine, "minutes": 2}).fetchone()["id"]
    record = unseen.execute(CREATE, {"account": mine, "minutes": 3}).fetchone()["id"]
    unseen.execute(CREATE, {"account": theirs, "minutes": 4})
    sql = "select id, status from app.cancel_jobs(%(account)s, %(job)s, 'x', 1)"
    assert unseen.execute(sql, {"account": theirs, "job": job}).fetchall() == []
    assert unseen.execute(sql, {"account": mine, "job": job}).fetchall() == [
        {"id": job, "status": "canceled"}
    ]
    assert unseen.execute(sql, {"account": mine, "job": job}).fetchall() == [], "only once"
    rows = unseen.execute(
        "select id, status from app.jobs where account_id = any (%s) and status = 'pending'",
        ([mine, theirs],),
    ).fetchall()
    assert record in [row["id"] for row in rows]
    assert len(rows) == 2
    reserved = "select reserved_minutes as it from app.usage where account_id = %s"
    assert unseen.execute(reserved, (mine,)).fetchone()["it"] == 3


def test_suspending_again_cancels_what_was_left(stack: Stack, account: Account) -> None:
    own = account_id(account)
    assert done(stack, "suspend", own, "--reason", "One.")[0]["jobs_canceled"] == 0
    assert done(stack, "suspend", own, "--reason", "Two.")[0]["jobs_canceled"] == 0
    assert cancel.cancel_all(uuid.UUID(own), accounts.SUSPENDED, "test") == 0
