"""Work that does not go on by itself, and letting a task try again."""

from __future__ import annotations

from uuid import UUID

from lib.admin.shown import Refused, Row
from lib.platform import postgres, wake

PENDING_MINUTES = 10
OVERDUE_MINUTES = 60
"""The sweep comes once an hour where anything happens."""
GIVEN_UP_DAYS = 30
MOST = 200


def stuck() -> list[Row]:
    """Jobs without a living lease or waiting long, tasks that fail or were given up, files that
    should be gone, accounts whose login is gone, retries cut short: the oldest first."""
    return postgres.rows(
        _STUCK,
        {
            "pending": PENDING_MINUTES,
            "overdue": OVERDUE_MINUTES,
            "given_up": GIVEN_UP_DAYS,
            "most": MOST,
        },
    )


def retry_task(task_id: UUID, *, reason: str, who: str) -> None:
    """Let a task that fails or was given up be tried anew, at once. Raises Refused.

    A mail of which it is uncertain whether it left is sent, perhaps for the second time.
    """
    row = postgres.row(
        """
        with before as (
          select id, ended_at, error from app.tasks where id = %(id)s for update
        ),
        again as (
          update app.tasks t
             set ended_at = null, error = null, failures = 0, due_at = now(),
                 payload = t.payload - 'may_have_left'
            from before b where t.id = b.id and b.error is not null
          returning t.id, t.kind, t.account_id
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, reason, detail)
          select %(who)s, 'retry-task', account_id, %(reason)s,
                 jsonb_build_object('task', id, 'kind', kind) from again
        )
        select exists (select from again) as done from before
        """,
        {"id": task_id, "reason": reason, "who": who},
    )
    if row is None:
        raise Refused("There is no task with this id.")
    if not row["done"]:
        raise Refused("This task has not failed.")
    wake.tasks()


# The one place that reads a queue's own table: pgmq has no function that shows leases.
_STUCK = """
    select * from (
      select 'job without a worker' as what, j.id::text as id, j.account_id as account,
             coalesce(q.vt, j.updated_at) as since,
             format('attempt %%s', j.attempt) as detail
        from app.jobs j left join pgmq.q_jobs q on q.msg_id = j.message_id
       where j.status = 'processing' and j.message_id is not null
         and (q.msg_id is null or q.vt < now() - interval '1 minute')
      union all
      select 'job waiting', id::text, account_id, created_at, format('turn %%s', turn)
        from app.jobs
       where status = 'pending' and created_at < now() - make_interval(mins => %(pending)s)
      union all
      select 'task failing', id::text, account_id, created_at,
             format('%%s, %%s failures: %%s', kind, failures, error)
        from app.tasks where ended_at is null and failures > 0
      union all
      select case when error like 'uncertain:%%' then 'mail uncertain' else 'task given up' end,
             id::text, account_id, ended_at, format('%%s: %%s', kind, error)
        from app.tasks
       where error is not null and ended_at > now() - make_interval(days => %(given_up)s)
      union all
      select 'upload overdue', id::text, account_id, expires_at,
             format('%%s tries', sweep_tries)
        from app.uploads
       where deleted_at is null
         and expires_at < now() - make_interval(mins => %(overdue)s)
      union all
      select 'outputs overdue', id::text, account_id, files_expire_at,
             format('%%s tries', sweep_tries)
        from app.jobs
       where files_deleted_at is null
         and files_expire_at < now() - make_interval(mins => %(overdue)s)
      union all
      select 'account without a login', id::text, id, closed_at, 'its data is still here'
        from app.accounts where closed_at < now() - interval '1 hour'
      union all
      select 'retry cut short', job_id::text, account_id, at, 'repeat it' from app.operator_log
       where act = 'retry' and detail = '{}' and at < now() - interval '5 minutes'
    ) all_of_it
     order by since limit %(most)s
"""
