"""Heartbeats: a row for each worker, at most one write in ten seconds, gone when it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.waiting import eventually

ROOT = Path(__file__).parents[3]


def heartbeats(version: str) -> list[dict[str, Any]]:
    return postgres.rows(
        "select * from app.worker_heartbeats where version = %(version)s", {"version": version}
    )


def run(stack: Stack, program: str, **settings: str) -> str:
    """What the program prints, in a process of its own with the stack's settings."""
    environment = os.environ | stack.settings | {"LOG_FILE": ""} | settings
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_worker_has_a_row_while_it_lives(stack: Stack) -> None:
    version = uuid.uuid4().hex[:12]
    worker = subprocess.Popen(
        [sys.executable, "-m", "local.processes.worker"],
        cwd=ROOT,
        env=os.environ | stack.settings | {"VERCEL_GIT_COMMIT_SHA": version, "WORKER_SLOTS": "3"},
        stdout=subprocess.DEVNULL,
    )
    try:
        [row] = eventually(lambda: heartbeats(version))
        assert row["slots"] == 3
        assert row["free_disk_bytes"] > 0
        assert row["started_at"] <= row["seen_at"]
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert heartbeats(version) == [], "a worker that stops normally leaves no row"


def test_a_function_instance_counts_while_it_runs(stack: Stack) -> None:
    version = uuid.uuid4().hex[:12]
    run(stack, "from lib.jobs.worker import loop\nloop.drain(65)\n", VERCEL_GIT_COMMIT_SHA=version)
    [row] = heartbeats(version)
    assert (row["leases"], row["busy_slots"]) == (0, 0)


def test_writes_are_rare_except_when_the_last_job_ends(stack: Stack) -> None:
    version = uuid.uuid4().hex[:12]
    out = run(
        stack,
        """
from lib.telemetry import heartbeat
from lib.platform import postgres
real = heartbeat._write
writes = []
def counted(process, busy, slots):
    writes.append((process.leases, busy))
    real(process, busy, slots)
heartbeat._write = counted
for _ in range(1000):
    heartbeat.note()
print(writes)
heartbeat.EVERY_SECONDS = 0.0  # ten seconds have passed
with heartbeat.leased(), heartbeat.leased():
    pass
heartbeat.EVERY_SECONDS = 10.0
print(writes)
heartbeat.note()
heartbeat.note()
print(writes)
""",
        VERCEL_GIT_COMMIT_SHA=version,
        WORKER_SLOTS="1",
    )
    assert out.splitlines() == [
        "[(0, 0)]",
        "[(0, 0), (1, 1), (2, 1)]",
        "[(0, 0), (1, 1), (2, 1), (0, 0)]",
    ]
    assert heartbeats(version)[0]["leases"] == 0


def test_a_job_that_waits_for_its_source_uses_no_slot(stack: Stack) -> None:
    version = uuid.uuid4().hex[:12]
    out = run(
        stack,
        """
from lib.jobs.worker import loop
from lib.telemetry import heartbeat
heartbeat.EVERY_SECONDS = 0.0
real = heartbeat._write
busy_slots = []
def counted(process, busy, slots):
    busy_slots.append(busy)
    real(process, busy, slots)
heartbeat._write = counted
slot = loop._slots().take()
with heartbeat.leased():
    slot.lend()
    heartbeat.note()
    slot.regain()
    heartbeat.note()
slot.release()
heartbeat.note()
print(busy_slots)
""",
        VERCEL_GIT_COMMIT_SHA=version,
        WORKER_SLOTS="2",
    )
    assert out.strip() == "[1, 0, 1, 0]"


def test_rows_of_an_hour_ago_are_deleted(stack: Stack) -> None:
    version = uuid.uuid4().hex[:12]
    for minutes in (59, 61):
        postgres.rows(
            """
            insert into app.worker_heartbeats
              (id, started_at, seen_at, version, slots, busy_slots, leases, free_disk_bytes)
            values (gen_random_uuid(), now(), now() - make_interval(mins => %(minutes)s),
                    %(version)s, %(minutes)s, 0, 0, 0)
            """,
            {"minutes": minutes, "version": version},
        )
    run(stack, "from lib.telemetry import heartbeat\nheartbeat.note()\n")
    assert [row["slots"] for row in heartbeats(version)] == [59]


def test_a_heartbeat_is_kept_while_a_long_job_runs(
    stack: Stack, account: Account, long: Path
) -> None:
    """The process that runs the job reports it; its row is younger than the job."""
    job = account.create(
        account.upload(long), "webm", preset={"quality": "high", "resolution": "1080p"}
    )
    eventually(
        lambda: postgres.rows(
            "select 1 from app.worker_heartbeats where leases > 0 and seen_at >"
            " (select started_at from app.jobs where id = %(job)s)",
            {"job": job},
        )
    )
    account.http.patch(f"/v1/transcodes/{job}/cancel").raise_for_status()


def test_a_database_that_is_away_stops_no_worker(stack: Stack) -> None:
    away = "postgresql://postgres@127.0.0.1:9/postgres"
    out = run(
        stack,
        """
from lib.telemetry import heartbeat
from lib.platform import tally
heartbeat.WAIT_SECONDS = 0.2
with heartbeat.leased():
    print("worked")
heartbeat.ended()
print(sorted({count.labels.get("event") for count in tally.snapshot() if
              count.name == "log_lines"}))
""",
        POSTGRES_URL=away,
    )
    assert out.splitlines() == ["worked", "['heartbeat not deleted', 'heartbeat not written']"]
