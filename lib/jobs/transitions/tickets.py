"""Into the queue, out of it to a worker, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from lib.jobs.lease import JOB, MINE, Lease, Leftover, lease_of, mine
from lib.platform import postgres


def accept(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Reserve the minutes, store the job and send its ticket.

    The row has id, status and retry_after: status `pending`; `failed` when the plan's minutes do
    not suffice; `limited`, with nothing stored, while too many of the account's jobs fail. None for
    a closed account.
    """
    return postgres.row(
        """
        select id, status, retry_after from app.create_job(
          %(id)s, %(account)s, %(limit)s, %(minutes)s, %(known)s, %(seconds)s, %(request)s,
          %(format)s, %(inputs)s, %(metadata)s, %(lane)s)
        """,
        values,
    )


def claim(lease_seconds: int, skip: Sequence[Hashable] = ()) -> Lease | Leftover | None:
    """Take the next job, or None when there is nothing to do.

    Jobs of the accounts `skip` are left to other workers.
    """
    while True:
        row = postgres.row(
            "select * from app.claim_job(%(lease)s, %(skip)s::uuid[])",
            {"lease": lease_seconds, "skip": list(skip)},
        )
        if row is None:
            return None
        if row["id"] is not None:
            return lease_of(row)
        if row["ended_id"] is not None:
            return Leftover(row["ended_id"], row["ended_account"], row["ticket"])


def postpone(lease: Lease, seconds: int) -> None:
    """Give the job back, to be tried again after `seconds`."""
    postgres.rows(
        f"""
        with job as ({JOB}),
        mine as (
          update app.leases l set lease_until = now() + make_interval(secs => %(seconds)s)
            from job where {MINE}
          returning job.id, job.account_id
        ),
        event as (
          insert into app.job_events (job_id, account_id, kind, detail)
          select id, account_id, 'retried', jsonb_build_object('attempt', %(attempt)s::integer)
            from mine
        )
        select pgmq.set_vt('jobs', %(ticket)s::bigint, %(seconds)s::integer) from mine
        """,  # noqa: S608
        mine(lease) | {"seconds": seconds},
    )
