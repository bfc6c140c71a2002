"""Postgres through a small pool: one statement is one round trip and one transaction.

psycopg is imported at the first use: it takes as long to import as Flask does.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lib.platform import statements
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow
    from psycopg.types.json import Jsonb
    from psycopg_pool import ConnectionPool

    Pool = ConnectionPool[psycopg.Connection[DictRow]]


class PostgresError(Exception):
    """The database refused or did not answer; the text is for logs, not for callers."""


def rows(
    sql: str, parameters: Mapping[str, Any] | None = None, *, wait: float | None = None
) -> list[dict[str, Any]]:
    """Run one statement in a transaction of its own; its rows as dictionaries.

    A statement that selects no columns gives no rows.

    `wait` are the seconds to wait for a connection, by default the pool's. Raises PostgresError.
    """
    opened = pool()
    import psycopg

    try:
        with statements.watched(), opened.connection(wait) as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        raise PostgresError(f"{type(error).__name__}: {error}") from error


def stream(
    sql: str, parameters: Mapping[str, Any] | None = None, batch: int = 500
) -> Iterator[dict[str, Any]]:
    """The rows of one query, fetched in batches, for results that may be large.

    Raises PostgresError.
    """
    opened = pool()
    import psycopg

    try:
        with (
            opened.connection() as connection,
            connection.transaction(),  # a cursor lives in one; the pooler keeps it together
            connection.cursor("stream") as cursor,
        ):
            cursor.itersize = batch
            yield from cursor.execute(sql.encode(), parameters)
    except psycopg.Error as error:
        statements.count(error)
        raise PostgresError(f"{type(error).__name__}: {error}") from error


def row(
    sql: str, parameters: Mapping[str, Any] | None = None, *, wait: float | None = None
) -> dict[str, Any] | None:
    """The first row of `rows`, or None."""
    found = rows(sql, parameters, wait=wait)
    return found[0] if found else None


def jsonb(value: object) -> Jsonb:
    """A parameter of type jsonb: plain values or msgspec structs."""
    from psycopg.types.json import Jsonb

    return Jsonb(value)


@once
def pool() -> Pool:
    """The process's pool, opened at first use.

    Supabase's transaction pooler gives each transaction another connection, so nothing is
    prepared; autocommit makes a statement one round trip.
    """
    import msgspec
    import psycopg
    from psycopg.rows import DictRow, dict_row
    from psycopg.types.json import set_json_dumps, set_json_loads
    from psycopg_pool import ConnectionPool

    set_json_dumps(msgspec.json.encode)
    set_json_loads(msgspec.json.decode)
    return ConnectionPool(
        settings().postgres_url,
        connection_class=psycopg.Connection[DictRow],
        kwargs={"autocommit": True, "prepare_threshold": None, "row_factory": dict_row},
        min_size=0,
        max_size=16,
        max_idle=120,
        timeout=15,
        check=_check_alive,
        open=True,
    )


def _check_alive(connection: psycopg.Connection[DictRow]) -> None:
    """Notice a connection that the server closed while it lay idle, without a round trip."""
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    if readable:
        import psycopg

        connection.close()  # otherwise the pool keeps it and hands it out again
        raise psycopg.OperationalError("the server closed the idle connection")
