"""The process's database connections: psycopg_pool's pool, with waits that end.

A connection that the server closed is replaced at once, a server that hangs is given up in time,
and the pool's threads end with the process.
"""

from __future__ import annotations

import atexit
import math
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

SIZE = 16
WAITING = 64
"""Callers that wait for a connection; further ones fail at once, since they would wait in vain."""
IDLE_SECONDS = 120
"""A connection that was idle for longer is closed: something between may have dropped it."""
CONNECT_SECONDS = 2
"""For one attempt to connect; psycopg takes no less."""
RECONNECT_SECONDS = 2
"""For all attempts of one background connection; a caller that needs another starts over."""
CANCEL_SECONDS = 0.5
"""What a statement leaves of its limit, to be canceled in the server."""

Result = TypeVar("Result")


class TimedOut(psycopg.OperationalError):
    """The server did not answer in time."""


class StatementCursor(psycopg.Cursor[DictRow]):
    """Notes whether a statement failed before it was completed."""

    def _check_results(self, results: list[PGresult]) -> None:
        if isinstance(self.connection, Connection):
            may_have_run = any(result.status != ExecStatus.FATAL_ERROR for result in results)
            self.connection.may_have_run = may_have_run
        super()._check_results(results)


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits for its server until `deadline`, then closes itself.

    A deadline on the client's side is the only one that holds when the server hangs. It also needs
    no round trip and no startup option, which poolers refuse or ignore.
    """

    deadline = math.inf
    may_have_run = True
    """Whether the last statement may have been executed; True until the contrary is known."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """As psycopg's. Raises TimedOut."""
        seconds = max(0.0, self.deadline - time.monotonic())
        if timeout is not None:
            seconds = min(seconds, timeout)
        try:
            return super().wait(gen, interval, seconds if seconds < math.inf else None)
        except psycopg.OperationalError:
            if self.closed or time.monotonic() < self.deadline:
                raise
        # The server may be alive, and the statement only slow: it must not go on without us.
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()
        raise TimedOut("the server did not answer in time")

    def closed_by_server(self) -> bool:
        """Whether there is something to read from an idle connection: a farewell or its end."""
        if self.closed:
            return True
        poll = select.poll()  # select.select can't take descriptors of 1024 or more
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))


class Pool:
    """Up to SIZE connections to the database at `url`."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=Connection,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,  # Supabase's pooler keeps no prepared statements
                "row_factory": dict_row,
                "cursor_factory": StatementCursor,
                "connect_timeout": CONNECT_SECONDS,
                "keepalives_idle": 15,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
            min_size=0,
            max_size=SIZE,
            max_waiting=WAITING,
            max_idle=IDLE_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            check=self._check,
            open=True,
        )
        # Python 3.13 can't end the pool's threads later than this.
        atexit.register(self._pool.close)

    def run(self, work: Callable[[Connection], Result], connect: float, total: float) -> Result:
        """Do `work`, one statement that commits by itself, with a connection.

        `connect` and `total` are the seconds to get a connection and for all of it. When the
        server ended the connection before the statement was executed, it is sent again; in no
        other case. Raises psycopg.Error.
        """
        start = time.monotonic()
        for last in (False, True):
            with self.connection(start + connect - time.monotonic()) as connection:
                connection.deadline = start + total - CANCEL_SECONDS
                connection.may_have_run = True
                try:
                    return work(connection)
                except (errors.AdminShutdown, errors.IdleSessionTimeout) as error:
                    if last or not _undone(error, connection):
                        raise
        raise AssertionError("unreachable")

    @contextmanager
    def connection(self, connect: float) -> Iterator[Connection]:
        """A connection for some statements, had within `connect` seconds. Raises psycopg.Error.

        It has no deadline until the user sets one.
        """
        with self._pool.connection(max(0.0, connect)) as connection:
            try:
                yield connection
            except TimedOut:
                self._pool.drain()  # the others lead to the same server
                raise
            finally:
                connection.deadline = math.inf

    def close(self) -> None:
        """Close the idle connections now, and those in use once they are given back."""
        self._pool.close()

    def _check(self, connection: Connection) -> None:
        """Before a connection is handed out. Raises OperationalError for one that has ended."""
        if connection.closed_by_server():
            connection.close()  # otherwise the pool keeps it and hands it out again
            self._pool.drain()  # what ended it has most likely ended the others as well
            raise psycopg.OperationalError("the server closed the idle connection")


def _undone(error: psycopg.Error, connection: Connection) -> bool:
    """Whether it is certain that the statement was not executed.

    The server ended the connection at a moment when it was idle or could still roll back
    (`ProcessInterrupts`; a pooler may send the same code for reasons of its own), and nothing came
    of the statement: its completion would have been sent before its commit.
    """
    return error.diag.source_function == "ProcessInterrupts" and not connection.may_have_run


def is_outage(error: psycopg.Error) -> bool:
    """Whether the database is away or overloaded, and the same statement may work later."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in ("08", "40", "53", "57") or state in ("25006", "55P03")
