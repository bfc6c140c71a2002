"""kill -9 at every step: each accepted job ends once, is charged once or not, leaves one output."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from local import client as api
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

ROOT = Path(__file__).parents[3]
PROJECT = re.compile(r"(?:NEXT_PUBLIC_)?(?:SUPABASE|POSTGRES)_")
"""Settings that name a project, on which `make up` would run. Other tests set them here."""


class Service:
    """`make up` as a process tree that can be killed and started again."""

    def __init__(self, folder: Path, sources: SourceServer) -> None:
        self.folder = folder
        own = {name: value for name, value in os.environ.items() if not PROJECT.match(name)}
        self._environment = own | {
            "LEASE_SECONDS": "5",
            "SOURCE_ALLOW": f"127.0.0.1:{sources.port}",
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "up", "--port", "0", "--data", str(self.folder)],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "FFmpeg Micro is up" in line:
                break
        else:
            raise AssertionError("the stack did not start")
        lines = (self.folder / "dev.env").read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        self.http = api.connect(
            self.settings["FFMPEG_MICRO_API_URL"], self.settings["FFMPEG_MICRO_API_KEY"]
        )

    def find(self, text: str) -> list[psutil.Process]:
        """The processes of this stack whose command line holds `text`."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if text in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_worker(self) -> None:
        for process in self.find("local.worker"):
            process.send_signal(signal.SIGKILL)

    def kill_ffmpeg(self) -> None:
        for process in self.find("-progress"):
            process.send_signal(signal.SIGKILL)

    def kill_all(self) -> None:
        """Everything, Postgres too."""
        postmaster = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        victims = [psutil.Process(self.process.pid), psutil.Process(postmaster)]
        victims += victims[0].children(recursive=True) + victims[1].children(recursive=True)
        for process in victims:
            if process.is_running():
                process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def job(self, job_id: str) -> dict[str, Any]:
        return api.call(self.http, "GET", f"/v1/transcodes/{job_id}")

    def until(self, job_id: str, test: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        end = time.monotonic() + 60
        while not test(job := self.job(job_id)):
            assert time.monotonic() < end, job
            time.sleep(0.03)
        return job

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.settings["POSTGRES_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sources: SourceServer) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("kills"), sources)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from local import sample

    return sample.make(tmp_path_factory.mktemp("long") / "long.mp4", seconds=8)


def upload(service: Service, path: Path) -> str:
    settings = service.settings
    return api.upload(settings["FFMPEG_MICRO_API_URL"], settings["FFMPEG_MICRO_API_KEY"], path)


def create(service: Service, url: str) -> str:
    body = {"inputs": [{"url": url}], "outputFormat": "mp4"}
    return str(api.call(service.http, "POST", "/v1/transcodes", body)["id"])


def ended_once(service: Service, job_id: str) -> dict[str, Any]:
    """Wait for the end, and check the books and the store against it."""
    job = service.until(job_id, lambda job: job["status"] in ("completed", "failed", "canceled"))
    ends = service.sql(
        f"select kind, minutes from app.usage_ledger"
        f" where job_id = '{job_id}' and kind <> 'reserve'"
    )
    assert len(ends) == 1, ends
    assert (ends[0][0] == "settle") == (job["status"] == "completed")
    names = (
        f"select name from storage.objects where bucket_id = 'outputs' and name like '%{job_id}%'"
    )
    end = time.monotonic() + 60  # a worker that lost its job cleans up a moment later
    wanted = [job["output_url"].partition("outputs/")[2]] if job["output_url"] else []
    while (found := [name for (name,) in service.sql(names)]) != wanted:
        assert time.monotonic() < end, (found, wanted)
        time.sleep(0.1)
    books = "select sum(reserved_minutes), (select count(*) from pgmq.q_jobs) from app.usage"
    while (left := service.sql(books)) != [(0, 0)]:  # a dead worker's ticket comes back first
        assert time.monotonic() < end, left
        time.sleep(0.1)
    used = service.sql("select sum(used_minutes) from app.usage")
    charged = service.sql("select sum(minutes) from app.usage_ledger where kind = 'settle'")
    assert (used[0][0] or 0) == (charged[0][0] or 0)
    return job


@pytest.mark.parametrize(
    "victim", [pytest.param("worker", marks=pytest.mark.slow), "ffmpeg", "all"]
)
def test_killed_while_encoding(service: Service, long_clip: Path, victim: str) -> None:
    job_id = create(service, upload(service, long_clip))
    service.until(job_id, lambda job: job["progress"])
    match victim:
        case "worker":
            service.kill_worker()
        case "ffmpeg":
            service.kill_ffmpeg()
        case _:
            service.kill_all()
            service.start()
    job = ended_once(service, job_id)
    assert job["status"] == "completed", job["error_message"]


def test_a_worker_whose_port_was_taken_comes_back(service: Service, clip: Path) -> None:
    file_url = upload(service, clip)
    lines = (service.folder / "settings.env").read_text().splitlines()
    url = dict(line.split("=", 1) for line in lines)["WORKER_URL"]
    service.kill_worker()
    while True:
        try:
            taken = socket.create_server(("127.0.0.1", urlsplit(url).port or 0))
        except OSError:  # the killed one still has it
            continue
        break
    with taken:
        assert ended_once(service, create(service, file_url))["status"] == "completed"


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "all"])
def test_killed_before_the_worker_starts(service: Service, clip: Path, victim: str) -> None:
    url = upload(service, clip)
    for process in service.find("local.worker"):
        process.suspend()
    job_id = create(service, url)
    assert service.job(job_id)["status"] == "pending"
    if victim == "worker":
        service.kill_worker()
    else:
        service.kill_all()
        service.start()
    assert ended_once(service, job_id)["status"] == "completed"


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "all"])
def test_killed_while_fetching(service: Service, sources: SourceServer, victim: str) -> None:
    job_id = create(service, sources.url("drip"))
    eventually(lambda: "/drip" in sources.hits)
    if victim == "worker":
        service.kill_worker()
    else:
        service.kill_all()
        service.start()
    # The source never ends: a cancel is a fair end of it, or what a fetch may take at most.
    service.http.patch(f"/v1/transcodes/{job_id}/cancel")
    assert ended_once(service, job_id)["status"] in ("canceled", "failed")


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "all"])
def test_killed_in_the_finishing_transaction(service: Service, clip: Path, victim: str) -> None:
    """The output is stored; the statement that ends the job waits for a row we hold."""
    url = upload(service, clip)
    with holding(service) as connection:
        for process in service.find("local.worker"):
            process.suspend()
        job_id = create(service, url)
        connection.execute("select from app.usage for update")
        for process in service.find("local.worker"):
            process.resume()
        query = (
            f"select 1 from storage.objects where bucket_id = 'outputs' and name like '%{job_id}%'"
        )
        end = time.monotonic() + 60
        while not (waiting := service.sql(query)) and time.monotonic() < end:
            # describe() waits for the same row: let it pass once ffmpeg has not begun yet
            if not service.find("-progress"):
                connection.rollback()
                time.sleep(0.01)
                connection.execute("select from app.usage for update")
            time.sleep(0.01)
        assert waiting, "the output was not stored"
        if victim == "worker":
            service.kill_worker()
        else:
            service.kill_all()
    if victim == "all":
        service.start()
    assert ended_once(service, job_id)["status"] == "completed"


@contextmanager
def holding(service: Service) -> Iterator[psycopg.Connection]:
    """A connection that may be gone at its end, with the server."""
    connection = psycopg.connect(service.settings["POSTGRES_URL"])
    try:
        yield connection
    finally:
        connection.close()


def test_interrupting_leaves_no_process(service: Service) -> None:
    tree = psutil.Process(service.process.pid).children(recursive=True)
    postmaster = int((service.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0
    _, alive = psutil.wait_procs([*tree, *_existing(postmaster)], timeout=60)
    assert not alive, alive
    service.start()
    assert service.http.get("/v1/transcodes").json()["total"] > 0  # data survives


def _existing(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []
