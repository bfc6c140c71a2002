"""Jobs that their owners report: only of these may the operator open files (promise P5)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from lib.files.job_id import parse_id, unknown_job
from lib.outbox import mail
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.settings import settings
from lib.platform.times import stamp, stamp_or_none
from lib.privacy.support import Text, written

MOST_OPEN = 3
"""Reports of one job that may be open at a time."""
MOST_A_DAY = 20
"""Reports of one account."""


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """What is wrong with a job."""

    message: Text
    """What is wrong with the job."""


class Report(msgspec.Struct):
    """A report; while it is open, the job's files may be looked at to help."""

    id: str
    """The report's id."""
    job_id: str
    """The reported job."""
    message: str
    """What was wrong with the job."""
    state: Literal["open", "closed"]
    """Whether it is still open."""
    created_at: str
    """When it was sent, ISO 8601."""
    closed_at: str | None
    """When it was closed; null while it is open."""


class Reports(msgspec.Struct):
    """An account's reports, newest first."""

    items: list[Report]
    """The reports, newest first."""


def report(account_id: UUID, job_id: str, request: NewReport) -> Report:
    """Store an account's report of its job and queue the mail to support.

    Raises Problem 400, 404 for a job that is not the account's, 409 and 429 for too many.
    """
    job, new_id = parse_id(job_id), uuid4()
    message = written(request.message)
    values = {"id": str(new_id), "account": str(account_id), "job": str(job), "message": message}
    row = postgres.row(
        """
        with job as (
          select j.id, j.account_id, a.email,
                 (select count(*) from app.reports r
                   where r.job_id = j.id and r.closed_at is null) < %(most_open)s as few_open,
                 (select count(*) from app.reports r
                   where r.account_id = a.id and r.at > now() - interval '1 day')
                   < %(most_a_day)s as few_today
            from app.jobs j join app.accounts a on a.id = j.account_id
           where j.id = %(job)s and j.account_id = %(account)s
        ),
        stored as (
          insert into app.reports (id, account_id, job_id, message)
          select %(id)s, account_id, id, %(message)s from job where few_open and few_today
          returning *
        ),
        mailed as (
          select app.add_task('mail', 'report:' || s.id, s.account_id,
                   %(mail)s || jsonb_build_object('reply_to', job.email))
            from stored s, job
        )
        select few_open, few_today, s.*, (select count(*) from mailed) as mails
          from job left join stored s on true
        """,
        {
            "id": new_id,
            "account": account_id,
            "job": job,
            "message": message,
            "most_open": MOST_OPEN,
            "most_a_day": MOST_A_DAY,
            "mail": postgres.jsonb(mail.of("report", to=settings().support_email, values=values)),
        },
    )
    if row is None:
        raise unknown_job()
    if not row["few_open"]:
        raise Problem(
            "report_limit",
            f"This job has {MOST_OPEN} open reports already. Wait for our answer to them.",
        )
    if not row["few_today"]:
        raise Problem(
            "daily_limit",
            f"{MOST_A_DAY} reports a day are taken of one account. Write to support instead.",
            headers={"Retry-After": "3600"},
        )
    return _report(row)


def listed(account_id: UUID) -> Reports:
    """The account's reports."""
    rows = postgres.rows(
        "select * from app.reports where account_id = %(account)s order by at desc, id",
        {"account": account_id},
    )
    return Reports([_report(row) for row in rows])


def unanswered() -> list[dict[str, Any]]:
    """The open reports of all accounts, the oldest first."""
    return postgres.rows(
        """
        select at, job_id as job, account_id as account, message
          from app.reports where closed_at is null order by at, id
        """
    )


def close(job_id: UUID, *, reason: str, who: str) -> int:
    """Close a job's open reports, which ends the access they allow, and log it; how many."""
    row = postgres.row(
        """
        with closed as (
          update app.reports set closed_at = now()
           where job_id = %(job)s and closed_at is null
          returning account_id
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, job_id, reason)
          select distinct %(who)s, 'close-report', account_id, %(job)s::uuid, %(reason)s from closed
        )
        select count(*) as number from closed
        """,
        {"job": job_id, "reason": reason, "who": who},
    )
    return int(row["number"]) if row else 0


def _report(row: dict[str, Any]) -> Report:
    return Report(
        id=str(row["id"]),
        job_id=str(row["job_id"]),
        message=row["message"],
        state="closed" if row["closed_at"] else "open",
        created_at=stamp(row["at"]),
        closed_at=stamp_or_none(row["closed_at"]),
    )
