"""Workers: slow sources hold up nobody, every job ends, and what a killed worker left is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib.jobs import transitions
from lib.jobs.lease import Lease
from lib.jobs.worker import process
from lib.jobs.worker.deadline import END_SECONDS
from lib.jobs.worker.loop import ACCOUNT_JOBS_WAITING
from lib.media.deadline import Deadline
from lib.media.slots import Slots
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.machine.crew import Crew, books, crew
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

SLOW = 600
"""Bytes a second."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, long: Path) -> Iterator[SourceServer]:
    """A server that knows ranges and takes minutes for a file."""
    with SourceServer(tmp_path_factory.mktemp("slow"), bytes_per_second=SLOW) as server:
        server.put(long)
        yield server


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five megabytes: too large to be fetched ahead of everything."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    data = bytes(5_000_000)
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt "
    header += bytes.fromhex("10000000 0100 0100 401f0000 803e0000 0200 1000") + b"data"
    path.write_bytes(header + len(data).to_bytes(4, "little") + data)
    return path


@pytest.fixture(scope="module")
def patient(stack: Stack, sources: SourceServer, slow: SourceServer) -> Iterator[Crew]:
    """A worker with two slots that lets its sources take their time."""
    allow = f"127.0.0.1:{sources.port},127.0.0.1:{slow.port}"
    with crew(stack, SOURCE_ALLOW=allow, FETCH_SECONDS="120", WORKER_SLOTS="2") as running:
        yield running


def cancel(account: Account, *jobs: str) -> None:
    for job in jobs:
        account.http.patch(f"/v1/transcodes/{job}/cancel")


@pytest.mark.parametrize("whole", ["", "whole/"], ids=["ranges", "whole"])
def test_two_slow_sources_delay_nobody_else(
    patient: Crew, slow: SourceServer, clip: Path, long: Path, whole: str
) -> None:
    dripping, other = patient.account("free"), patient.account("pro")
    file = other.upload(clip)
    slow.hits.clear()
    jobs = [dripping.create(slow.url(f"{whole}{long.name}"), "mp3") for _ in range(2)]
    eventually(lambda: len(slow.hits) >= 2)
    job = other.wait(other.create(file, "mp3"))
    assert job["status"] == "completed"
    assert [dripping.job(each)["status"] for each in jobs] == ["processing"] * 2
    cancel(dripping, *jobs)


def test_one_account_does_not_take_all_places(
    patient: Crew, slow: SourceServer, clip: Path, long: Path
) -> None:
    """Twenty slow sources of one account: some wait in the queue, and another account runs."""
    dripping, other = patient.account("pro"), patient.account("pro")
    file = other.upload(clip)
    jobs = [dripping.create(slow.url(f"whole/{long.name}"), "mp3") for _ in range(20)]

    def running() -> int:
        rows = patient.sql(
            "select count(*) from app.jobs where status = 'processing' and id = any(%s::uuid[])",
            jobs,
        )
        return int(rows[0][0])

    eventually(lambda: running() >= ACCOUNT_JOBS_WAITING)
    for _ in range(3):
        assert other.wait(other.create(file, "mp3"))["status"] == "completed"
    assert running() <= ACCOUNT_JOBS_WAITING + 2  # the slots themselves
    cancel(dripping, *jobs)
    eventually(lambda: running() == 0)


def test_a_plan_s_seconds_hold_the_fetching(patient: Crew, slow: SourceServer, long: Path) -> None:
    account = patient.account("free")
    with plan_seconds(patient, "free", 3):
        for place in (f"whole/{long.name}", long.name):
            job_id = account.create(slow.url(place), "mp3")
            job = account.wait(job_id, 30)
            assert (job["status"], job["error_category"]) == ("failed", "upload"), job
            assert " 3 seconds " in job["error_message"]
            assert seconds_of(patient, job_id) < 8
            books(patient, job_id)


def test_a_plan_s_seconds_hold_all_runs_of_ffmpeg(
    patient: Crew, sources: SourceServer, clip: Path
) -> None:
    """Each text is drawn by two runs, which share the job's time."""
    account = patient.account("free")
    text = {"text": "W" * 1500, "style": {"fontSize": 60, "lineSpacing": 2}}
    options = [{"option": "@text-overlay", "argument": text}] * 8
    url = sources.put(clip)
    with plan_seconds(patient, "free", 1):
        job_id = account.create(url, "mp4", options=options)
        job = account.wait(job_id, 60)
    assert (job["status"], job["error_category"]) == ("failed", "processing_limit"), job
    assert "the 1 seconds" in job["error_message"]
    assert seconds_of(patient, job_id) < 6


def seconds_of(crew: Crew, job_id: str) -> float:
    """From the start of the job to its end."""
    (row,) = crew.sql(
        "select extract(epoch from updated_at - started_at) from app.jobs where id = %s", job_id
    )
    return float(row[0])


