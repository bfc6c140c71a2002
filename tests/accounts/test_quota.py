"""Minutes and jobs at once: what a plan allows is never passed, whatever comes at once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.mail.arrivals import arrived
from tests.rigs.usage import MONTH, account_id, use
from tests.rigs.waiting import eventually


def mails(account: Account) -> list[str]:
    return sorted(
        row["key"].partition(":")[0]
        for row in postgres.rows(
            "select key from app.tasks where account_id = %(id)s and kind = 'mail'",
            {"id": account_id(account)},
        )
    )


def test_granted_minutes_are_on_top(free_account: Account, clip: Path) -> None:
    url = free_account.upload(clip)
    use(free_account, used=100)
    body = {"inputs": [{"url": url}], "outputFormat": "mp3"}
    assert free_account.http.post("/v1/transcodes", json=body).status_code == 402
    assert free_account.http.post("/v1/validate", json=body).json()["minutes_left"] == 0
    use(free_account, used=100, granted=0.5)
    assert free_account.http.post("/v1/validate", json=body).json()["minutes_left"] == 0.5
    done = free_account.wait(free_account.create(url, "mp3"))
    assert done["status"] == "completed", done.get("error_message")
    usage = free_account.http.get("/v1/account/usage").json()
    assert usage["minutes_limit"] == 100.5
    assert usage["minutes_used"] == pytest.approx(100.0333, abs=0.001)


def test_a_job_larger_than_the_plan_runs_on_granted_minutes(
    free_account: Account, clip: Path
) -> None:
    url = free_account.upload(clip)
    postgres.rows(
        "insert into app.plans select 'no-minutes', 'No minutes', 0, 0, max_input_bytes, 2, 60,"
        " max_job_seconds, max_output_bytes from app.plans where id = 'free' on conflict do nothing"
    )
    postgres.rows(
        "update app.accounts set plan_id = 'no-minutes' where id = %(id)s",
        {"id": account_id(free_account)},
    )
    use(free_account, granted=1)
    done = free_account.wait(free_account.create(url, "mp3"))
    assert done["status"] == "completed", done.get("error_message")


def test_warnings_come_once_a_month(stack: Stack, free_account: Account, clip: Path) -> None:
    url = free_account.upload(clip)
    use(free_account, used=79.99)
    for _ in range(2):
        free_account.wait(free_account.create(url, "mp3"))
        assert mails(free_account) == ["quota_80"]
    [mail] = arrived(stack, free_account.email)
    assert mail.message["Subject"] == "You have used 80 % of this month's minutes"
    postgres.rows(
        f"update app.usage set used_minutes = 100 - used_minutes + used_minutes - 0.0333"
        f" where account_id = %(id)s and period = {MONTH}",
        {"id": account_id(free_account)},
    )
    free_account.wait(free_account.create(url, "mp3"))
    assert mails(free_account) == ["quota_100", "quota_80"]
    newest = arrived(stack, free_account.email, 2)[0]
    text = newest.message.get_body(("plain",)).get_content()
    assert "100 of your 100 minutes" in text


def test_who_runs_into_the_wall_is_told(stack: Stack, free_account: Account, clip: Path) -> None:
    url = free_account.upload(clip)
    use(free_account, used=99.99)
    body = {"inputs": [{"url": url}], "outputFormat": "mp3"}
    for _ in range(3):
        refused = free_account.http.post("/v1/transcodes", json=body)
        assert refused.status_code == 402, refused.text
        assert refused.json()["job_id"] in refused.json()["upgrade_url"]
    assert mails(free_account) == ["quota_100"]
    [mail] = arrived(stack, free_account.email)
    assert "used up" in mail.message["Subject"]
    for used in (10, 85):  # after a mail about 100 %, one about 80 % is pointless
        postgres.rows(
            f"update app.usage set used_minutes = %(used)s"
            f" where account_id = %(id)s and period = {MONTH}",
            {"used": used, "id": account_id(free_account)},
        )
    assert mails(free_account) == ["quota_100"]


@pytest.mark.slow
def test_a_thousand_creates_at_once_never_overspend(free_account: Account, clip: Path) -> None:
    url = free_account.upload(clip)
    use(free_account, used=99.5)  # 0.5 minutes are 15 jobs of 2 seconds (0.0333)
    body = {"inputs": [{"url": url}], "outputFormat": "mp3"}

    def create(_: int) -> int:
        return free_account.http.post("/v1/transcodes", json=body).status_code

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(create, range(1000)))
    assert codes.count(201) == 15
    assert codes.count(402) == 985

    def usage() -> dict[str, Any]:
        now: dict[str, Any] = free_account.http.get("/v1/account/usage").json()
        assert now["minutes_used"] + now["minutes_reserved"] <= 100
        return now

    eventually(lambda: usage()["minutes_reserved"] == 0, seconds=120)
    assert usage()["minutes_used"] == pytest.approx(99.5 + 15 * 0.0333, abs=1e-6)


@pytest.mark.slow
def test_an_account_runs_as_many_jobs_as_its_plan_allows(
    free_account: Account, account: Account, sources: Any, make_media: Any
) -> None:
    slow = make_media("slow.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3")
    postgres.rows(
        "insert into app.plans select 'one-at-once', 'One at once', 0, 100, max_input_bytes, 1,"
        " 1000000, max_job_seconds, max_output_bytes from app.plans where id = 'free'"
        " on conflict do nothing"
    )
    postgres.rows(
        "update app.accounts set plan_id = 'one-at-once' where id = %(id)s",
        {"id": account_id(free_account)},
    )
    url = free_account.upload(slow)
    other_url = account.upload(slow)
    jobs = [free_account.create(url, "webm") for _ in range(4)]
    other = account.create(other_url, "mp4")
    most = 0
    ended: dict[str, Any] = {}
    end = time.monotonic() + 120
    while len(ended) < len(jobs) and time.monotonic() < end:
        # One reading of all: between two of them a job may end and the next begin.
        now = free_account.http.get("/v1/transcodes").json()["items"]
        most = max(most, sum(job["status"] == "processing" for job in now))
        ended = {job["id"]: job for job in now if job["status"] == "completed"}
        time.sleep(0.05)
    assert len(ended) == 4
    assert most == 1
    done = account.wait(other)["completed_at"]
    assert done < sorted(job["completed_at"] for job in ended.values())[2]  # it did not wait


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database that no worker looks at."""
    with Stack(tmp_path_factory.mktemp("database"), functions=False) as running:
        yield running.settings["POSTGRES_URL"]


