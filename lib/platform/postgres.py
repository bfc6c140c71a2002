"""Postgres through a small pool: one statement is one round trip and one transaction.

psycopg is imported at the first use: it takes as long to import as Flask does.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lib.platform import limits
from lib.platform.database import statements
from lib.platform.once import once
from lib.platform.settings import project

if TYPE_CHECKING:
    import psycopg
    from psycopg.types.json import Jsonb

    from lib.platform.database.pool import Connection, Pool


class PostgresError(Exception):
    """The database refused or did not answer; the text is for logs, not for callers."""


class Unavailable(PostgresError):
    """The database is away, hangs or is overloaded: the same statement may work later."""


def rows(
    sql: str, parameters: Mapping[str, Any] | None = None, *, wait: float | None = None
) -> list[dict[str, Any]]:
    """Run one statement in a transaction of its own; its rows as dictionaries.

    A statement that selects no columns gives no rows. `wait` lowers the seconds that it may take
    in all, see `limits`. Raises PostgresError, Unavailable.
    """
    opened = pool()
    import psycopg

    def execute(connection: Connection) -> list[dict[str, Any]]:
        cursor = connection.execute(sql.encode(), parameters)
        # `description` would say the same, but builds an object for each column.
        result = cursor.pgresult
        return cursor.fetchall() if result and result.nfields else []

    allowed = limits.current()
    longest = float("inf") if wait is None else wait
    try:
        with statements.watched():
            return opened.run(
                execute, min(allowed.connect, longest), min(allowed.database, longest)
            )
    except psycopg.Error as error:
        raise _translated(error) from error


def stream(
    sql: str, parameters: Mapping[str, Any] | None = None, batch: int = 500
) -> Iterator[dict[str, Any]]:
    """The rows of one query, fetched in batches, for results that may be large.

    Each batch may take as long as a statement, see `limits`. Raises PostgresError, Unavailable.
    """
    opened = pool()
    import psycopg

    allowed = limits.current()
    try:
        with opened.connection(allowed.connect) as connection:
            connection.deadline = time.monotonic() + allowed.database
            with (
                connection.transaction(),  # a cursor lives in one; the pooler keeps it together
                connection.cursor("stream") as cursor,
            ):
                cursor.execute(sql.encode(), parameters)
                while fetched := cursor.fetchmany(batch):
                    yield from fetched
                    connection.deadline = time.monotonic() + allowed.database
    except psycopg.Error as error:
        statements.count(error)
        raise _translated(error) from error


def row(
    sql: str, parameters: Mapping[str, Any] | None = None, *, wait: float | None = None
) -> dict[str, Any] | None:
    """The first row of `rows`, or None."""
    result = rows(sql, parameters, wait=wait)
    return result[0] if result else None


def jsonb(value: object) -> Jsonb:
    """A parameter of type jsonb: plain values or msgspec structs."""
    from psycopg.types.json import Jsonb

    return Jsonb(value)


@once
def pool() -> Pool:
    """The process's pool; connections are opened when they are needed."""
    import msgspec
    from psycopg.types.json import set_json_dumps, set_json_loads

    from lib.platform.database.pool import Pool

    set_json_dumps(msgspec.json.encode)
    set_json_loads(msgspec.json.decode)
    opened = Pool(project().postgres_url)
    atexit.register(opened.close)
    return opened


def _translated(error: psycopg.Error) -> PostgresError:
    from lib.platform.database.pool import is_outage

    kind = Unavailable if is_outage(error) else PostgresError
    return kind(f"{type(error).__name__}: {error}")
