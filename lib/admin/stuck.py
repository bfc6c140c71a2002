"""Work that does not go on by itself, what to do about it, and letting a task try again."""

from __future__ import annotations

from uuid import UUID

from lib.admin.output import Refused, Row
from lib.platform import postgres, wake
from lib.platform.settings import settings
from lib.telemetry.counters import ALIVE_SECONDS, SILENT_SECONDS

PENDING_MINUTES = 10
UNSERVED_SECONDS = 60
"""How long a job may wait while no worker is alive."""
OVERDUE_MINUTES = 60
"""The sweep comes once an hour where anything happens."""
GIVEN_UP_DAYS = 30
MOST = 200

ADVICE = {
    "job without a worker": "The next poll, worker or heal takes it up. If it stays here, cancel"
    " it.",
    "job of several attempts": "Look for its job_id in the log: why did the attempts before end?",
    "job that can not end": "Look for its job_id in the log: its end can't be written. Cancel it.",
    "job closed by force": "Its end could not be written, so it was failed uncharged. Look for its"
    " job_id in the log, repair the cause, then retry it.",
    "job waiting": "Check workers and slots with health; add workers if all slots are busy.",
    "job of a suspended account": "Suspend the account again: that cancels it.",
    "no worker": "Start a worker, or check WORKER_URL and the logs of the worker function.",
    "worker silent": "It ended while it held jobs, which others take up. If this repeats, look for"
    " out-of-memory kills and the platform's time limit.",
    "task failing": "It is tried again by itself. The error says what to repair.",
    "task given up": "Repair the cause, then retry-task.",
    "mail uncertain": "Ask the mail provider whether it left; if it did not, retry-task.",
    "upload overdue": "Check that Storage deletes files; the sweep tries again.",
    "output overdue": "Check that Storage deletes files; the sweep tries again.",
    "export overdue": "Check that Storage deletes files; the sweep tries again.",
    "account without a login": "Check the task erase of this account; retry-task if it was given"
    " up.",
    "retry cut short": "Run retry for this job again.",
}
"""What to do about each."""


def stuck() -> list[Row]:
    """What does not go on by itself, the oldest first, each with advice.

    Jobs: without a live lease, of several attempts, that can't be ended or were closed by force,
    waiting long or for an account that is suspended. Workers: none alive though jobs wait, or
    silent while they held jobs. Tasks that fail or were given up, files that are overdue, accounts
    without a login, operator's retries cut short.
    """
    rows = postgres.rows(
        _STUCK,
        {
            "pending": PENDING_MINUTES,
            "unserved": UNSERVED_SECONDS,
            "alive": ALIVE_SECONDS,
            "silent": SILENT_SECONDS,
            "attempts": settings().max_attempts,
            "overdue": OVERDUE_MINUTES,
            "given_up": GIVEN_UP_DAYS,
            "most": MOST,
        },
    )
    return [row | {"do": ADVICE[row["what"]]} for row in rows]


def retry_task(task_id: UUID, *, reason: str, who: str) -> None:
    """Retry a task that fails or was given up, at once. Raises Refused.

    A mail of which it is uncertain whether it left is sent, perhaps for the second time.
    """
    row = postgres.row(
        """
        with task as (
          select * from app.retry_task(%(id)s)
        ),
        logged as (
          insert into app.operator_log (who, act, account_id, reason, detail)
          select %(who)s, 'retry-task', account_id, %(reason)s,
                 jsonb_build_object('task', id, 'kind', kind) from task where retried
        )
        select retried as done from task
        """,
        {"id": task_id, "reason": reason, "who": who},
    )
    if row is None:
        raise Refused("There is no task with this id.")
    if not row["done"]:
        raise Refused("This task has not failed.")
    wake.tasks()


# The only place that reads a queue's own table: pgmq has no function that shows leases.
_STUCK = """
    select * from (
      select case when j.attempt > %(attempts)s then 'job that can not end'
                  when q.msg_id is null or q.vt < now() - interval '1 minute'
                    then 'job without a worker'
                  else 'job of several attempts' end as what,
             j.id::text as id, j.account_id as account,
             case when j.attempt > %(attempts)s then j.started_at
                  when q.msg_id is null or q.vt < now() - interval '1 minute'
                    then coalesce(q.vt, j.updated_at)
                  else j.started_at end as since,
             format('attempt %%s', j.attempt) as detail
        from app.jobs j left join app.leases l on l.job_id = j.id
        left join pgmq.q_jobs q on q.msg_id = l.ticket
       where j.status = 'processing'
         and (j.attempt > 1 or q.msg_id is null or q.vt < now() - interval '1 minute')
      union all
      select 'job closed by force', j.id::text, j.account_id, j.updated_at,
             format('attempt %%s', j.attempt)
        from app.jobs j
       where j.status = 'failed' and j.updated_at > now() - interval '1 day'
         and exists (select from app.job_events e
                      where e.job_id = j.id and e.kind = 'failed'
                        and e.detail ->> 'reason' = 'abandoned')
      union all
      select case when a.suspended_at is null then 'job waiting'
                  else 'job of a suspended account' end,
             j.id::text, j.account_id, j.created_at, format('turn %%s', j.turn)
        from app.jobs j join app.accounts a on a.id = j.account_id
       where j.status = 'pending'
         and (a.suspended_at is not null
              or j.created_at < now() - make_interval(mins => %(pending)s))
      union all
      (select 'no worker', j.id::text, j.account_id, j.created_at, 'the oldest job that waits'
         from app.jobs j
        where j.status = 'pending' and j.created_at < now() - make_interval(secs => %(unserved)s)
          and not exists (
            select from app.worker_heartbeats h
             where h.seen_at > now() - make_interval(secs => %(alive)s))
        order by j.turn, j.created_at, j.id limit 1)
      union all
      select 'worker silent', id::text, null, seen_at,
             format('%%s jobs held, %%s MB free, version %%s', leases,
                    free_disk_bytes / 1048576, version)
        from app.worker_heartbeats
       where leases > 0 and seen_at < now() - make_interval(secs => %(silent)s)
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
      select role || ' overdue', coalesce(job_id, id)::text, account_id, expires_at,
             format('%%s tries', sweep_tries)
        from app.files
       where deleted_at is null
         and expires_at < now() - make_interval(mins => %(overdue)s)
      union all
      select 'account without a login', id::text, id, closed_at, 'its data is still here'
        from app.accounts where closed_at < now() - interval '1 hour'
      union all
      select 'retry cut short', job_id::text, account_id, at, 'repeat it' from app.operator_log
       where act = 'retry' and detail = '{}' and at < now() - interval '5 minutes'
    ) all_of_it
     order by since limit %(most)s
"""