class Queue:
    """The queue's functions, called as lib/jobs/queue.py does."""

    def __init__(self, url: str) -> None:
        self.pool = [psycopg.connect(url, autocommit=True, row_factory=dict_row) for _ in range(8)]
        self.sql = self.pool[0].execute

    def account(self, at_once: int) -> uuid.UUID:
        new_id = uuid.uuid4()
        self.sql(
            "insert into app.plans values (%s, 'Test', 0, 100, 1000, %s, 60, 60, 1000)",
            [str(new_id), at_once],
        )
        self.sql(
            "insert into app.accounts (id, email, plan_id) values (%s, %s, %s)",
            [new_id, f"{new_id}@example.com", str(new_id)],
        )
        return new_id

    def create(self, account: uuid.UUID) -> None:
        self.sql(
            "select app.create_job(gen_random_uuid(), %s, 100, 0, true, 0, '{}', 'mp4', '[]', '{}',"
            " 'short')",
            [account],
        )

    def claim(self, number: int = 0) -> dict[str, Any] | None:
        while True:
            row = self.pool[number].execute("select * from app.claim_job(60)").fetchone()
            if row is None or row["id"] is not None:
                return row

    def end(self, job: dict[str, Any]) -> None:
        self.sql(
            "with ended as (update app.jobs set status = 'completed' where id = %s"
            " returning id, account_id), lease as (delete from app.leases l using ended e"
            " where l.job_id = e.id) select app.send_ticket_of_waiting(account_id),"
            " pgmq.archive('jobs', %s::bigint) from ended",
            [job["id"], job["ticket"]],
        )

    def running(self, account: uuid.UUID) -> int:
        row = self.sql(
            "select count(*) as n from app.jobs where account_id = %s and status = 'processing'",
            [account],
        ).fetchone()
        assert row
        return int(row["n"])


