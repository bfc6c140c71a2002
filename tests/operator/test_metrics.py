"""GET /metrics: Prometheus text for the operator alone, true, growing only, and cheap."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lib.background import sweep
from lib.http.service import metrics
from lib.platform import postgres
from lib.telemetry import counters
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.metrics import grown, scrape
from tests.rigs.sources import SourceServer

ROOT = Path(__file__).parents[2]


def insert_calls(route: str, count: int, milliseconds: float, *, age: str = "1 minute") -> None:
    postgres.rows(
        """
        insert into app.request_log (at, request_id, method, route, status, milliseconds)
        select now() - %(age)s::interval, 'x', 'GET', %(route)s, 200, %(ms)s
          from generate_series(1, %(count)s)
        """,
        {"age": age, "route": route, "count": count, "ms": milliseconds},
    )


def test_only_the_operator_reads_metrics(stack: Stack, account: Account) -> None:
    for credential in ("", "Bearer wrong", f"Bearer {account.key}"):
        headers = {"Authorization": credential} if credential else {}
        answer = httpx.get(f"{stack.url}/metrics", headers=headers, trust_env=False)
        assert answer.status_code == 401


def test_the_values_are_what_was_done(stack: Stack, account: Account, clip: Path) -> None:
    before = scrape(stack)
    job = account.wait(account.create(account.upload(clip), "mp3"))
    assert account.http.post("/v1/transcodes", json={}).status_code == 400
    account.http.delete(f"/v1/transcodes/{job['id']}").raise_for_status()
    end = threading.Event()
    for _ in range(50):  # the record of the last call is written behind its answer
        after = scrape(stack)
        deleted = grown(before, after, "ffm_requests_total", method="DELETE",
                        route="/v1/transcodes/<id>", status="200")  # fmt: skip
        if deleted:
            break
        end.wait(0.1)
    assert deleted == 1
    created = {"method": "POST", "route": "/v1/transcodes"}
    assert grown(before, after, "ffm_requests_total", **created, status="201") == 1
    assert grown(before, after, "ffm_requests_total", **created, status="400") == 1
    assert grown(before, after, "ffm_job_events_total", kind="completed", category="") == 1
    minutes = grown(before, after, "ffm_minutes_total", kind="settle")
    assert minutes == pytest.approx(job["billable_minutes"])
    assert grown(before, after, "ffm_deletions_total", bucket="outputs", reason="asked") == 1
    assert grown(before, after, "ffm_deletions_total", bucket="uploads", reason="asked") == 1
    assert after["ffm_jobs_pending", frozenset()] == 0


def test_latencies_are_a_histogram(stack: Stack) -> None:
    route = f"/test/{uuid.uuid4()}"
    for milliseconds in (1, 5, 30, 30, 99_999):
        insert_calls(route, 1, milliseconds)
    answer = scrape(stack)

    def bucket(le: str) -> float:
        return answer["ffm_request_seconds_bucket", frozenset({("route", route), ("le", le)})]

    assert [bucket(le) for le in ("0.005", "0.01", "0.025", "0.05", "10.0", "+Inf")] == [
        2, 2, 2, 4, 4, 5,
    ]  # fmt: skip
    mine = frozenset({("route", route)})
    assert answer["ffm_request_seconds_count", mine] == 5
    assert answer["ffm_request_seconds_sum", mine] == pytest.approx(100.065)


def test_mails_are_counted_by_what_came_of_them(stack: Stack) -> None:
    before = scrape(stack)
    for error, count in ((None, 3), ("uncertain: it may have left", 2), ("refused", 1)):
        postgres.rows(
            "insert into app.tasks (kind, ended_at, error)"
            " select 'mail', clock_timestamp(), %(error)s from generate_series(1, %(count)s)",
            {"error": error, "count": count},
        )
    after = scrape(stack)
    answer = {
        state: grown(before, after, "ffm_tasks_total", kind="mail", state=state)
        for state in ("done", "uncertain", "given_up")
    }
    assert answer == {"done": 3, "uncertain": 2, "given_up": 1}
    assert ("ffm_mails_waiting", frozenset()) in after


def test_counters_only_grow_whatever_is_rolled_up_or_erased(stack: Stack) -> None:
    route = f"/test/{uuid.uuid4()}"
    labels = {"method": "GET", "route": route, "status": "200"}
    insert_calls(route, 700, 5, age="100 days")
    counters.advance(settled_seconds=0)
    assert sweep(60).calls_rolled_up >= 700
    after = scrape(stack)
    assert grown({}, after, "ffm_requests_total", **labels) == 700
    insert_calls(route, 3, 5)
    first = scrape(stack)
    postgres.rows("delete from app.request_log where route = %(route)s", {"route": route})
    second = scrape(stack)
    assert grown({}, second, "ffm_requests_total", **labels) == 703
    totals = [key for key in first if key[0].endswith(("_total", "_count", "_sum", "_bucket"))]
    assert all(second[key] >= first[key] for key in totals)


def insert_job(account: Account, status: str, attempt: int = 1, **columns: Any) -> str:
    """A job of the account that no worker sees; its id."""
    values = {"email": account.email, "status": status, "attempt": attempt} | columns
    more = "".join(f", {name}" for name in columns)
    options = "".join(f", %({name})s" for name in columns)
    row = postgres.row(
        f"""
        insert into app.jobs (account_id, status, request, output_format, inputs, period, attempt
                              {more})
        select id, %(status)s, '{{}}', 'mp4', '[]', now(), %(attempt)s {options}
          from app.accounts where email = %(email)s
        returning id
        """,
        values,
    )
    assert row
    return str(row["id"])


def insert_event(job_id: str, kind: str, **detail: Any) -> None:
    postgres.rows(
        "insert into app.job_events (job_id, kind, detail) values (%(job)s, %(kind)s, %(detail)s)",
        {"job": job_id, "kind": kind, "detail": postgres.jsonb(detail)},
    )


def test_attempts_are_counted_and_leases_that_ran_out(stack: Stack, account: Account) -> None:
    before = scrape(stack)
    job = insert_job(account, "canceled", attempt=5)
    insert_event(job, "started", attempt=1)
    insert_event(job, "retried", attempt=1)  # its worker gave it back
    insert_event(job, "started", attempt=2)  # this one and the next fell silent
    insert_event(job, "started", attempt=3)
    insert_event(job, "started", attempt=4)
    insert_event(job, "retried", attempt=4)
    insert_event(job, "started", attempt=5)
    after = scrape(stack)
    attempts = {
        label: grown(before, after, "ffm_job_attempts_total", attempt=label)
        for label in ("1", "2", "3", "4+")
    }
    assert attempts == {"1": 1, "2": 1, "3": 1, "4+": 2}
    assert grown(before, after, "ffm_leases_expired_total") == 2
    assert grown(before, after, "ffm_job_events_total", kind="retried", category="") == 2


def test_failed_jobs_are_counted_by_the_check_that_failed(
    stack: Stack, account: Account, sources: SourceServer
) -> None:
    before = scrape(stack)
    missing = account.wait(account.create(sources.url("status?code=404"), "mp3"))
    broken = account.wait(account.create(sources.url("status?code=500"), "mp3"))
    assert (missing["status"], broken["status"]) == ("failed", "failed")
    strange = insert_job(account, "failed", error_category="upload")
    insert_event(strange, "failed", reason="http://secret.example/?key=1")
    after = scrape(stack)

    def failures(category: str, reason: str) -> float:
        return grown(before, after, "ffm_job_failures_total", category=category, reason=reason)

    assert failures(missing["error_category"], "status_404") == 1
    assert failures(broken["error_category"], "status_5xx") == 1
    assert failures("upload", "other") == 1
    assert not any("secret" in str(key) for key in after)


def test_workers_are_in_the_metrics(stack: Stack, account: Account, clip: Path) -> None:
    account.wait(account.create(account.upload(clip), "mp3"))
    postgres.rows("delete from app.worker_heartbeats where version like 'test%%'")
    before = scrape(stack)
    assert before["ffm_workers", frozenset()] >= 1
    assert before["ffm_worker_slots", frozenset()] >= 2  # WORKER_SLOTS of the stack
    assert before["ffm_worker_least_free_disk_bytes", frozenset()] > 0
    assert before["ffm_worker_newest_heartbeat_seconds", frozenset()] < counters.ALIVE_SECONDS
    for version, age, slots, leases in (
        ("test-live", counters.ALIVE_SECONDS - 30, 7, 3),
        ("test-idle", counters.SILENT_SECONDS + 60, 9, 0),  # ended or frozen, and held nothing
        ("test-lost", counters.SILENT_SECONDS + 60, 9, 2),
    ):
        postgres.rows(
            """
            insert into app.worker_heartbeats
              (id, started_at, seen_at, version, slots, busy_slots, leases, free_disk_bytes)
            values (gen_random_uuid(), now(), now() - make_interval(secs => %(age)s), %(version)s,
                    %(slots)s, %(leases)s, %(leases)s, 12345)
            """,
            {"version": version, "age": age, "slots": slots, "leases": leases},
        )
    after = scrape(stack)
    assert grown(before, after, "ffm_workers") == 1
    assert grown(before, after, "ffm_workers_silent") == 1
    assert grown(before, after, "ffm_worker_slots") == 7
    assert after["ffm_worker_leases", frozenset()] >= 3
    assert after["ffm_worker_least_free_disk_bytes", frozenset()] == 12345
    assert after["ffm_worker_oldest_heartbeat_seconds", frozenset()] >= 30
    postgres.rows("delete from app.worker_heartbeats where version like 'test%%'")


def test_every_gauge_is_documented_and_shown(stack: Stack) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    display = {name.removeprefix("ffm_") for name, _ in scrape(stack)}
    for name in metrics.GAUGES:
        assert name in display or name.startswith("worker_"), name
        assert f"`ffm_{name}`" in page, name
    for shown_as, _ in metrics.COUNTERS.values():
        assert f"`{shown_as}_total`" in page, shown_as


def test_two_scrapes_at_once_count_nothing_twice(stack: Stack) -> None:
    route = f"/test/{uuid.uuid4()}"
    insert_calls(route, 2_000, 5)
    runs = [threading.Thread(target=counters.advance) for _ in range(6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    labels = {"method": "GET", "route": route, "status": "200"}
    assert grown({}, scrape(stack), "ffm_requests_total", **labels) == 2_000


def test_what_is_not_settled_waits(stack: Stack) -> None:
    route = f"/test/{uuid.uuid4()}"
    insert_calls(route, 1, 5, age="1 second")
    counters.advance()
    mine = postgres.rows(
        "select 1 from app.counters where labels ->> 'route' = %(route)s", {"route": route}
    )
    assert mine == []


def test_the_cost_does_not_grow_with_the_record(stack: Stack) -> None:
    """Blocks that counting reads with 200,000 calls on record, first for none, then for 100 new."""
    insert_calls("/test/many", 200_000, 5)
    while not counters.advance(settled_seconds=0):
        pass
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        for _ in range(6):  # the first ones read the catalog and make the plans
            none = _blocks(connection)
        insert_calls("/test/many", 100, 5)
        some = _blocks(connection)
    assert none < 150, none
    assert some < 1_000, some


def test_counting_attempts_reads_only_the_new_events(stack: Stack, account: Account) -> None:
    """Blocks for 100 second attempts with 50,000 events on record: each read would be 600 more."""
    job = insert_job(account, "canceled")
    postgres.rows(
        "insert into app.job_events (job_id, kind) select %(job)s, 'created'"
        " from generate_series(1, 50000)",
        {"job": job},
    )
    while not counters.advance(settled_seconds=0):
        pass
    for _ in range(100):
        insert_event(insert_job(account, "canceled", attempt=2), "started", attempt=2)
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        blocks = _blocks(connection)
    assert blocks < 10_000, blocks
    postgres.rows(
        "delete from app.jobs where account_id = (select account_id from app.jobs"
        " where id = %(job)s)",
        {"job": job},
    )


def test_gauges_read_no_ended_jobs(stack: Stack, account: Account) -> None:
    """With 20,000 ended jobs on record, what waits and runs is found by partial indexes."""
    job = insert_job(account, "completed")
    postgres.rows(
        """
        insert into app.jobs (account_id, status, request, output_format, inputs, period, attempt)
        select account_id, 'completed', '{}', 'mp4', '[]', now(), 1
          from app.jobs, generate_series(1, 20000) where id = %(job)s
        """,
        {"job": job},
    )
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("analyze app.jobs")
        for sql in (
            "select count(*) from app.jobs where status = 'processing' and attempt > 1",
            "select max(attempt) from app.jobs where status = 'processing'",
            "select min(started_at) from app.jobs where status = 'processing'",
        ):
            plan = "\n".join(row[0] for row in connection.execute(f"explain {sql}".encode()))
            assert "Seq Scan" not in plan, plan
    postgres.rows(
        "delete from app.jobs where account_id = (select account_id from app.jobs"
        " where id = %(job)s)",
        {"job": job},
    )


def _blocks(connection: psycopg.Connection) -> int:
    """Blocks that counting reads, those of the statements inside the function too."""
    row = connection.execute(
        "explain (analyze, buffers, format json) select app.count_up(20000, interval '0 seconds')"
    ).fetchone()
    assert row
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
