"""Postgres through a small pool: one statement is one round trip and one transaction.

psycopg is imported at the first use: it takes as long to import as Flask does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lib.platform import limits, tally
from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    import psycopg
    from psycopg.types.json import Jsonb

    from lib.platform.pool import Connection, Pool


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
        return cursor.fetchall() if cursor.description else []

    allowed = limits.current()
    longest = float("inf") if wait is None else wait
    try:
        return opened.run(execute, min(allowed.connect, longest), min(allowed.database, longest))
    except psycopg.Error as error:
        _count(error)
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
        _count(error)
        raise _translated(error) from error


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


def statistics() -> dict[str, int]:
    """What the pool counted since the last call: requests, queued ones, errors, connections."""
    counted = pool().pop_stats()
    return {name: counted[name] for name in _STATISTICS if counted.get(name)}


def measures() -> dict[str, int]:
    """The state of the pool now: its connections, those that are free, calls waiting for one."""
    now = pool().get_stats()
    return {
        "connections": now.get("pool_size", 0),
        "available": now.get("pool_available", 0),
        "waiting": now.get("requests_waiting", 0),
    }


_STATISTICS = (
    "requests_num",
    "requests_queued",
    "requests_wait_ms",
    "requests_errors",
    "connections_num",
    "connections_errors",
    "connections_lost",
)


def _count(error: psycopg.Error) -> None:
    """Count an error of the connection or the server; a statement's own faults are not counted."""
    code = error.sqlstate or ""
    if type(error).__name__ in ("PoolTimeout", "TooManyRequests"):
        tally.add("database_errors", kind="pool_timeout")
    elif type(error).__name__ == "TimedOut":
        tally.add("database_errors", kind="statement_timeout")
    elif not code:
        tally.add("database_errors", kind="connection")
    elif code == "57014":
        tally.add("database_errors", kind="statement_timeout")
    elif code.startswith(("08", "53", "57", "58", "XX")):
        tally.add("database_errors", kind="server")
    elif code.startswith("40"):
        tally.add("database_errors", kind="deadlock")


@once
def pool() -> Pool:
    """The process's pool; connections are opened when they are needed."""
    import msgspec
    from psycopg.types.json import set_json_dumps, set_json_loads

    from lib.platform.pool import Pool

    set_json_dumps(msgspec.json.encode)
    set_json_loads(msgspec.json.decode)
    return Pool(settings().postgres_url)


def _translated(error: psycopg.Error) -> PostgresError:
    from lib.platform.pool import is_outage

    kind = Unavailable if is_outage(error) else PostgresError
    return kind(f"{type(error).__name__}: {error}")
