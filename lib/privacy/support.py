"""Messages to the operator (promise P12): stored, and mailed to the support address."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

import msgspec

from lib.files.job_id import unknown_job
from lib.outbox import mail
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.mail import possible
from lib.platform.settings import settings
from lib.platform.times import stamp

MOST_A_DAY = 20
"""Messages of one writer, told by account or address."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]


class Letter(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody writes."""

    message: Text
    """What you want to tell us."""
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    """Where to answer to; needed without a credential, and not taken with one."""
    subject: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """What it is about."""
    job_id: UUID | None = None
    """The job it is about, if any."""


class Received(msgspec.Struct):
    """A message that was stored."""

    id: str
    """The message's id."""
    received_at: str
    """When we received it, ISO 8601."""


def receive(letter: Letter, account_id: UUID | None) -> Received:
    """Store a message and queue its mail. Raises Problem 400, 404 for a job of another, 429.

    The answer goes to the account's address, or without an account to `letter.email`.
    """
    message = written(letter.message)
    email = None if account_id else _address(letter.email)
    new_id = uuid4()
    values = {
        "id": str(new_id),
        "account": str(account_id) if account_id else None,
        "subject": letter.subject,
        "job": str(letter.job_id) if letter.job_id else None,
        "message": message,
    }
    row = postgres.row(
        _RECEIVE,
        {
            "id": new_id,
            "account": account_id,
            "email": email,
            "subject": letter.subject,
            "message": message,
            "job": letter.job_id,
            "most": MOST_A_DAY,
            "mail": postgres.jsonb(mail.of("support", to=settings().support_email, values=values)),
        },
    )
    if row is None or not row["job_is_own"]:
        raise unknown_job()
    if row["at"] is None:
        raise Problem(
            "daily_limit",
            f"{MOST_A_DAY} messages a day are taken of one writer. We have yours; wait for our"
            " answer.",
            headers={"Retry-After": "3600"},
        )
    return Received(str(new_id), stamp(row["at"]))


_RECEIVE = """
    with writer as (
      select a.id, coalesce(a.email, '') as email,
             %(job)s::uuid is null or exists (
               select from app.jobs j
                where j.id = %(job)s and j.account_id = a.id) as job_is_own
        from app.accounts a where a.id = %(account)s
      union all
      select null::uuid, %(email)s::text, true where %(account)s::uuid is null
    ),
    stored as (
      insert into app.support_messages (id, account_id, email, subject, message, job_id)
      select %(id)s, w.id, w.email, %(subject)s, %(message)s, %(job)s from writer w
       where w.job_is_own and (
         select count(*) from app.support_messages m
          where m.at > now() - interval '1 day'
            and (m.account_id = w.id or w.id is null and lower(m.email) = lower(w.email))
         ) < %(most)s
      returning at, email
    ),
    mailed as (
      select app.add_task('mail', 'support:' || %(id)s::text, %(account)s,
               jsonb_set(%(mail)s, '{values,email}', to_jsonb(email))
                 || jsonb_build_object('reply_to', nullif(email, '')))
        from stored
    )
    select w.job_is_own, s.at, (select count(*) from mailed) as mails
      from writer w left join stored s on true
"""


def written(message: str) -> str:
    """A message without the blanks around it. Raises Problem 400 for one that has nothing else."""
    if not message.strip():
        raise Problem("invalid_request", "`message` is empty. Say what you want to tell us.")
    return message.strip()


def _address(email: str | None) -> str:
    if not email:
        raise Problem(
            "invalid_request", "`email` is missing. Without signing in, say where to answer to."
        )
    if not possible(email):
        raise Problem("invalid_request", "`email` must be an address that mail can be sent to.")
    return email
