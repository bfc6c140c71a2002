"""A million jobs in the table against a thousand: what a call costs must not follow.

Two databases run side by side, and each call is measured on both in turn, so that whatever else
the machine does meanwhile slows both. Each has a process of its own, since a process has one pool:
`python -m bench.million SIZE KEY OTHER_KEY` fills the table of its settings' database, then prints
the seconds of each step that a line of its input names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from uuid import UUID

import psycopg

from bench.rows import Row, milliseconds, timed
from lib.accounts import callers
from lib.accounts.callers import Caller
from lib.jobs import create, listing, read, repair, transitions
from lib.jobs.lease import Lease
from lib.media.request.models import Input, TranscodeRequest
from lib.platform import postgres
from local import keys_command
from local.stack import Stack

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 60
WAITING = 50
LEASE_SECONDS = 600

# Half of the jobs are the caller's own; all have ended, each with an output.
FILL = """
    with jobs as (
      insert into app.jobs (account_id, status, request, output_format, inputs, period,
        billable_minutes, created_at, updated_at, completed_at)
      select case when n %% 2 = 0 then %(own)s else %(other)s end, 'completed',
             '{"inputs": [{"url": "https://example.com/clip.mp4"}], "outputFormat": "mp4"}', 'mp4',
             '[{"url": "https://example.com/clip.mp4", "filename": "clip.mp4", "duration": 0,
                "format": "unknown", "size_bytes": "0"}]',
             date_trunc('month', now()), 0.1,
             now() - n * interval '1 second', now() - n * interval '1 second', now()
        from generate_series(1, %(size)s::integer) n
      returning id, account_id
    )
    insert into app.files (account_id, role, job_id, bucket, key, filename, content_type, format,
      size_bytes, confirmed_at, expires_at)
    select account_id, 'output', id, 'outputs', account_id || '/' || id || '/1/clip.mp4',
           'clip.mp4', 'video/mp4', 'mp4', 1, now(), now() + interval '7 days'
      from jobs
"""
STEPS = ("create", "get", "list, page 1", "list of completed, page 1", "heal (the sweep)", "claim")


class Side(NamedTuple):
    """One of the two processes: names of steps go in, seconds come out."""

    steps: IO[str]
    seconds: IO[str]

    def time(self, step: str) -> float:
        """Seconds that a step takes there."""
        print(step, file=self.steps, flush=True)
        return float(self.seconds.readline())


def million(folder: Path) -> list[Row]:
    """Create, claim, get, list and heal."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in STEPS}
    with ExitStack() as running:
        sides = [running.enter_context(_side(folder / str(size), size)) for size in (SMALL, LARGE)]
        for _ in range(ROUNDS):
            for name, lists in times.items():
                for side, seconds in zip(sides, lists, strict=True):
                    seconds.append(side.time(name))
    return [
        Row(
            f"{name}, a million jobs in the table",
            f"{milliseconds(large):.2f} ms",
            f"a thousand {milliseconds(small):.2f} ms",
            milliseconds(large) / milliseconds(small),
            1.5,
        )
        for name, (small, large) in times.items()
    ]


@contextmanager
def _side(folder: Path, size: int) -> Iterator[Side]:
    """A database with `size` jobs, and the process that measures on it."""
    with Stack(folder, functions=False) as stack:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.million", str(size)],
            env=os.environ | stack.settings | {"WORKER_URL": stack.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdout.readline()  # the table is full
            yield Side(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait()


def main(size: int) -> None:
    """Fill the table, then time each step that a line of the input names, until it ends."""
    caller, other = (
        callers.identify(keys_command.create(os.environ, f"{name}@example.com", "bench", "pro"))
        for name in ("own", "other")
    )
    _fill(size, caller.account_id, other.account_id)
    request = TranscodeRequest(inputs=[Input("https://example.com/clip.mp4")], outputFormat="mp4")
    waiting = [create.create(caller, request).id for _ in range(WAITING)]
    print("full", flush=True)
    steps: dict[str, Callable[[], float]] = {
        "create": lambda: timed(lambda: create.create(caller, request)),
        "get": lambda: timed(lambda: read.get(caller.account_id, waiting[0])),
        "list, page 1": lambda: timed(lambda: _page(caller, None)),
        "list of completed, page 1": lambda: timed(lambda: _page(caller, "completed")),
        "heal (the sweep)": lambda: timed(lambda: postgres.row(repair.REPAIR)),
        "claim": _claim,
    }
    for line in sys.stdin:
        print(steps[line.strip()](), flush=True)
    postgres.pool().close()


def _fill(size: int, own: UUID, other: UUID) -> None:
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(FILL, {"own": own, "other": other, "size": size})
        connection.execute(
            "update app.accounts a set jobs_total ="
            " (select count(*) from app.jobs j where j.account_id = a.id)"
        )
        connection.execute("vacuum analyze app.jobs, app.files")
        connection.execute("checkpoint")


def _claim() -> float:
    """Seconds of a claim; the job ends then, so that the next claim takes another."""
    began = time.perf_counter()
    claimed = transitions.claim(LEASE_SECONDS)
    seconds = time.perf_counter() - began
    if isinstance(claimed, Lease):
        transitions.fail(claimed, "unknown", "measured")
    return seconds


def _page(caller: Caller, status: str | None) -> object:
    return listing.page(caller.account_id, listing.Query(status=status))


if __name__ == "__main__":
    main(int(sys.argv[1]))
