"""An account as its owner sees and changes it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec

from lib import models
from lib.files.retention import Retention, RetentionHours, choose, retention_hours
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.supabase import auth
from lib.platform.times import stamp, stamp_or_none
from lib.usage.plan_limits import limited


class AcceptedPolicy(msgspec.Struct):
    """A policy that was accepted."""

    version: str
    """The policy's version."""
    accepted_at: str
    """When you accepted it, ISO 8601."""


class PlanShown(msgspec.Struct):
    """A plan, its price a month and its limits."""

    id: str
    """The plan's id."""
    name: str
    """The plan's name."""
    price_cents: int
    """Price of a month, in cents; 0 for free plans."""
    minutes_per_month: int
    """Minutes of media included each month."""
    max_input_bytes: int
    """The largest input file, in bytes."""
    max_output_bytes: int
    """The largest output file, in bytes."""
    max_job_seconds: int
    """The longest time that a job may run, in seconds."""
    jobs_at_once: int
    """How many jobs run at the same time."""
    requests_per_minute: int
    """Requests of the account a minute."""


class Account(msgspec.Struct):
    """An account."""

    id: str
    """The account's id."""
    email: str | None
    """The email address; null for trial accounts."""
    name: str | None
    """The name; null if none was given."""
    created_at: str
    """When the account was created, ISO 8601."""
    over_13_confirmed_at: str | None
    """When you confirmed to be 13 or older; null if you did not."""
    plan: PlanShown
    """The plan and its limits."""
    retention: RetentionHours
    """How long files are kept."""
    policies: list[AcceptedPolicy]
    """The policies that you accepted."""


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What to change."""

    name: Annotated[str, msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    """The new name."""
    email: (
        Annotated[str, msgspec.Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    """The new address; it counts once the links in both mails were followed."""
    retention: Retention | msgspec.UnsetType = msgspec.UNSET
    """How long files are kept."""


class Changed(msgspec.Struct):
    """The account after a change."""

    account: Account
    """The account as it is now."""
    email_pending: str | None
    """The new address, until the links that were mailed are followed."""


def get(account_id: UUID) -> Account:
    """The account."""
    row = postgres.row(
        """
        select a.*, to_jsonb(p) as plan,
               (select coalesce(jsonb_agg(jsonb_build_object(
                          'version', x.version, 'accepted_at', x.accepted_at)
                          order by x.accepted_at), '[]')
                  from app.policy_acceptances x where x.account_id = a.id) as policies
          from app.accounts a join app.plans p on p.id = a.plan_id
         where a.id = %(account)s
        """,
        {"account": account_id},
    )
    if row is None:
        raise Problem("account_not_found", "This account is gone.")
    return _account(row)


def change(account_id: UUID, request: Change, token: str | None) -> Changed:
    """Correct name and address, choose how long files are kept.

    Raises Problem 400; 403 for an address without the `token` of a session. A new address counts
    once the links that Auth mails, to the old one and the new, are followed.
    """
    pending = None
    if request.email is not msgspec.UNSET:
        if token is None:
            raise Problem(
                "session_required",
                "A new email address needs a signed-in person, not an API key. Sign in and send"
                " the session's access token.",
            )
        try:
            auth.change_email(token, request.email)
        except auth.AuthRefused as error:
            raise Problem(
                "email_not_changed", "The address was not changed.", str(error)
            ) from error
        pending = request.email
    if request.retention is not msgspec.UNSET:
        choose(account_id, request.retention)
    if request.name is not msgspec.UNSET:
        if not request.name.strip():
            raise Problem("invalid_request", "`name` must not be empty.")
        postgres.rows(
            "update app.accounts set name = %(name)s where id = %(account)s",
            {"name": request.name.strip(), "account": account_id},
        )
    return Changed(get(account_id), pending)


def _account(row: dict[str, Any]) -> Account:
    return Account(
        id=str(row["id"]),
        email=row["email"],
        name=row["name"],
        created_at=stamp(row["created_at"]),
        over_13_confirmed_at=stamp_or_none(row["over_13_at"]),
        plan=models.convert(limited(row["plan"]), PlanShown),
        retention=retention_hours(row),
        policies=[
            AcceptedPolicy(each["version"], stamp(_moment(each["accepted_at"])))
            for each in row["policies"]
        ],
    )


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def end_sessions(account_id: UUID) -> None:
    """Take no access token of the account any more that was issued before now."""
    postgres.rows(
        "update app.accounts set sessions_ended_at = now() where id = %(id)s", {"id": account_id}
    )
