"""All that is held of an account, as one archive that its owner can take along (promise P9)."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from lib.files import addresses, links, records, retention
from lib.files.stores import storage
from lib.files.stores.storage import EXPORTS
from lib.media import scratch
from lib.outbox import mail, tasks
from lib.platform import postgres
from lib.platform.errors import UNAVAILABLE, Problem
from lib.platform.settings import settings
from lib.platform.times import stamp, stamp_or_none
from lib.privacy.inventory import LOGIN, TABLES

DAY = 86_400
MOST_A_DAY = 3
STORAGE_SECONDS = 60
"""How long the link lives that a followed one leads to."""
README = """All that this service holds of your account, made {at} (UTC).

everything.json  each table, with your rows of it; `login` is what the login holds
usage.csv        the ledger of your minutes
files.csv        your files that are there still; the links work until {until} or until the file is
                 deleted, whichever comes first
"""


class Export(msgspec.Struct):
    """An archive: asked for, ready, or deleted after its day; `none` when none was asked for."""

    id: str | None
    """The export's id; null if there is none."""
    status: Literal["none", "pending", "ready", "deleted", "failed"]
    """A failed one can be requested again."""
    created_at: str | None
    """When it was requested; null if there is none."""
    expires_at: str | None
    """When its archive is deleted; null until it is ready."""
    url: str | None
    """Good until `expires_at`, and for whoever has it."""


def ask(account_id: UUID) -> Export:
    """Begin an archive, or return the one in progress. Raises Problem 429 after three in a day."""
    row = postgres.row(
        """
        select number, under_way from app.ask_export(%(account)s, %(most)s)
        """,
        {"account": account_id, "most": MOST_A_DAY},
    )
    if row and not row["under_way"] and row["number"] >= MOST_A_DAY:
        raise Problem(
            "daily_limit",
            f"{MOST_A_DAY} exports were made within a day. Take the newest one, or wait until"
            " tomorrow.",
            headers={"Retry-After": str(DAY)},
        )
    return newest(account_id)


def newest(account_id: UUID) -> Export:
    """The account's newest archive, or that there is none."""
    row = postgres.row(
        f"""
        select {_COLUMNS} from app.files f
         where f.account_id = %(account)s and f.role = 'export'
         order by f.created_at desc limit 1
        """,  # noqa: S608 -- the texts are ours
        {"account": account_id},
    )
    if row is None:
        return Export(id=None, status="none", created_at=None, expires_at=None, url=None)
    deleted = row["stored"] and retention.expired(
        "The export", row["expires_at"], row["deleted_at"]
    )
    status: Literal["pending", "ready", "deleted", "failed"]
    if not row["stored"]:
        status = "pending" if row["under_way"] else "failed"
    else:
        status = "deleted" if deleted else "ready"
    return Export(
        id=str(row["id"]),
        status=status,
        created_at=stamp(row["created_at"]),
        expires_at=stamp_or_none(row["expires_at"]),
        url=_link(row["id"], row["expires_at"]) if status == "ready" else None,
    )


def make(task: tasks.Task) -> None:
    """The handler of `export` tasks: build the archive, store it, mail the link."""
    export_id, account_id = UUID(task.payload["export"]), task.account_id
    export = _open(export_id)
    if account_id is None or export is None:
        return  # the account is gone, or going
    size = None
    if not export["stored"]:
        with scratch.folder("export") as folder:
            path = folder / "export.zip"
            _write(path, account_id)
            size = path.stat().st_size
            storage.upload(EXPORTS, export["key"], path, export["content_type"])
    expires_at = records.store_export(export_id, size=size, seconds=DAY)
    if expires_at is None:  # the account was closed meanwhile
        storage.remove(EXPORTS, [export["key"]])
        return
    _tell(export_id, account_id, expires_at)


def _tell(export_id: UUID, account_id: UUID, until: datetime) -> None:
    """Mail the link, unless the account was closed just now: no task may outlive it."""
    values = {
        "url": _link(export_id, until),
        "until": f"{until.astimezone(UTC):%-d %B %Y %H:%M} UTC",
    }
    postgres.rows(
        f"""
        select app.add_task('mail', 'export_ready:' || f.id, %(account)s, %(mail)s)
          from app.files f where {_OPEN}
        """,  # noqa: S608
        {
            "id": export_id,
            "account": account_id,
            "mail": postgres.jsonb(mail.of("export_ready", values=values)),
        },
    )


