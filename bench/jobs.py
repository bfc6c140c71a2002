"""Whole jobs through the API, against the same ffmpeg commands run by hand."""

from __future__ import annotations

import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.rows import Row, timed
from lib.media.plan.argv import argv
from lib.media.plan.model import Machine
from lib.media.plan.planner import make_plan
from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest
from lib.media.run import ffmpeg
from lib.media.run.probe import probe
from local import client as api
from local import sample

POLL_SECONDS = 0.25
"""Polling costs time on the same cores; a job's times are read from its own time stamps."""


def fixed_cost(client: httpx.Client, folder: Path) -> Row:
    """From the create to `completed`, less ffmpeg's own wall time, for a file of 1 MB."""
    clip = sample.make(folder / "small.mp4", seconds=3)
    url = api.upload(str(client.base_url), _key(client), clip)
    costs = []
    for _ in range(15):
        seconds, encoding = _job(client, url, "mp3", None)
        costs.append(1000 * (seconds - encoding))
    cost = statistics.median(costs)
    return Row(
        f"fixed cost of a job, {clip.stat().st_size / 2**20:.1f} MB, median of 15",
        f"{cost:.0f} ms",
        "60 ms",
        cost / 60,
        1,
    )


def whole_job(client: httpx.Client, folder: Path) -> Row:
    """10 s of 720p to 480p, alternating with the very command the service runs."""
    clip = sample.make(folder / "ten.mp4")
    url = api.upload(str(client.base_url), _key(client), clip)
    command = _command(clip, folder / "by-hand.mp4", "mp4", "480p")
    through, by_hand = [], []
    for _ in range(9):
        through.append(_job(client, url, "mp4", "480p")[0])
        by_hand.append(timed(lambda: subprocess.run(command, check=True, capture_output=True)))
    ours, raw = statistics.median(through), statistics.median(by_hand)
    return Row(
        "10 s 720p to 480p, median of 9", f"{ours:.2f} s", f"ffmpeg alone {raw:.2f} s",
        ours / raw, 1.05,
    )  # fmt: skip


def throughput(client: httpx.Client, folder: Path) -> Row:
    """50 tiny jobs queued at once, against the same commands two at a time; best of three each."""
    clip = sample.make(folder / "tiny.mp4", seconds=2, size="320x180")
    url = api.upload(str(client.base_url), _key(client), clip)
    body = _body(url, "mp4", None)

    def by_hand(number: int) -> None:
        command = _command(clip, folder / f"tiny{number}.mp4", "mp4", None)
        subprocess.run(command, check=True, capture_output=True)

    def through_queue() -> None:
        ids = [api.call(client, "POST", "/v1/transcodes", body)["id"] for _ in range(50)]
        for job_id in ids:
            wait(client, job_id)

    def two_at_a_time() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(by_hand, range(50)))

    ours, raw = [], []
    for _ in range(3):
        ours.append(timed(through_queue))
        raw.append(timed(two_at_a_time))
    return Row(
        "50 tiny jobs through the queue", f"{min(ours):.2f} s",
        f"by hand, two at a time {min(raw):.2f} s", min(ours) / min(raw), 1.15,
    )  # fmt: skip


def wait(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Poll until the job is completed."""
    while True:
        job = api.call(client, "GET", f"/v1/transcodes/{job_id}")
        if job["status"] == "completed":
            return job
        if job["status"] not in ("pending", "processing"):
            raise RuntimeError(job["error_message"])
        time.sleep(POLL_SECONDS)


def _job(
    client: httpx.Client, url: str, output_format: str, resolution: str | None
) -> tuple[float, float]:
    """Seconds from the row's creation to its completion, and ffmpeg's own."""
    body = _body(url, output_format, resolution)
    job = wait(client, api.call(client, "POST", "/v1/transcodes", body)["id"])
    created, completed = (
        datetime.fromisoformat(job[name]) for name in ("created_at", "completed_at")
    )
    return (completed - created).total_seconds(), float(job["processing_time_seconds"])


def _body(url: str, output_format: str, resolution: str | None) -> dict[str, object]:
    preset = {"quality": "medium"} | ({"resolution": resolution} if resolution else {})
    return {"inputs": [{"url": url}], "outputFormat": output_format, "preset": preset}


def _command(clip: Path, output: Path, output_format: str, resolution: str | None) -> list[str]:
    """The very command that the service runs."""
    body = _body("https://example.com/x", output_format, resolution)
    checked = check(msgspec.convert(body, TranscodeRequest))
    plan = make_plan(checked, [probe(clip)], Machine(ffmpeg.cores()))
    return [str(ffmpeg.binary()), *argv(plan, [clip], output)]


def _key(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")
