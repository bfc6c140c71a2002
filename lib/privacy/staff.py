"""The only way for the operator to a user's files (promise P5).

It needs an open report by the job's owner, or a legal reference; it ends by itself; the owner is
mailed, and sees each access. A test holds that nothing else of the operator's makes a link.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from lib.files import addresses, retention
from lib.files.stores import storage
from lib.jobs import admission
from lib.outbox import mail
from lib.platform import postgres
from lib.platform.errors import UNAVAILABLE
from lib.platform.times import stamp

MOST_MINUTES = 24 * 60


class Refused(Exception):
    """The files can't be opened; the sentence says why."""


class OpenedFile(NamedTuple):
    """A file of the job."""

    file: str
    """Its gs:// address."""
    link: str | None
    """Signed; None for a file that is gone."""
    until: datetime | None
    deleted: str | None
    """When it was deleted, as a sentence."""


class Access(msgspec.Struct):
    """One access of the operator's staff to files of the account."""

    at: str
    """When the files were accessed, ISO 8601."""
    who: str
    """Who accessed them."""
    job_id: str
    """The job whose files they are."""
    reason: str
    """Why they were accessed."""
    legal_reference: str | None
    """What the law required it for; null when you had reported the job."""
    until: str
    """When the links ended, at the latest."""
    files: list[str]
    """Their gs:// addresses."""


class Accesses(msgspec.Struct):
    """All of them, newest first."""

    items: list[Access]
    """The accesses, newest first."""


def open(
    job_id: UUID, *, reason: str, minutes: int, who: str, legal_reference: str | None = None
) -> list[OpenedFile]:
    """Links to a job's inputs and outputs, for some minutes and no longer than each file lives.

    The access is recorded, logged and mailed to the owner in the statement that permits it, before
    there is a link. Raises Refused.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise Refused(f"Files are opened for 1 to {MOST_MINUTES} minutes.")
    if not reason.strip():
        raise Refused("Say for what reason the files are opened: their owner reads it.")
    addresses_of_files = _files(job_id)
    row = postgres.row(
        _PERMIT,
        {
            "job": job_id,
            "files": addresses_of_files,
            "reason": reason.strip(),
            "legal": (legal_reference or "").strip() or None,
            "minutes": minutes,
            "who": who,
            "mail": postgres.jsonb(mail.of("staff_access")),
        },
    )
    if row is None:
        raise _unknown()
    if not row["permitted"]:
        raise Refused(
            "The owner has not reported this job, or the report is closed. Its files can only be"
            " opened with the reference of what the law requires: --legal-reference."
        )
    files = [_with_moments(each) for each in row["files"]]
    if row["until"] is None:
        sentences = [sentence for each in files if (sentence := _deletion(each))]
        raise Refused(" ".join(sentences) or "This job has no files here.")
    try:
        return [_opened(each, row["until"]) for each in files]
    except storage.StorageError as error:
        raise Refused(f"{UNAVAILABLE} The access is recorded nevertheless.") from error


def accesses(account_id: UUID) -> Accesses:
    """Every time that files of the account were opened."""
    rows = postgres.rows(
        "select * from app.staff_accesses where account_id = %(account)s order by at desc, id desc",
        {"account": account_id},
    )
    return Accesses(
        [
            Access(
                at=stamp(row["at"]),
                who=row["who"],
                job_id=str(row["job_id"]),
                reason=row["reason"],
                legal_reference=row["legal_reference"],
                until=stamp(row["until"]),
                files=row["files"],
            )
            for row in rows
        ]
    )


def _files(job_id: UUID) -> list[str]:
    """The addresses that a job names and of its outputs. Raises Refused for no job."""
    row = postgres.row(
        """
        select j.request, j.inputs, array(
                 select f.address from app.files f where f.job_id = j.id) as outputs
          from app.jobs j where j.id = %(id)s
        """,
        {"id": job_id},
    )
    if row is None:
        raise _unknown()
    inputs = [each["url"] for each in row["inputs"]]
    return [*inputs, *row["outputs"], *admission.option_files(row["request"])]


def _opened(file: dict[str, Any], until: datetime) -> OpenedFile:
    """Raises StorageError."""
    deleted = _deletion(file)
    address = addresses.parse(file["url"])
    if deleted or address is None:
        return OpenedFile(file["url"], None, None, deleted)
    end = min(until, file["expires_at"] or until)
    left = int((until - datetime.now(UTC)).total_seconds())
    seconds = retention.link_seconds(left, file["expires_at"])
    try:
        link = storage.sign_download(*address, seconds, address.filename)
    except storage.Missing:
        return OpenedFile(file["url"], None, None, "It is not in Storage.")
    return OpenedFile(file["url"], link, end, None)


def _deletion(file: dict[str, Any]) -> str | None:
    problem = retention.expired("The file", file["expires_at"], file["deleted_at"])
    return problem.error if problem else None


def _with_moments(file: dict[str, Any]) -> dict[str, Any]:
    """JSON has no moments."""
    for name in ("expires_at", "deleted_at"):
        file[name] = datetime.fromisoformat(file[name]) if file[name] else None
    return file


def _unknown() -> Refused:
    return Refused("There is no job with this id.")


# Nothing is permitted that this does not record.
_PERMIT = """
    with job as (
      select j.id, j.account_id, a.email,
             %(legal)s::text is not null or exists (
               select from app.reports r
                where r.job_id = j.id and r.account_id = j.account_id and r.closed_at is null
             ) as permitted
        from app.jobs j join app.accounts a on a.id = j.account_id where j.id = %(job)s
    ),
    files as (
      select f.address as url, f.expires_at, f.deleted_at
        from job join app.files f on f.account_id = job.account_id
       where f.address = any(%(files)s::text[])
    ),
    there as (
      select array_agg(url order by url) as files from files
       where deleted_at is null and (expires_at is null or expires_at > now())
    ),
    access as (
      insert into app.staff_accesses
        (who, account_id, job_id, reason, legal_reference, until, files)
      select %(who)s, job.account_id, job.id, %(reason)s, %(legal)s,
             now() + make_interval(mins => %(minutes)s), there.files
        from job, there where job.permitted and there.files is not null
      returning *
    ),
    logged as (
      insert into app.operator_log (who, act, account_id, job_id, reason, detail)
      select who, 'open-files', account_id, job_id, reason, jsonb_strip_nulls(jsonb_build_object(
               'access', id, 'minutes', %(minutes)s::integer, 'files', cardinality(files),
               'legal_reference', legal_reference))
        from access
    ),
    mailed as (
      select app.add_task('mail', 'staff_access:' || x.id, x.account_id,
               jsonb_set(%(mail)s, '{values}', jsonb_build_object(
                 'at', to_char(x.at at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"'),
                 'until', to_char(x.until at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"'),
                 'job', x.job_id, 'reason', x.reason, 'legal_reference', x.legal_reference)))
        from access x, job where job.email is not null
    )
    select job.permitted, access.until,
           (select coalesce(jsonb_agg(to_jsonb(f) order by f.url), '[]') from files f) as files,
           (select count(*) from mailed) as mails
      from job left join access on true
"""
