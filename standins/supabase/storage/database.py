"""Statements on the storage schema, as a caller (policies decide) or as Storage itself."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from standins.supabase.storage.callers import Caller
from standins.supabase.storage.errors import (
    bucket_exists,
    no_related_resource,
    object_exists,
    row_refused,
)

Connection = psycopg.Connection[DictRow]
CONNECT_SECONDS = 15.0
CONNECTIONS = 16
RECONNECT_SECONDS = 2.0
"""A connection that can't be opened for this long is given up; the next request tries again."""


class Database:
    """A small pool; no connection is held while bytes move."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool(
            url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={
                "autocommit": True,
                "connect_timeout": 2,
                "prepare_threshold": None,  # each caller has a role, and so a plan, of its own
                "row_factory": dict_row,
            },
            min_size=0,
            max_size=CONNECTIONS,
            reconnect_timeout=RECONNECT_SECONDS,
            check=ConnectionPool.check_connection,  # the server may have been restarted
            open=True,
        )
        atexit.register(self._pool.close)  # Python 3.13 can't end its threads later than this

    @contextmanager
    def transaction(self, caller: Caller | None = None) -> Iterator[Connection]:
        """One transaction, as the caller, or as Storage itself, which no policy binds.

        Raises StorageError for what the database refuses.
        """
        try:
            with self._pool.connection(CONNECT_SECONDS) as connection, connection.transaction():
                if caller:
                    connection.execute(
                        "select set_config('role', %s, true),"
                        " set_config('request.jwt.claims', %s, true)",
                        (caller.role, caller.claims),
                    )
                yield connection
        except pg.InsufficientPrivilege:
            raise row_refused() from None
        except pg.UniqueViolation as error:
            conflict = bucket_exists if error.diag.table_name == "buckets" else object_exists
            raise conflict() from None
        except pg.ForeignKeyViolation:
            raise no_related_resource() from None

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()


def first(connection: Connection, statement: str, values: dict[str, Any]) -> DictRow | None:
    """The first row of the result, if any."""
    return connection.execute(statement.encode(), values).fetchone()