@contextmanager
def plan_seconds(crew: Crew, plan: str, seconds: int) -> Iterator[None]:
    """The plan's jobs may take so many seconds meanwhile."""
    change = "update app.plans set max_job_seconds = %s where id = %s"
    ((before,),) = crew.sql("select max_job_seconds from app.plans where id = %s", plan)
    crew.sql(change, seconds, plan)
    try:
        yield
    finally:
        crew.sql(change, before, plan)


def test_the_function_s_end_stops_a_fetch_in_time(
    stack: Stack, account: Account, sources: SourceServer
) -> None:
    """An attempt that the platform would cut is given back; the last one ends the job."""
    slots = Slots(1, 1)
    with crew(stack, plain=False):  # the stack's worker is stopped, and nobody calls this one
        job_id = account.create(sources.url("drip"), "mp3")
        for attempt in (1, 2, 3):
            lease = eventually(lambda: transitions.claim(30))
            assert isinstance(lease, Lease)
            assert (str(lease.job_id), lease.attempt) == (job_id, attempt)
            slot = slots.take()
            assert slot is not None
            began = time.monotonic()
            process.process(lease, threading.Event(), Deadline(END_SECONDS + 1), slot)
            assert time.monotonic() - began < END_SECONDS
            slot.release()
            assert slots.free == 1
        job = account.job(job_id)
    assert (job["status"], job["error_category"]) == ("failed", "upload"), job


BAD_EXPIRY = ["3000000000", "1e30", "-5", '"soon"', "[1]", "{}", "true", "1.5", "null"]


@pytest.mark.parametrize("value", BAD_EXPIRY)
def test_a_job_ends_whatever_its_request_holds(
    patient: Crew, sources: SourceServer, clip: Path, value: str
) -> None:
    """Rows from before a rule existed: neither a good end nor a bad one reads them."""
    account = patient.account("pro")
    file = account.upload(clip)
    with paused_queue(patient):
        good = account.create(file, "mp3", expireAfter=60)
        bad = account.create(sources.url("status?code=404"), "mp3")
        patient.sql(
            "update app.jobs set request = jsonb_set(request, '{expireAfter}', %s::jsonb)"
            " where id = any(%s::uuid[])",
            value, [good, bad],
        )  # fmt: skip
    assert account.wait(good)["status"] == "completed"
    assert account.wait(bad)["status"] == "failed"
    for job_id in (good, bad):
        books(patient, job_id)


@pytest.mark.parametrize("request_", ["{}", "[]", "7", '"x"', '{"inputs": 7}'])
def test_a_request_that_is_not_valid_any_more_fails(
    patient: Crew, clip: Path, request_: str
) -> None:
    account = patient.account("pro")
    file = account.upload(clip)
    with paused_queue(patient):
        job_id = account.create(file, "mp3")
        patient.sql(
            "update app.jobs set request = %s::jsonb, inputs = '[]' where id = %s", request_, job_id
        )
    eventually(lambda: ended(patient, job_id) == ("failed", "validation"))
    books(patient, job_id)


def ended(crew: Crew, job_id: str) -> tuple[Any, ...]:
    (row,) = crew.sql("select status, error_category from app.jobs where id = %s", job_id)
    return row


@contextmanager
def paused_queue(crew: Crew) -> Iterator[None]:
    """No job is started meanwhile: we hold what a claim locks."""
    with psycopg.connect(crew.postgres_url) as connection:
        connection.execute("select from app.queue_clock for update")
        yield
        connection.rollback()


@pytest.fixture
def refusing(patient: Crew) -> Iterator[Callable[[str], None]]:
    """Makes the database refuse updates of jobs under a condition on the new row."""

    def refuse(condition: str) -> None:
        patient.sql(
            f"create trigger refusing before update on app.jobs for each row when ({condition})"
            " execute function app.refuse_change()"
        )

    yield refuse
    patient.sql("drop trigger if exists refusing on app.jobs")


@pytest.mark.parametrize(
    ("condition", "attempts"),
    [
        ("new.status = 'completed'", 3),
        ("new.ffmpeg_options is not null", 3),
        ("new.progress is not null", 1),
    ],
    ids=["the end", "describe", "beat"],
)
def test_a_job_whose_end_can_not_be_written_is_closed_another_way(
    patient: Crew,
    clip: Path,
    refusing: Callable[[str], None],
    condition: str,
    attempts: int,
) -> None:
    account, other = patient.account("free"), patient.account("free")
    file, others = account.upload(clip), other.upload(clip)
    refusing(condition)
    broken = account.create(file, "mp3")
    account.wait(broken)
    patient.sql("drop trigger refusing on app.jobs")
    job = account.job(broken)
    books(patient, broken)
    if attempts == 3:
        assert (job["status"], job["error_category"]) == ("failed", "unknown"), job
        lines = [each for each in patient.log("worker failed") if each.get("job_id") == broken]
        tried = [each["attempt"] for each in lines]  # on a busy machine one may lose its lease
        assert tried and tried == sorted(set(tried)) and tried[-1] <= attempts
        assert {each["account_id"] for each in lines} == {job["user_id"]}
    assert other.wait(other.create(others, "mp3"))["status"] == "completed"


