"""Canceling a job that has not ended: the minutes go back at once, ffmpeg stops soon after."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lib.jobs.read import SHORT, parse_id, unknown_job
from lib.jobs.wire import Canceled, transcode
from lib.platform import log, postgres
from lib.platform.errors import bad_request

# A job's queue message is left alone: a worker that reads it finds the job ended.
_CANCEL = f"""
    with before as (
      select id, status, reserved_minutes as held from app.jobs
       where id = %(id)s and account_id = %(account)s for update
    ),
    canceled as (
      update app.jobs j
         set status = 'canceled', error_message = 'Job canceled by user', updated_at = now(),
             reserved_minutes = 0, billable_minutes = 0
        from before b
       where j.id = b.id and b.status in ('pending', 'processing')
      returning j.*, b.held
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select account_id, id, period, 'release', held from canceled
    ),
    usage as (
      update app.usage u set reserved_minutes = u.reserved_minutes - c.held
        from canceled c where u.account_id = c.account_id and u.period = c.period
    ),
    event as (
      insert into app.job_events (job_id, kind) select id, 'canceled' from canceled
    )
    select b.status as status_before, c.*,
           case when b.status = 'processing'
             then app.send_ticket_of_waiting(%(account)s::uuid) end as ticket
      from before b left join (select {SHORT} from canceled) c on true
"""  # noqa: S608 -- SHORT is ours


def cancel(account_id: UUID, job_id: str) -> Canceled:
    """Cancel the account's job. Raises Problem 400 when it has ended, 404."""
    row: dict[str, Any] | None = postgres.row(
        _CANCEL, {"id": parse_id(job_id), "account": account_id}
    )
    if row is None:
        raise unknown_job()
    if row["id"] is None:
        raise bad_request(f"Cannot cancel job in status: {row['status_before']}")
    log.info("job", job_id=row["id"], account_id=account_id, status="canceled")
    return Canceled(True, "Job cancelled successfully", transcode(row))
