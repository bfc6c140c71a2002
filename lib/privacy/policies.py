"""Versions of the privacy policy and terms (promise P11): published, told to all, accepted."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from lib.outbox import mail, tasks
from lib.outbox.tasks import GoOn, Task
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.times import stamp

BATCH = 500
"""Accounts whose mails are queued in one step."""
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,49}")
MAX_SUMMARY = 2000
ANNOUNCE = "announce"
"""The kind of task that tells all accounts of a version."""


class Policy(msgspec.Struct):
    """A version of the policies."""

    version: str
    """The version."""
    published_at: str
    """When it was published, ISO 8601."""
    summary: str
    """What is new in it."""


class Policies(msgspec.Struct):
    """All versions, newest first."""

    current: str | None
    """The version that counts now."""
    items: list[Policy]
    """The versions, newest first."""


class Acceptance(msgspec.Struct):
    """A version that the caller accepted, and when first."""

    version: str
    """The version."""
    accepted_at: str
    """When you accepted it, ISO 8601."""


def listed() -> Policies:
    """All versions there were."""
    rows = postgres.rows(
        "select version, published_at, summary from app.policies"
        " order by published_at desc, version desc"
    )
    items = [Policy(row["version"], stamp(row["published_at"]), row["summary"]) for row in rows]
    return Policies(items[0].version if items else None, items)


def accept(account_id: UUID, version: str) -> Acceptance:
    """Record that an account accepts a version; the first time counts. Raises Problem 404."""
    row = postgres.row(
        """
        insert into app.policy_acceptances as a (account_id, version)
        select %(account)s, version from app.policies where version = %(version)s
        on conflict (account_id, version) do update set accepted_at = a.accepted_at
        returning accepted_at
        """,
        {"account": account_id, "version": version},
    )
    if row is None:
        raise Problem(
            "policy_not_found", "There is no policy of this version. GET /v1/policies lists them."
        )
    return Acceptance(version, stamp(row["accepted_at"]))


def publish(version: str, summary: str, who: str) -> bool:
    """Publish a version and have every account told; False when it was published before.

    `version` matches VERSION; `summary` says in at most MAX_SUMMARY letters what is new.
    """
    row = postgres.row(
        """
        with published as (
          insert into app.policies (version, summary) values (%(version)s, %(summary)s)
          on conflict (version) do nothing
          returning version
        ),
        announced as (
          select app.add_task(%(kind)s, 'announce:' || version, null,
                   jsonb_build_object('version', version))
            from published
        ),
        logged as (
          insert into app.operator_log (who, act, detail)
          select %(who)s, 'publish-policy', jsonb_build_object('version', version) from published
        )
        select exists (select from published) as done, (select count(*) from announced) as tasks
        """,
        {"version": version, "summary": summary, "who": who, "kind": ANNOUNCE},
    )
    return bool(row and row["done"])


def announce(task: Task, batch: int = BATCH) -> None:
    """Queue one mail for each account, a batch at a time: a task's handler. Raises GoOn.

    The payload has the version, and the last account whose mail is queued. What is done again
    after a fall makes no second mail, since each has a key. Who opened an account, or accepted,
    since the version was published knows it.
    """
    version = task.payload["version"]
    row = postgres.row(
        """
        with policy as (select * from app.policies where version = %(version)s),
        batch as (
          select id, email, closed_at from app.accounts
           where %(after)s::uuid is null or id > %(after)s
           order by id limit %(batch)s
        ),
        queued as (
          select app.add_task('mail', format('policy:%%s:%%s', p.version, b.id), b.id,
                   jsonb_set(%(mail)s, '{values}', jsonb_build_object(
                     'version', p.version, 'summary', p.summary,
                     'date', to_char(p.published_at at time zone 'utc', 'FMDD FMMonth YYYY'))))
            from batch b, policy p
           where b.email is not null and b.closed_at is null
             and not exists (select from app.policy_acceptances a
                              where a.account_id = b.id and a.version = p.version)
        )
        select (array_agg(id order by id desc))[1] as last, count(*) as number,
               (select count(*) from queued) as mails
          from batch
        """,
        {
            "version": version,
            "after": task.payload.get("after"),
            "batch": batch,
            "mail": postgres.jsonb(mail.of("policy_changed")),
        },
    )
    if row is not None and row["number"] == batch:
        tasks.note(task, {"after": str(row["last"])})
        raise GoOn
