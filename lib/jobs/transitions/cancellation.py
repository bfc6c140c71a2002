"""Canceling, by the owner and by the operator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lib.platform import postgres


def cancel(
    account_id: UUID, job_id: UUID | None, message: str, most: int, columns: str = "id"
) -> list[dict[str, Any]]:
    """Cancel the job, or `most` of the account's jobs, that have not ended; nothing is charged.

    The jobs show `message` to their owner. Returns `columns` of the canceled jobs.
    """
    return postgres.rows(
        f"""
        select {columns} from app.cancel_jobs(%(account)s, %(id)s, %(message)s, %(most)s)
        """,  # noqa: S608 -- the columns are ours
        {"account": account_id, "id": job_id, "message": message, "most": most},
    )


def cancel_for_operator(
    job_id: UUID, message: str, *, reason: str, who: str
) -> dict[str, Any] | None:
    """Cancel any account's job that has not ended, and log it as the act of `who`.

    The row has account_id, the status that the job had, and canceled; None for no such job.
    """
    return postgres.row(
        """
        with job as (
          select id, account_id, status from app.jobs where id = %(job)s
        ),
        canceled as (
          select c.id, c.account_id from job,
                 lateral app.cancel_jobs(job.account_id, job.id, %(message)s, 1) c
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, job_id, reason)
          select %(who)s, 'cancel', account_id, id, %(reason)s from canceled
        )
        select job.account_id, job.status, exists (select from canceled) as canceled from job
        """,
        {"job": job_id, "message": message, "reason": reason, "who": who},
    )
