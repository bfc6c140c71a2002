"""A million jobs in the table against a thousand: what a call costs must not follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from bench.rows import Row, milliseconds, timed
from lib.accounts.callers import Caller
from lib.jobs import create, listing, read, repair, transitions
from lib.jobs.lease import Lease
from lib.media.request.models import Input, TranscodeRequest
from lib.platform import postgres

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
        from generate_series(%(first)s::integer, %(last)s::integer) n
      returning id, account_id
    )
    insert into app.files (account_id, role, job_id, bucket, key, filename, content_type, format,
      size_bytes, confirmed_at, expires_at)
    select account_id, 'output', id, 'outputs', account_id || '/' || id || '/1/clip.mp4',
           'clip.mp4', 'video/mp4', 'mp4', 1, now(), now() + interval '7 days'
      from jobs
"""


def million(postgres_url: str, caller: Caller, other: UUID) -> list[Row]:
    """Create, claim, get, list and heal, on the settings of this process."""
    before = _at(SMALL, 1, postgres_url, caller, other)
    after = _at(LARGE, SMALL + 1, postgres_url, caller, other)
    return [
        Row(
            f"{name}, a million jobs in the table",
            f"{milliseconds(after[name]):.2f} ms",
            f"a thousand {milliseconds(before[name]):.2f} ms",
            milliseconds(after[name]) / milliseconds(before[name]),
            1.5,
        )
        for name in before
    ]


def _at(
    size: int, first: int, postgres_url: str, caller: Caller, other: UUID
) -> dict[str, list[float]]:
    """Times of each step with `size` jobs in the table, those from number `first` on being new."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            FILL, {"own": caller.account_id, "other": other, "first": first, "last": size}
        )
        connection.execute(
            "update app.accounts a set jobs_total ="
            " (select count(*) from app.jobs j where j.account_id = a.id)"
        )
        connection.execute("vacuum analyze app.jobs, app.files")
        connection.execute("checkpoint")
    request = TranscodeRequest(inputs=[Input("https://example.com/clip.mp4")], outputFormat="mp4")
    waiting = [create.create(caller, request).id for _ in range(WAITING)]
    steps: dict[str, Callable[[], object]] = {
        "create": lambda: create.create(caller, request),
        "get": lambda: read.get(caller.account_id, waiting[0]),
        "list, page 1": lambda: _page(caller, None),
        "list of completed, page 1": lambda: _page(caller, "completed"),
        "heal (the sweep)": lambda: postgres.row(repair.REPAIR),
    }
    times: dict[str, list[float]] = {name: [] for name in [*steps, "claim"]}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            times[name].append(timed(step))
        began = time.perf_counter()
        claimed = transitions.claim(LEASE_SECONDS)
        times["claim"].append(time.perf_counter() - began)
        if isinstance(claimed, Lease):
            transitions.fail(claimed, "unknown", "measured")
    while isinstance(lease := transitions.claim(LEASE_SECONDS), Lease):
        transitions.fail(lease, "unknown", "measured")
    return times


def _page(caller: Caller, status: str | None) -> object:
    return listing.page(caller.account_id, listing.Query(status=status))
