"""An API and a worker of a test's own, with their own settings, on the stack's database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import psycopg

from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.waiting import eventually

API = ["api/transcodes", "api/files", "api/account"]


class Crew:
    """`start_worker` starts the worker, which `kill` kills; `plain` ones poll the queue.

    One that is not plain runs jobs only while it is called, as on Vercel. Nothing else runs jobs:
    the stack's own worker is stopped meanwhile.
    """

    def __init__(self, stack: Stack, folder: Path, overrides: dict[str, str], plain: bool) -> None:
        self._plain = plain
        self.postgres_url = stack.settings["POSTGRES_URL"]
        self.log_file = folder / "log.jsonl"
        self.scratch = folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self._settings = (
            os.environ
            | stack.settings
            | {"LOG_FILE": str(self.log_file), "TMPDIR": str(self.scratch), "LEASE_SECONDS": "5"}
            | overrides
        )
        self.start_worker()
        url = f"{self.worker_url}/internal/worker"
        self._api = Child(
            "tests.rigs.processes.functions", API, {**self._settings, "WORKER_URL": url}
        )
        self.url = self._api.ready()

    def start_worker(self, port: str = "0") -> None:
        """Start a worker, on the port of the one that was killed, if there was one."""
        if self._plain:
            self.worker = Child("local.processes.worker", [port], {**self._settings})
        else:
            self.worker = Child(
                "tests.rigs.processes.functions",
                ["api/worker"],
                {**self._settings, "FUNCTIONS_PORT": port},
            )
        self.worker_url = self.worker.ready()

    def kill(self) -> None:
        """Kill the worker, and start none."""
        os.kill(self.worker.pid, signal.SIGKILL)
        eventually(lambda: not self.worker.alive())

    def restart(self) -> None:
        """Start another worker in the place of the killed one."""
        self.worker.stop()
        self.start_worker(self.worker_url.rpartition(":")[2])

    def account(self, plan: str) -> Account:
        """A fresh account that calls this API."""
        answer = SimpleNamespace(url=self.url, settings={"POSTGRES_URL": self.postgres_url})
        answer.settings |= {"SUPABASE_URL": self._settings["SUPABASE_URL"]}
        answer.settings |= {"SUPABASE_SECRET_KEY": self._settings["SUPABASE_SECRET_KEY"]}
        return Account(cast(Stack, answer), plan)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner of all."""
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event, oldest first."""
        if not self.log_file.exists():
            return []
        lines = [json.loads(line) for line in self.log_file.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def stop(self) -> None:
        """Stop both."""
        self._api.stop()
        self.worker.stop()


@contextmanager
def crew(stack: Stack, *, plain: bool = True, **overrides: str) -> Iterator[Crew]:
    """A crew; the stack's own worker and those of other crews stand still."""
    pids = [stack.worker.pid, *(child.pid for child in _WORKERS)]
    others = [psutil.Process(pid) for pid in pids]
    for other in others:
        other.suspend()
    folder = Path(tempfile.mkdtemp(prefix="crew-"))
    try:
        running = Crew(stack, folder, overrides, plain)
        _WORKERS.append(running.worker)
        try:
            yield running
        finally:
            _WORKERS.pop()
            running.stop()
    finally:
        for other in others:
            other.resume()
        shutil.rmtree(folder, ignore_errors=True)


_WORKERS: list[Child] = []
"""The workers of crews, the last one's at the end."""


def books(crew: Crew, job_id: str) -> None:
    """The job has ended once in the ledger, and holds no minutes and no ticket."""
    ends = crew.sql(
        "select count(*) from app.usage_ledger where job_id = %s and kind <> 'reserve'", job_id
    )
    assert ends == [(1,)]
    row = crew.sql(
        "select reserved_minutes, exists (select from app.leases where job_id = jobs.id)"
        " from app.jobs where id = %s",
        job_id,
    )
    assert row == [(0, False)]
