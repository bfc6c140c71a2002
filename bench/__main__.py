"""`make bench`: how fast the service is, as ratios measured side by side in one run.

`make bench ONLY=jobs` measures one part (jobs, drip, answers, million, sweep, startup,
media, urls, workflows) and keeps no results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from bench import answers, drip, jobs, media, million, startup, sweep, urls, workflows
from bench.rows import Row
from lib.media.run import ffmpeg
from lib.platform import postgres
from local import client as api
from local.processes.children import Child
from local.stack import Stack

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Measure, print the table and keep it in RESULTS.md."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("only", nargs="?", choices=sorted(PARTS))
    parser.add_argument("--json", action="store_true", help="rows as JSON, for the whole of it")
    arguments = parser.parse_args()
    only = arguments.only
    if arguments.json:
        with tempfile.TemporaryDirectory() as folder:
            print(msgspec.json.encode(PARTS[only](Path(folder))).decode())
        return
    console = Console()
    rows: list[Row] = []
    failed = []
    for name in PARTS if only is None else [only]:
        with console.status(f"measuring {name}"):
            try:
                rows += _apart(name)
            except subprocess.CalledProcessError:  # it printed why; the others are measured still
                failed.append(name)
    table = Table(title="Ratios, one run")
    for column in ("what", "measured", "against", "ratio", "at most", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}. bench/RESULTS.md stays as it was.")
    if only is None:
        RESULTS.write_text(_markdown(rows))


def _apart(name: str) -> list[Row]:
    """Measure a part in a process of its own: each has settings and a pool, made once."""
    command = [sys.executable, "-m", "bench", name, "--json"]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return msgspec.json.decode(output.splitlines()[-1], type=list[Row])


def _jobs(folder: Path) -> list[Row]:
    with (
        _served(folder / "stack") as service,
        api.connect(service["url"], service["key"]) as client,
    ):
        return [
            jobs.fixed_cost(client, folder),
            jobs.whole_job(client, folder),
            jobs.throughput(client, folder),
        ]


def _drip(folder: Path) -> list[Row]:
    with drip.source() as port:
        os.environ["SOURCE_ALLOW"] = f"127.0.0.1:{port}"
        with (
            _served(folder / "stack") as service,
            api.connect(service["url"], service["key"]) as client,
            drip.another(service["settings"], service["url"]) as dripping,
        ):
            return [drip.delay(client, dripping, f"http://127.0.0.1:{port}", folder)]


def _answers(folder: Path) -> list[Row]:
    with (
        _served(folder / "stack", "idle") as service,
        api.connect(service["url"], service["key"]) as client,
        httpx.Client(base_url=service["bare"], trust_env=False) as plain,
    ):
        return answers.answers(client, plain)


def _sweep(folder: Path) -> list[Row]:
    with Stack(folder / "stack", functions=False) as stack:
        os.environ.update(stack.settings | {"WORKER_URL": stack.url})
        rows = sweep.sweeps(stack)
        postgres.pool().close()
        return rows


def _startup(folder: Path) -> list[Row]:
    with Stack(folder / "stack", functions=False) as stack:
        return startup.startup(stack.settings)


PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "jobs": _jobs,
    "drip": _drip,
    "answers": _answers,
    "million": million.million,
    "sweep": _sweep,
    "startup": _startup,
    "media": media.media,
    "urls": urls.urls,
    "workflows": workflows.workflows,
}


@contextmanager
def _served(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """The stack in a process of its own; what it told."""
    child = Child("bench.rigs.serve", [str(folder), *arguments], dict(os.environ))
    try:
        yield json.loads(child.ready())
    finally:
        child.stop()


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what, row.measured, row.against, f"{row.ratio:.2f}", f"{row.most:g}",
        "" if row.holds else "over",
    )  # fmt: skip


def _markdown(rows: list[Row]) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        "# Results of `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {platform.machine()},"
        f" {os.cpu_count()} cores, Python {platform.python_version()}, ffmpeg {ffmpeg.version()}.",
        "",
        "| what | measured | against | ratio | at most | |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in rows)]) + "\n"


if __name__ == "__main__":
    main()
