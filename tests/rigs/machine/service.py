"""`make up` as processes that a test can kill and start again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

from local import client as api
from tests.rigs.sources import SourceServer

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
        result = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if text in " ".join(process.cmdline()):
                    result.append(process)
            except psutil.Error:
                continue
        return result

    def kill_worker(self) -> None:
        for process in self.find("local.processes.worker"):
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
    separator = [job["output_url"].partition("outputs/")[2]] if job["output_url"] else []
    while (result := [name for (name,) in service.sql(names)]) != separator:
        assert time.monotonic() < end, (result, separator)
        time.sleep(0.1)
    books = "select sum(reserved_minutes), (select count(*) from pgmq.q_jobs) from app.usage"
    while (left := service.sql(books)) != [(0, 0)]:  # a dead worker's ticket comes back first
        assert time.monotonic() < end, left
        time.sleep(0.1)
    used = service.sql("select sum(used_minutes) from app.usage")
    charged = service.sql("select sum(minutes) from app.usage_ledger where kind = 'settle'")
    assert (used[0][0] or 0) == (charged[0][0] or 0)
    return job
