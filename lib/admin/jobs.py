"""Jobs as the operator sees them, and trying a failed one again."""

from __future__ import annotations

from uuid import UUID, uuid4

from lib import models
from lib.accounts import callers
from lib.admin.output import Refused, Row
from lib.jobs import create, transitions
from lib.media.request.models import TranscodeRequest
from lib.platform import log, postgres, wake
from lib.platform.errors import Problem

MOST = 50
CANCELED = "The job was canceled by the operator. Nothing was charged."
STALE_MINUTES = 5
"""Time after which an unfinished retry can be started again."""


def listed(account_id: UUID, status: str | None, *, who: str) -> list[Row]:
    """The account's newest jobs."""
    return postgres.rows(
        """
        with logged as (
          insert into app.operator_log (who, act, account_id)
          select %(who)s, 'jobs', id from app.accounts where id = %(account)s
        )
        select id as job, status, output_format as format, attempt, created_at as created,
               updated_at as updated,
               coalesce(billable_minutes, reserved_minutes)::float8 as minutes,
               case when status = 'failed' then error_category end as category,
               error_message as error
          from app.jobs
         where account_id = %(account)s and (%(status)s::text is null or status = %(status)s)
         order by created_at desc, id desc limit %(most)s
        """,
        {"account": account_id, "status": status, "who": who, "most": MOST},
    )


def stop(job_id: UUID, *, reason: str, who: str) -> None:
    """Cancel a job that has not ended; nothing is charged. Raises Refused."""
    row = transitions.cancel_for_operator(job_id, CANCELED, reason=reason, who=who)
    if row is None:
        raise Refused("There is no job with this id.")
    if not row["canceled"]:
        raise Refused(
            f"Only jobs that have not ended can be canceled; this one is {row['status']}."
        )
    log.info(
        "job", job_id=job_id, account_id=row["account_id"], status="canceled", reason="operator"
    )


def retry(job_id: UUID, *, reason: str, who: str) -> str:
    """Make a new job of a failed one's request; its id. Raises Refused.

    The failed job keeps its end, and the ledger its one end a job. All that a create refuses is
    refused here: inputs that are gone, minutes that don't suffice. Once for each failed job.
    """
    claimed = postgres.row(_CLAIM, {"job": job_id, "reason": reason, "who": who,
                                    "stale": STALE_MINUTES})  # fmt: skip
    if claimed is None:
        raise Refused("There is no job with this id.")
    if claimed["status"] != "failed":
        raise Refused(f"Only failed jobs can be retried; this one is {claimed['status']}.")
    if claimed["suspended"]:
        raise Refused("The account is suspended. Resume it first.")
    if claimed["entry"] is None:
        raise Refused("This job was retried before: see `log`. Retry the later job instead.")
    new_id = uuid4()
    try:
        _create(claimed["account_id"], claimed["request"], job_id, new_id)
    except callers.Unknown:
        _note(claimed["entry"], None, "the login is gone")
        raise Refused("The account's login is gone.") from None
    except Problem as problem:
        _note(claimed["entry"], None, f"{problem.status}")
        details = f" {problem.details}" if problem.details else ""
        raise Refused(f"The job can't be retried: {problem.error}{details}") from problem
    _note(claimed["entry"], new_id, None)
    wake.worker()
    return str(new_id)


def _create(account_id: UUID, stored: object, job_id: UUID, new_id: UUID) -> None:
    request = models.convert(stored, TranscodeRequest)
    create.create(callers.in_the_name_of(account_id), request, job_id=new_id, retry_of=job_id)


def _note(entry: int, new_id: UUID | None, refused: str | None) -> None:
    """Add the outcome of the retry to the log entry; a refused retry can be repeated."""
    postgres.rows(
        """
        update app.operator_log
           set act = case when %(made)s::uuid is null then 'retry refused' else act end,
               detail = jsonb_strip_nulls(jsonb_build_object(
                 'made', %(made)s::uuid, 'refused', %(refused)s::text))
         where id = %(entry)s
        """,
        {"entry": entry, "made": new_id, "refused": refused},
    )


# The entry comes first, so that no retry goes without one, and none is done twice at once.
_CLAIM = """
    with job as (
      select j.id, j.account_id, j.status, j.request, a.suspended_at is not null as suspended
        from app.jobs j join app.accounts a on a.id = j.account_id where j.id = %(job)s
    ),
    logged as (
      insert into app.operator_log as l (who, act, account_id, job_id, reason)
      select %(who)s, 'retry', account_id, id, %(reason)s from job
       where status = 'failed' and not suspended
      on conflict (job_id) where act = 'retry' do update
        set at = now(), who = excluded.who, reason = excluded.reason
        where l.detail = '{}' and l.at < now() - make_interval(mins => %(stale)s)
      returning l.id
    )
    select job.*, logged.id as entry from job left join logged on true
"""