@pytest.fixture
def queue(database: str) -> Iterator[Queue]:
    rig = Queue(database)
    rig.sql("delete from app.jobs")
    rig.sql("select pgmq.purge_queue('jobs')")
    yield rig
    for connection in rig.pool:
        connection.close()


def test_workers_at_once_take_no_more_than_allowed(queue: Queue) -> None:
    limited, other = queue.account(3), queue.account(2)
    for _ in range(300):
        queue.create(limited)
    for _ in range(5):
        queue.create(other)
    samples: list[dict[str, Any]] = []

    def work(number: int) -> None:
        while job := queue.claim(number):
            samples.append(job)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(1, 8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert queue.running(limited) == 3
    assert queue.running(other) == 2
    # Each end makes room for one, and lets it be found at once.
    for _ in range(297):
        job = next(each for each in samples if each["account_id"] == limited)
        samples.remove(job)
        queue.end(job)
        lease = queue.claim()
        assert lease is not None
        assert lease["account_id"] == limited
        samples.append(lease)
        assert queue.running(limited) == 3
    # Tickets too many go once nothing waits.
    for job in samples:
        queue.end(job)
    while next_lease := queue.claim():
        queue.end(next_lease)
    waiting = queue.sql("select count(*) as n from app.jobs where status = 'pending'").fetchone()
    assert waiting == {"n": 0}
    queue.sql("select pgmq.set_vt('jobs', msg_id, 0) from pgmq.q_jobs")
    assert queue.claim() is None
    left = queue.sql("select count(*) as n from pgmq.q_jobs").fetchone()
    assert left == {"n": 0}


def test_a_lease_that_ran_out_is_found_among_resting_tickets(queue: Queue) -> None:
    limited = queue.account(1)
    for _ in range(20):
        queue.create(limited)
    first = queue.claim()
    assert first
    queue.sql("select pgmq.set_vt('jobs', %s::bigint, 0)", [first["ticket"]])
    assert (lease := queue.claim())
    assert (lease["id"], lease["attempt"]) == (first["id"], 2)
    assert queue.claim() is None
    queue.sql("select pgmq.set_vt('jobs', msg_id, 0) from pgmq.q_jobs")  # the worker died
    assert (third := queue.claim())
    assert (third["id"], third["attempt"]) == (first["id"], 3)
    assert queue.running(limited) == 1


def test_everybody_reads_their_own_ledger(
    account: Account, other_account: Account, clip: Path
) -> None:
    job = account.wait(account.create(account.upload(clip), "mp3"))
    body = account.http.get("/v1/account/ledger").json()
    assert [(each["kind"], each["job_id"]) for each in body["items"]] == [
        ("settle", job["id"]), ("reserve", job["id"]),
    ]  # fmt: skip
    assert body["items"][0]["minutes"] == job["billable_minutes"]
    assert (body["total"], body["page"], body["limit"]) == (2, 1, 100)
    second = account.http.get("/v1/account/ledger", params={"limit": 1, "page": 2}).json()
    assert second["items"] == body["items"][1:]
    assert account.http.get("/v1/account/ledger", params={"page": 3}).json()["items"] == []
    assert account.http.get("/v1/account/ledger", params={"period": "2020-01"}).json()["total"] == 0
    assert account.http.get("/v1/account/ledger", params={"period": "x"}).status_code == 400
    assert other_account.http.get("/v1/account/ledger").json()["items"] == []