def test_a_failure_that_can_not_be_written_is_closed_another_way(
    patient: Crew, sources: SourceServer, refusing: Callable[[str], None]
) -> None:
    account = patient.account("free")
    refusing("new.status = 'failed' and not starts_with(new.error_message, 'Something went wrong')")
    job_id = account.create(sources.url("status?code=404"), "mp3")
    job = account.wait(job_id)
    assert (job["status"], job["error_category"]) == ("failed", "unknown"), job
    books(patient, job_id)
    lines = [each for each in patient.log("worker failed") if each.get("job_id") == job_id]
    assert len(lines) == 1, lines
    [line] = lines
    assert (line["attempt"], line["account_id"]) == (1, job["user_id"])


def test_a_drain_goes_on_after_a_job_that_failed(stack: Stack, clip: Path) -> None:
    """A worker that runs only while it is called runs what waits behind a broken job."""
    with crew(stack, plain=False, WORKER_SLOTS="1", MAX_ATTEMPTS="1") as running:
        account = running.account("free")
        file = account.upload(clip)
        with paused_queue(running):
            broken = account.create(file, "mp3")
            behind = account.create(file, "mp3")
            running.sql('update app.jobs set inputs = \'{"not": "a list"}\' where id = %s', broken)
        assert account.wait(behind)["status"] == "completed"
        eventually(lambda: ended(running, broken) == ("failed", "unknown"))
        books(running, broken)
        (line,) = running.log("worker failed")
        assert line["job_id"] == broken


def test_a_poll_finds_a_job_whose_worker_died(
    stack: Stack, sources: SourceServer, clip: Path
) -> None:
    """No process polls the queue here, and no cron comes."""
    allow = f"127.0.0.1:{sources.port}"
    with crew(stack, plain=False, SOURCE_ALLOW=allow, FETCH_SECONDS="60") as running:
        account = running.account("pro")
        sources.latency = 20
        try:
            job_id = account.create(sources.put(clip), "mp3")
            eventually(lambda: account.job(job_id)["status"] == "processing")
            running.kill()
        finally:
            sources.latency = 0
        running.restart()
        job = account.wait(job_id)
        assert job["status"] == "completed"
        assert running.sql("select attempt from app.jobs where id = %s", job_id) == [(2,)]


def test_jobs_of_a_suspended_account_are_not_started(patient: Crew, clip: Path) -> None:
    account, other = patient.account("pro"), patient.account("pro")
    file, others = account.upload(clip), other.upload(clip)
    suspend = "update app.accounts set suspended_at = {} where id = (select account_id from"
    suspend += " app.jobs where id = %s)"
    with paused_queue(patient):
        job_id = account.create(file, "mp3")
        patient.sql(suspend.format("now()"), job_id)
    for _ in range(2):
        assert other.wait(other.create(others, "mp3"))["status"] == "completed"
    assert ended(patient, job_id)[0] == "pending"
    patient.sql(suspend.format("null"), job_id)
    patient.sql("select pgmq.set_vt('jobs', msg_id, 0) from pgmq.q_jobs")
    assert account.wait(job_id)["status"] == "completed"


def test_a_suspended_account_s_job_is_not_taken_up_again(
    stack: Stack, sources: SourceServer, clip: Path
) -> None:
    allow = f"127.0.0.1:{sources.port}"
    with crew(stack, plain=False, SOURCE_ALLOW=allow, LEASE_SECONDS="1") as running:
        account, other = running.account("pro"), running.account("pro")
        file = other.upload(clip)
        job_id = account.create(sources.url("drip"), "mp3")
        eventually(lambda: account.job(job_id)["status"] == "processing")
        running.kill()
        running.sql(
            "update app.accounts set suspended_at = now() where id ="
            " (select account_id from app.jobs where id = %s)", job_id,
        )  # fmt: skip
        expired = "select lease_until < now() from app.leases where job_id = %s"
        eventually(lambda: running.sql(expired, job_id) == [(True,)])
        running.restart()
        assert other.wait(other.create(file, "mp3"))["status"] == "completed"
        assert running.sql("select status, attempt from app.jobs where id = %s", job_id) == [
            ("processing", 1)
        ]


def test_folders_of_a_killed_worker_go_with_the_next(stack: Stack, sources: SourceServer) -> None:
    allow = f"127.0.0.1:{sources.port}"
    with crew(stack, SOURCE_ALLOW=allow, FETCH_SECONDS="60") as running:
        account = running.account("pro")
        job_id = account.create(sources.url("drip"), "mp3")
        pid = running.worker.pid
        eventually(lambda: list(running.scratch.glob(f"ffm-job-{pid}-*")))
        running.kill()
        assert list(running.scratch.glob(f"ffm-*-{pid}-*"))
        cancel(account, job_id)
        running.restart()
        eventually(lambda: not list(running.scratch.glob(f"ffm-*-{pid}-*")))
        ticket = "select count(*) from app.leases where job_id = %s"
        eventually(lambda: running.sql(ticket, job_id) == [(0,)])