def resolve(export_id: str, expires: str, signature: str) -> str:
    """Where a link leads. Raises Problem 404 for one that is forged or over, 503."""
    ours = links.is_ours("export", signature, export_id, expires)
    # We signed these values, so they are well formed.
    export = _open(UUID(export_id)) if ours else None
    if export is None or not export["stored"]:
        raise Problem("link_expired", "This link has expired. Request a new export.")
    refusal = retention.expired("The export", export["expires_at"], export["deleted_at"])
    if refusal:
        raise refusal
    seconds = retention.link_seconds(STORAGE_SECONDS, export["expires_at"])
    try:
        return storage.sign_download(EXPORTS, export["key"], seconds, export["filename"])
    except storage.StorageError as error:
        raise Problem("storage_unavailable", UNAVAILABLE) from error


def _open(export_id: UUID) -> dict[str, Any] | None:
    """The export, unless its account is closed."""
    return postgres.row(
        f"select {_COLUMNS} from app.files f where {_OPEN}",  # noqa: S608 -- the texts are ours
        {"id": export_id},
    )


def _write(path: Path, account_id: UUID) -> None:
    """Everything, in bounded memory."""
    now = time.time()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        days = {"at": _day(now), "until": _day(now + DAY)}
        archive.writestr("README.txt", README.format(**days))
        with archive.open("everything.json", "w", force_zip64=True) as file:
            file.write(b'{"login":')
            file.write(_json(postgres.row(LOGIN, {"account": account_id})))
            for table in TABLES:
                file.write(b',\n"%s":[' % table.name.encode())
                for number, row in enumerate(_rows(table.name, table.where, account_id)):
                    columns = {column: row[column] for column in table.exported.split()}
                    file.write((b",\n" if number else b"\n") + _json(columns))
                file.write(b"]")
            file.write(b"}\n")
        ledger = postgres.stream(
            "select at, kind, minutes, job_id, period from app.usage_ledger t"
            " where account_id = %(account)s order by id",
            {"account": account_id},
        )
        _csv(archive, "usage.csv", ("at", "kind", "minutes", "job_id", "period"), ledger)
        _csv(
            archive,
            "files.csv",
            ("file", "name", "bytes", "deleted_on", "link"),
            _files(account_id),
        )


def _rows(table: str, where: str, account_id: UUID) -> Iterator[dict[str, Any]]:
    """As JSON, which has a place for moments without end."""
    query = f"select to_jsonb(t) as row from app.{table} t where {where}"  # noqa: S608 -- ours
    for record in postgres.stream(query, {"account": account_id}):
        yield record["row"]


def _files(account_id: UUID) -> Iterator[dict[str, Any]]:
    """The files that are there still, each with a link that does not outlive it.

    The links are ours: Storage is not asked, however many there are.
    """
    until = datetime.now(UTC) + timedelta(seconds=DAY)
    for row in postgres.stream(_FILES, {"account": account_id}):
        address = addresses.parse(row["file"])
        if address is None or retention.expired("", row["expires_at"], None):
            continue
        yield {
            "file": row["file"],
            "name": row["name"],
            "bytes": row["bytes"],
            "deleted_on": stamp(row["expires_at"]),
            "link": links.file_link(address, min(until, row["expires_at"])),
        }


def _csv(
    archive: zipfile.ZipFile, name: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]
) -> None:
    with (
        archive.open(name, "w", force_zip64=True) as file,
        io.TextIOWrapper(file, "utf-8", newline="") as text,
    ):
        writer = csv.writer(text)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row[column]) for column in columns])


def _cell(value: object) -> str:
    """A value that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _link(export_id: UUID, expires_at: datetime) -> str:
    expires = str(int(expires_at.timestamp()))
    return (
        f"{settings().api_url}/v1/account/export/{export_id}/download"
        f"?expires={expires}&signature={links.sign('export', str(export_id), expires)}"
    )


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


_COLUMNS = """
    f.id, f.key, f.filename, f.content_type, f.created_at, f.confirmed_at is not null as stored,
    f.expires_at, f.deleted_at, exists (
      select from app.tasks t where t.key = 'export:' || f.id and t.ended_at is null)
        as under_way
"""

# An account that is closed gets nothing more, whatever links it has.
_OPEN = """
    f.id = %(id)s and f.role = 'export' and exists (
      select from app.accounts a where a.id = f.account_id and a.closed_at is null)
"""

_FILES = """
    select f.address as file, f.filename as name, f.size_bytes as bytes, f.expires_at
      from app.files f
     where f.account_id = %(account)s and f.role in ('upload', 'output')
       and f.confirmed_at is not null and f.deleted_at is null
"""
