"""What is done behind the answer: a queue of tasks with leases, retries and keys.

Not pgmq, which has no keys: a mail is queued once a period, an erasure once an account, and a task
shows the outcome in one row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lib.platform import log, postgres

LEASE_SECONDS = 300
"""How long a task is left to whoever took it; longer than any one step of a task takes."""
MOST_TRIES = 12
"""With the waits between them, about two days."""
FIRST_WAIT_SECONDS = 30


@dataclass(frozen=True)
class Task:
    """A task in somebody's hands."""

    id: UUID
    kind: str
    account_id: UUID | None
    payload: dict[str, Any]
    attempt: int
    """Guards everything written of the task."""
    failures: int
    """Before this attempt."""


class GiveUp(Exception):
    """The task can't be done, now or later; the text is for the operator."""


class GoOn(Exception):
    """A step of the task is done and more is left: it is due again at once, or in `seconds`."""

    def __init__(self, seconds: float = 0) -> None:
        super().__init__()
        self.seconds = seconds


Handler = Callable[[Task], None]
"""Does a task, whole or a step (raising GoOn). Any other error lets it be tried again later."""


def add(
    kind: str,
    *,
    key: str | None = None,
    account_id: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Queue a task, due now or at a moment; nothing happens when its key was taken before."""
    postgres.rows(
        """
        select app.add_task(
          %(kind)s, %(key)s, %(account)s, %(payload)s, coalesce(%(due)s::timestamptz, now()))
        """,
        {
            "kind": kind,
            "key": key,
            "account": account_id,
            "payload": postgres.jsonb(dict(payload or {})),
            "due": due_at,
        },
    )


def become_mail(task: Task, template: str) -> None:
    """Replace a task by a mail to the address and name in its payload, if it has an address.

    The mail names no account, and its payload is deleted with it.
    """
    postgres.rows(
        """
        with gone as (
          delete from app.tasks where id = %(id)s and attempt = %(attempt)s
          returning payload ->> 'email' as email, payload ->> 'name' as name
        )
        select app.add_task('mail', null, null, jsonb_build_object(
                 'template', %(template)s::text, 'to', email,
                 'values', jsonb_build_object('name', name), 'forget', true))
          from gone where email is not null
        """,
        _mine(task) | {"template": template},
    )


def forget_old() -> None:
    """Delete tasks that ended 90 days ago, and what given-up mails said 7 days after their end."""
    postgres.rows(
        """
        with old as (
          delete from app.tasks where ended_at < now() - interval '90 days'
        )
        update app.tasks
           set payload = jsonb_strip_nulls(jsonb_build_object('template', payload -> 'template'))
         where ended_at between now() - interval '90 days' and now() - interval '7 days'
           and error is not null and payload - 'template' <> '{}'
        """
    )


def run(handlers: Mapping[str, Handler], seconds: float) -> dict[str, int]:
    """Do due tasks until there are none, for at most about `seconds`; how each came out."""
    end = time.monotonic() + seconds
    counts = {"done": 0, "again": 0, "given_up": 0}
    while time.monotonic() < end:
        task = _take(list(handlers))
        if task is None:
            break
        outcome = _do(task, handlers[task.kind])
        if outcome:
            counts[outcome] += 1
    return counts


def note(task: Task, payload: Mapping[str, Any]) -> bool:
    """Add to the payload of a task that we lease; False if we have lost the lease."""
    return bool(
        postgres.rows(
            f"update app.tasks set payload = payload || %(payload)s where {_MINE} returning 1",  # noqa: S608
            _mine(task) | {"payload": postgres.jsonb(dict(payload))},
        )
    )


def _do(task: Task, handler: Handler) -> str | None:
    try:
        handler(task)
    except GoOn as more:
        postgres.rows(
            f"""
            update app.tasks
               set due_at = now() + make_interval(secs => %(seconds)s), failures = 0, error = null
             where {_MINE}
            """,  # noqa: S608
            _mine(task) | {"seconds": more.seconds},
        )
        return None
    except GiveUp as error:
        _end(task, str(error))
        log.error("task given up", error, **_ids(task))
        return "given_up"
    except Exception as error:  # whatever it was, the task is tried again
        _log(task, error)
        if task.failures + 1 >= MOST_TRIES and task.kind != "erase":  # that is never given up
            _end(task, f"given up after {MOST_TRIES} tries: {_kind_of(error)}")
            return "given_up"
        _later(task, _kind_of(error))
        return "again"
    _end(task, None)
    log.info("task done", attempt=task.attempt, **_ids(task))
    return "done"


def _take(kinds: list[str]) -> Task | None:
    row = postgres.row(
        """
        with due as (
          select id from app.tasks
           where ended_at is null and due_at <= now() and kind = any(%(kinds)s)
           order by due_at limit 1 for update skip locked
        )
        update app.tasks t
           set due_at = now() + make_interval(secs => %(lease)s), attempt = t.attempt + 1
          from due where t.id = due.id
        returning t.id, t.kind, t.account_id, t.payload, t.attempt, t.failures
        """,
        {"kinds": kinds, "lease": LEASE_SECONDS},
    )
    return Task(**row) if row else None


def _end(task: Task, error: str | None) -> None:
    """What was given up keeps its payload for some days, so that the operator can retry it.

    Not one that says `forget`: whom it was about is gone already.
    """
    postgres.rows(
        f"""
        update app.tasks
           set ended_at = now(), error = %(error)s::text,
               payload = case when %(error)s::text is null or payload ? 'forget'
                 then jsonb_strip_nulls(jsonb_build_object('template', payload -> 'template'))
                 else payload end
         where {_MINE}
        """,  # noqa: S608
        _mine(task) | {"error": error},
    )


def _later(task: Task, error: str) -> None:
    postgres.rows(
        f"""
        update app.tasks
           set error = %(error)s, failures = failures + 1,
               due_at = now() + make_interval(secs => least(
                 21600, %(first)s * power(2, least(failures, 12))))
         where {_MINE}
        """,  # noqa: S608
        _mine(task) | {"error": error, "first": FIRST_WAIT_SECONDS},
    )


def _kind_of(error: Exception) -> str:
    """An error's kind alone: its text may hold an address."""
    return type(error).__name__


def _log(task: Task, error: Exception) -> None:
    log.error("task failed", error, failures=task.failures + 1, **_ids(task))


def _ids(task: Task) -> dict[str, Any]:
    """A task's ids, for the log."""
    return {"task_id": task.id, "kind": task.kind, "account_id": task.account_id}


def _mine(task: Task) -> dict[str, Any]:
    return {"id": task.id, "attempt": task.attempt}


_MINE = "id = %(id)s and attempt = %(attempt)s and ended_at is null"
