"""kill -9 at every step: each accepted job ends once, is charged once or not, leaves one output."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from tests.rigs.machine.service import Service, create, ended_once, upload
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sources: SourceServer) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("kills"), sources)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from local import sample

    return sample.make(tmp_path_factory.mktemp("long") / "long.mp4", seconds=8)


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
            listener = socket.create_server(("127.0.0.1", urlsplit(url).port or 0))
        except OSError:  # the killed one still has it
            continue
        break
    with listener:
        assert ended_once(service, create(service, file_url))["status"] == "completed"


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "all"])
def test_killed_before_the_worker_starts(service: Service, clip: Path, victim: str) -> None:
    url = upload(service, clip)
    for process in service.find("local.processes.worker"):
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
        for process in service.find("local.processes.worker"):
            process.suspend()
        job_id = create(service, url)
        connection.execute("select from app.usage for update")
        for process in service.find("local.processes.worker"):
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
