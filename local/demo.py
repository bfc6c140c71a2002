"""`make demo`: the main job, as any client would do it over HTTP, on a stack of its own."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from lib.media.model import media_metadata
from lib.media.run.probe import probe
from local import client as api
from local import sample
from local.stack import Stack

POLL_SECONDS = 0.1


class Steps:
    """How long each step took."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        began = time.perf_counter()
        yield
        self.times.append((name, time.perf_counter() - began))


def demo(folder: Path, output_folder: Path, request: dict[str, Any], video: Path | None) -> Path:
    """Run the demo; the path of the result. Raises api.CallFailed."""
    console = Console()
    steps = Steps()
    with steps.step("start the stack"):
        stack = Stack(folder)
    with stack:
        console.print(f"The service is up at {stack.url}, {stack.site}")
        if video is None:
            video = sample.make(folder / "sample.mp4")
        with api.connect(stack.url, stack.demo_key()) as client:
            result = _five_steps(client, steps, console, video, output_folder, request)
    _report(console, steps, video, result)
    return result


def _five_steps(
    client: httpx.Client,
    steps: Steps,
    console: Console,
    video: Path,
    output_folder: Path,
    request: dict[str, Any],
) -> Path:
    with steps.step("1 ask for an upload link"):
        link = api.presign(client, video)
    with steps.step("2 upload and confirm"):
        api.put(link["uploadUrl"], video)
        stored = api.confirm(client, link["filename"], video)
    with steps.step("3 create the job"):
        job = api.call(
            client, "POST", "/v1/transcodes", {"inputs": [{"url": stored["fileUrl"]}]} | request
        )
    with steps.step("4 wait for ffmpeg"):
        done = _wait(client, console, job["id"])
    with steps.step("5 download"):
        url = api.call(client, "GET", f"/v1/transcodes/{job['id']}/download")["url"]
        output_folder.mkdir(parents=True, exist_ok=True)
        result = output_folder / str(done["outputs"][0]["filename"])
        with (
            httpx.stream("GET", url, timeout=600, trust_env=False) as response,
            result.open("wb") as file,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes():
                file.write(chunk)
    receipt = done["receipt"]
    with result.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != receipt["output"]["sha256"]:
            raise api.CallFailed("the download is not the file of the job's receipt")
    for stream in receipt["streams"]:
        console.print(f"{stream['kind']}: {stream['action']}. {stream['why']}")
    return result


def _wait(client: httpx.Client, console: Console, job_id: str) -> dict[str, Any]:
    columns = (
        TextColumn("ffmpeg"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("ffmpeg", total=100, left="")
        while True:
            job = api.call(client, "GET", f"/v1/transcodes/{job_id}")
            seconds_left = job["seconds_left"]
            progress.update(
                task,
                completed=job["progress"] or 0,
                left="" if seconds_left is None else f"{seconds_left:.0f} s left",
            )
            if job["status"] == "completed":
                return job
            if job["status"] in ("failed", "canceled"):
                raise api.CallFailed(f"the job {job['status']}: {job['error_message']}")
            time.sleep(POLL_SECONDS)


def _report(console: Console, steps: Steps, video: Path, result: Path) -> None:
    facts = Table(title="What went in and what came out", title_justify="left")
    for column in ("", "size", "seconds", "video", "audio", "dimensions"):
        facts.add_column(column)
    for name, path in (("input", video), ("output", result)):
        metadata = media_metadata(probe(path))
        facts.add_row(
            name,
            f"{path.stat().st_size:,} bytes",
            f"{metadata['duration_seconds']:.2f}",
            str(metadata.get("codec_video", "-")),
            str(metadata.get("codec_audio", "-")),
            f"{metadata['width']}x{metadata['height']}" if "width" in metadata else "-",
        )
    console.print(facts)
    times = Table(title="How long each step took", title_justify="left")
    times.add_column("step")
    times.add_column("seconds", justify="right")
    for step, seconds in steps.times:
        times.add_row(step, f"{seconds:.2f}")
    console.print(times)
    console.print(f"The result is in {os.path.relpath(result)}")
