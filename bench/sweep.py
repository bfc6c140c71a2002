"""A hundred thousand expired files: what clearing one costs must not follow the number."""

from __future__ import annotations

import time
import uuid

import psycopg

from bench.rows import Row
from lib.files import sweep
from local.stack import Stack

FILES = 100_000
STEP_SECONDS = 1.0
"""A run of the sweep, shorter than a function's so that there are many."""

# Half of them uploads, half outputs of completed jobs, each with an object and its bytes.
FILL = """
    with owner as (select id from app.accounts limit 1),
    uploads as (
      insert into app.files (account_id, role, bucket, key, filename, content_type, declared_bytes,
        created_at, confirmed_at, expires_at)
      select o.id, 'upload', 'uploads', o.id || '/' || n, 'clip.mp4', 'video/mp4', 1,
             now() - interval '9 days', now() - interval '9 days',
             now() - (%(half)s + n) * interval '1 second'
        from owner o, generate_series(1, %(half)s::integer) n
      returning bucket, key
    ),
    jobs as (
      insert into app.jobs (account_id, status, request, output_format, inputs, period,
        completed_at)
      select o.id, 'completed', '{}', 'mp4', '[]', date_trunc('month', now()),
             now() - interval '9 days'
        from owner o, generate_series(1, %(half)s::integer) n
      returning id, account_id
    ),
    outputs as (
      insert into app.files (account_id, role, job_id, bucket, key, filename, content_type, format,
        confirmed_at, expires_at)
      select account_id, 'output', id, 'outputs', account_id || '/' || id || '/clip.mp4',
             'clip.mp4', 'video/mp4', 'mp4', now() - interval '9 days',
             now() - row_number() over () * interval '1 second'
        from jobs
      returning bucket, key
    ),
    versions as (
      select *, row_number() over () as number from (
        select * from uploads union all select * from outputs) stored
    )
    insert into storage.objects (bucket_id, name, version, metadata, created_at)
    select bucket, key, (%(versions)s::text[])[number], '{}', now() - interval '9 days'
      from versions
"""


def fill(stack: Stack, number: int = FILES) -> None:
    """Store `number` expired files of an account of their own."""
    versions = [str(uuid.uuid4()) for _ in range(number)]
    objects = stack.folder / "storage" / "objects"
    for version in versions:
        path = objects / version[:2] / version
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "insert into app.accounts (id, email) values (gen_random_uuid(), 'sweep@example.com')"
        )
        connection.execute(FILL, {"half": number // 2, "versions": versions})
        connection.execute("analyze app.files, app.jobs, storage.objects")


def left(stack: Stack) -> int:
    """Files still on disk."""
    return sum(1 for path in (stack.folder / "storage" / "objects").rglob("*") if path.is_file())


def clear(seconds: float) -> list[tuple[sweep.Swept, float]]:
    """Sweep in runs of `seconds` until nothing is left; what each did, and how long it took."""
    runs: list[tuple[sweep.Swept, float]] = []
    while not runs or not runs[-1][0].finished:
        began = time.perf_counter()
        swept = sweep.sweep(seconds)
        runs.append((swept, time.perf_counter() - began))
    return runs


def sweeps(stack: Stack) -> list[Row]:
    """Clear them by repeated runs; the last run of each kind of file against the first."""
    fill(stack)
    runs = clear(STEP_SECONDS)
    uploads = [seconds / swept.uploads for swept, seconds in runs if not swept.outputs]
    outputs = [
        seconds / swept.outputs for swept, seconds in runs if swept.outputs and not swept.uploads
    ]
    # The last run of all ends early, with other steps to do.
    return [_row("uploads", uploads), _row("outputs", outputs[:-1])]


def _row(kind: str, each: list[float]) -> Row:
    first, last = 1000 * each[0], 1000 * each[-1]
    return Row(
        f"sweep of {FILES:,} files: {kind}, the last of {len(each)} runs",
        f"{last:.3f} ms a file",
        f"the first {first:.3f} ms",
        last / first,
        1.5,
    )
