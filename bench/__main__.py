"""`make bench`: how fast the service is, as ratios measured side by side in one run."""

from __future__ import annotations

import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from bench import bare
from lib.media import ffmpeg
from lib.media.argv import argv
from lib.media.plan import make_plan
from lib.media.probe import probe
from lib.media.request import TranscodeRequest
from local import client as api
from local import sample
from local.server import Server
from local.stack import Stack

POLL_SECONDS = 0.1
"""Polling costs time on the same cores; a job's times are read from its own time stamps."""
RESULTS = Path(__file__).parent / "RESULTS.md"
Row = tuple[str, str, str, str]


def main() -> None:
    """Measure, print the table and keep it in RESULTS.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Stack(folder / "stack") as stack, api.connect(stack.url, stack.demo_key()) as client:
            rows = [
                *_fixed_cost(stack, client, folder),
                _whole_job(stack, client, folder),
                _throughput(stack, client, folder),
                *_requests(stack, client, folder),
            ]
    table = Table(title="Ratios, one run")
    for column in ("what", "measured", "against", "result"):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    RESULTS.write_text(_markdown(rows))


def _fixed_cost(stack: Stack, client: httpx.Client, folder: Path) -> list[Row]:
    clip = sample.make(folder / "small.mp4", seconds=3)
    url = api.upload(stack.url, stack.demo_key(), clip)
    costs = []
    for _ in range(15):
        seconds, encoding = _job(client, url, "mp3", None)
        costs.append(1000 * (seconds - encoding))
    size = clip.stat().st_size / 2**20
    return [
        (
            f"fixed cost of a job, {size:.1f} MB, median of 15",
            f"{statistics.median(costs):.0f} ms",
            "60 ms at most",
            f"{statistics.median(costs) / 60:.2f}",
        )
    ]


def _whole_job(stack: Stack, client: httpx.Client, folder: Path) -> Row:
    clip = sample.make(folder / "ten.mp4")
    url = api.upload(stack.url, stack.demo_key(), clip)
    command = _command(clip, folder / "by-hand.mp4", "mp4", "480p")
    through, by_hand = [], []
    for _ in range(7):
        through.append(_job(client, url, "mp4", "480p")[0])
        by_hand.append(_timed(lambda: subprocess.run(command, check=True, capture_output=True)))
    ours, raw = statistics.median(through), statistics.median(by_hand)
    return (
        "10 s 720p to 480p through the API, median of 7",
        f"{ours:.2f} s",
        f"ffmpeg alone {raw:.2f} s (1.05 at most)",
        f"{ours / raw:.3f}",
    )


def _throughput(stack: Stack, client: httpx.Client, folder: Path) -> Row:
    clip = sample.make(folder / "tiny.mp4", seconds=2, size="320x180")
    url = api.upload(stack.url, stack.demo_key(), clip)
    body = _body(url, "mp4", None)
    began = time.perf_counter()
    ids = [api.call(client, "POST", "/v1/transcodes", body)["id"] for _ in range(50)]
    for job_id in ids:
        _wait(client, job_id)
    ours = time.perf_counter() - began

    def by_hand(number: int) -> None:
        command = _command(clip, folder / f"tiny{number}.mp4", "mp4", None)
        subprocess.run(command, check=True, capture_output=True)

    with ThreadPoolExecutor(2) as pool:
        raw = _timed(lambda: list(pool.map(by_hand, range(50))))
    return (
        "50 tiny jobs through the queue",
        f"{ours:.2f} s",
        f"by hand, two at a time {raw:.2f} s (1.15 at most)",
        f"{ours / raw:.3f}",
    )


def _requests(stack: Stack, client: httpx.Client, folder: Path) -> list[Row]:
    url = api.upload(stack.url, stack.demo_key(), folder / "tiny.mp4")
    job_id = api.call(client, "POST", "/v1/transcodes", _body(url, "mp3", None))["id"]
    _wait(client, job_id)
    with (
        Server(bare.create_app(stack.settings["POSTGRES_URL"])) as server,
        httpx.Client(base_url=server.url, trust_env=False) as plain,
    ):
        base, get, post = [], [], []
        for _ in range(200):
            base.append(_timed(lambda: plain.get("/")))
            get.append(_timed(lambda: client.get(f"/v1/transcodes/{job_id}")))
        for _ in range(40):
            post.append(_timed(lambda: client.post("/v1/transcodes", json=_body(url, "mp3", None))))
    bare_ms = 1000 * statistics.median(base)
    return [
        (
            name,
            f"{1000 * statistics.median(times):.2f} ms",
            f"bare Flask and one query {bare_ms:.2f} ms (3 at most)",
            f"{1000 * statistics.median(times) / bare_ms:.2f}",
        )
        for name, times in (("GET /v1/transcodes/{id}", get), ("POST /v1/transcodes", post))
    ]


def _job(
    client: httpx.Client, url: str, output_format: str, resolution: str | None
) -> tuple[float, float]:
    """Seconds from the row's creation to its completion, and ffmpeg's own."""
    body = _body(url, output_format, resolution)
    job = _wait(client, api.call(client, "POST", "/v1/transcodes", body)["id"])
    created, completed = (
        datetime.fromisoformat(job[name]) for name in ("created_at", "completed_at")
    )
    return (completed - created).total_seconds(), float(job["processing_time_seconds"])


def _wait(client: httpx.Client, job_id: str) -> dict[str, Any]:
    while True:
        job = api.call(client, "GET", f"/v1/transcodes/{job_id}")
        if job["status"] == "completed":
            return job
        if job["status"] != "pending" and job["status"] != "processing":
            raise RuntimeError(job["error_message"])
        time.sleep(POLL_SECONDS)


def _body(url: str, output_format: str, resolution: str | None) -> dict[str, object]:
    preset = {"quality": "medium"} | ({"resolution": resolution} if resolution else {})
    return {"inputs": [{"url": url}], "outputFormat": output_format, "preset": preset}


def _command(clip: Path, output: Path, output_format: str, resolution: str | None) -> list[str]:
    """The very command that the service runs."""
    body = _body("https://example.com/x", output_format, resolution)
    plan = make_plan(msgspec.convert(body, TranscodeRequest), [probe(clip)])
    return [str(ffmpeg.binary()), *argv(plan, [clip], output)]


def _timed(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _markdown(rows: list[Row]) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        "# Results of `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {platform.machine()},"
        f" Python {platform.python_version()}, ffmpeg {ffmpeg.version()}.",
        "",
        "| what | measured | against | ratio |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


main()
