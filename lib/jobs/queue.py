"""The queue, pgmq: a message is a ticket for one job, its visibility timeout is the lease.

A ticket names no job. Whoever reads one takes the pending job whose turn is next, so that one
account's thousand jobs wait for each other and not for the others (start-time fair queueing). The
lease of a job (app.leases) keeps the ticket's id; a ticket that comes back, because its worker fell
silent, brings the same job back. There are always at least as many unbound tickets as pending jobs,
so a pending job is always found. The tickets of jobs that wait for their own account, which runs as
many as its plan allows, rest for a while; the end of such a job sends a further ticket.
"""

from __future__ import annotations

from lib.jobs.lease import JOB, MINE, Lease, Leftover, mine
from lib.platform import postgres


def drop(leftover: Leftover) -> None:
    """Forget the ticket of an ended job, once what it left behind is gone."""
    postgres.rows(
        """
        with unbound as (
          delete from app.leases where ticket = %(ticket)s
        )
        select pgmq.archive('jobs', %(ticket)s::bigint)
        """,
        {"ticket": leftover.ticket},
    )


def beat(lease: Lease, lease_seconds: int, progress: float | None) -> bool:
    """Renew the lease and store the progress in percent; False if we have lost the lease."""
    return (
        postgres.row(
            f"""
            with job as ({JOB}),
            mine as (
              update app.leases l set lease_until = now() + make_interval(secs => %(lease)s)
                from job where {MINE}
              returning 1
            ),
            progress as (
              update app.jobs set progress = %(progress)s::real
               where id = %(id)s and progress is distinct from %(progress)s::real
                 and %(progress)s::real is not null and exists (select from mine)
            )
            select pgmq.set_vt('jobs', %(ticket)s::bigint, %(lease)s::integer) from mine
            """,  # noqa: S608 -- the texts are ours
            mine(lease) | {"lease": lease_seconds, "progress": progress},
        )
        is not None
    )


def report(ffmpeg: str, cage: list[str]) -> None:
    """Note what this worker runs jobs with, for the health report."""
    postgres.rows(
        """
        insert into app.worker_reports (ffmpeg, cage) values (%(ffmpeg)s, %(cage)s)
        on conflict (ffmpeg, cage) do update set seen_at = now()
        """,
        {"ffmpeg": ffmpeg, "cage": cage},
    )


def pending() -> bool:
    """Whether any job waits, or lost its worker."""
    row = postgres.row(
        """
        select exists (select from app.jobs where status = 'pending')
            or exists (select from app.leases l join app.jobs j on j.id = l.job_id
                        where l.lease_until <= now() and j.status = 'processing') as any
        """
    )
    return bool(row and row["any"])
