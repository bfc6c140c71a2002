"""Deleting an account and all that is held of it (promise P8), in steps that survive a stop.

From the first statement on, requests of the account are refused. A task does the rest in steps that
are safe to repeat. What it needs to tell the person at the end is in the task, and goes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from lib.billing import subscriptions
from lib.files.stores import storage
from lib.files.stores.storage import BUCKETS
from lib.jobs import cancel
from lib.outbox import tasks
from lib.platform import postgres, wake
from lib.platform.errors import Problem
from lib.platform.settings import settings
from lib.platform.supabase import auth, tokens
from lib.telemetry import counters

FRESH = timedelta(minutes=10)
"""How long a sign-in counts as proof of who is there."""
ATTEMPTS_PER_MINUTE = 5
BATCH = 200
MOST_FILES = 5000
"""Of a bucket, in one step; also rows of a table."""
MOST_WAITS = 20
"""How often a worker that holds a job is waited for, one lease each."""


class Erasure(msgspec.Struct, forbid_unknown_fields=True):
    """The password, unless one has just signed in."""

    password: str | None = None
    """Your password; not needed within ten minutes of signing in."""


class Erasing(msgspec.Struct):
    """What happens now."""

    status: Literal["deleting"]
    """Always `deleting`."""
    message: str
    """A sentence that says what happens next."""


def begin(account_id: UUID, request: Erasure, token: str) -> Erasing:
    """Close the account at once and have it erased.

    Raises Problem 403 without the right password or a sign-in of the last ten minutes, 429, 503.
    """
    row = postgres.row("select email, name from app.accounts where id = %(id)s", {"id": account_id})
    if row is None:
        raise Problem("account_not_found", "This account is gone.")
    if request.password is not None:
        if not row["email"] or not auth.right_password(row["email"], request.password):
            raise Problem("wrong_password", "This is not the password. Nothing was deleted.")
    elif not _fresh(token):
        raise Problem(
            "recent_login_required",
            "Send your `password`, or sign in again first: the sign-in must be of the last ten"
            " minutes. Nothing was deleted.",
        )
    postgres.rows(
        """
        with closed as (
          update app.accounts set closed_at = coalesce(closed_at, now()) where id = %(id)s
        )
        select app.add_task('erase', 'erase:' || %(id)s::uuid, %(id)s, %(payload)s)
        """,
        {
            "id": account_id,
            "payload": postgres.jsonb({"email": row["email"], "name": row["name"]}),
        },
    )
    return Erasing(
        "deleting",
        "The account is closed. Its jobs, subscription, files, keys and data are deleted now; a"
        " mail confirms it.",
    )


def step(task: tasks.Task) -> None:
    """The handler of `erase` tasks: the next step. Raises tasks.GoOn until all are done."""
    number = int(task.payload.get("step", 0))
    account_id = task.account_id
    if account_id is None or number >= len(STEPS):
        return
    STEPS[number](task, account_id)
    tasks.note(task, {"step": number + 1, "waits": 0})
    raise tasks.GoOn


def _cancel_jobs(task: tasks.Task, account_id: UUID) -> None:
    cancel.cancel_all(account_id, "The account was deleted.", "account_deleted")


def _end_subscription(task: tasks.Task, account_id: UUID) -> None:
    subscriptions.end_for_good(account_id)


def _wait_for_workers(task: tasks.Task, account_id: UUID) -> None:
    """Let workers notice that their jobs are canceled, and clean up after them."""
    lease = postgres.row(
        "select 1 from app.leases l join app.jobs j on j.id = l.job_id"
        " where j.account_id = %(account)s limit 1",
        {"account": account_id},
    )
    waits = int(task.payload.get("waits", 0))
    if lease is not None and waits < MOST_WAITS:
        wake.worker()
        tasks.note(task, {"waits": waits + 1})
        raise tasks.GoOn(settings().lease_seconds / 2)


def _delete_files(task: tasks.Task, account_id: UUID) -> None:
    for bucket in BUCKETS:
        names = storage.folder(bucket, f"{account_id}/")
        for start in range(0, min(len(names), MOST_FILES), BATCH):
            storage.remove(bucket, names[start : start + BATCH])
        if len(names) > MOST_FILES:
            raise tasks.GoOn


def _forget_addresses(task: tasks.Task, account_id: UUID) -> None:
    postgres.rows("select app.forget_addresses(%(account)s)", {"account": account_id})


def _delete_login(task: tasks.Task, account_id: UUID) -> None:
    auth.delete_user(account_id)


def _delete_rows(task: tasks.Task, account_id: UUID) -> None:
    if not counters.advance():  # what was done counts, though its rows go
        raise tasks.GoOn
    row = postgres.row(
        "select app.erase_account(%(account)s, %(email)s, %(batch)s) as more",
        {"account": account_id, "email": task.payload.get("email"), "batch": MOST_FILES},
    )
    if row and row["more"]:
        raise tasks.GoOn


def _confirm(task: tasks.Task, account_id: UUID) -> None:
    """The last trace, this task, becomes the mail that confirms."""
    tasks.become_mail(task, "account_deleted")


STEPS: tuple[Callable[[tasks.Task, UUID], None], ...] = (
    _cancel_jobs,
    _end_subscription,
    _delete_files,
    _wait_for_workers,
    _delete_files,
    _forget_addresses,
    _delete_login,
    _delete_rows,
    _confirm,
)


def _fresh(token: str) -> bool:
    try:
        at = tokens.signed_in_at(token)
    except tokens.TokenRefused:
        return False
    return at is not None and datetime.now(UTC) - at < FRESH
