"""A small pool of database connections, managed by the threads that use them.

It has no threads of its own. A function that its platform freezes needs nothing to run in the
background, a connection is opened the moment it is needed, and a process can exit at any time
(Python 3.13 waits for threads of psycopg_pool that never end).
"""

from __future__ import annotations

import math
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow, dict_row

SIZE = 16
IDLE_SECONDS = 120
"""A connection that was idle for longer is closed: something between may have dropped it."""
AGE_SECONDS = 3600
CONNECT_SECONDS = 2
"""For one attempt to connect; psycopg takes no less."""
PAUSE_SECONDS = 0.1
"""Between two attempts to connect."""
AWAY_SECONDS = 2.0
"""To connect, while the database is known to be away; one thread tries."""
TURN_SECONDS = 0.5
"""What the other threads wait for the one that tries."""
CANCEL_SECONDS = 0.5
"""What a statement leaves of its limit, to be canceled in the server."""

Result = TypeVar("Result")


class TimedOut(psycopg.OperationalError):
    """The server did not answer in time."""


class Exhausted(psycopg.OperationalError):
    """All connections were in use for as long as the caller could wait."""


class Away(psycopg.OperationalError):
    """The database is known to be away, and another thread is trying to reach it."""


class Cursor(psycopg.Cursor[DictRow]):
    """Notes whether a statement failed before it was completed."""

    def _check_results(self, results: list[PGresult]) -> None:
        if isinstance(self.connection, Connection):
            completed = any(result.status != ExecStatus.FATAL_ERROR for result in results)
            self.connection.completed = completed
        super()._check_results(results)


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits for its server until `deadline`, then closes itself.

    A deadline on the client's side is the only one that holds when the server hangs. It also needs
    no round trip and no startup option, which poolers refuse or ignore.
    """

    deadline = math.inf
    opened_at = 0.0
    idle_since = 0.0
    completed = True
    """Whether the last statement may have been executed; True until the contrary is known."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """As psycopg's. Raises TimedOut."""
        left = max(0.0, self.deadline - time.monotonic())
        if timeout is not None:
            left = min(left, timeout)
        try:
            return super().wait(gen, interval, left if left < math.inf else None)
        except psycopg.OperationalError:
            if self.closed or time.monotonic() < self.deadline:
                raise
        # The server may be alive, and the statement only slow: it must not go on without us.
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()
        raise TimedOut("the server did not answer in time")

    def usable(self) -> bool:
        """Whether the server has not closed the connection while it was idle, as far as we know."""
        if self.closed or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        now = time.monotonic()
        if now - self.idle_since > IDLE_SECONDS or now - self.opened_at > AGE_SECONDS:
            return False
        poll = select.poll()  # select.select can't take descriptors of 1024 or more
        poll.register(self.fileno(), select.POLLIN)
        return not poll.poll(0)  # nothing is to be read: no farewell, no end


class Pool:
    """Up to `size` connections to the database at `url`."""

    def __init__(self, url: str, size: int = SIZE) -> None:
        self._url = url
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        """The one that was used last is last."""
        self._away = False
        self._turn = threading.Lock()
        self._closed = False

    def run(self, work: Callable[[Connection], Result], connect: float, total: float) -> Result:
        """Do `work`, one statement that commits by itself, with a connection.

        `connect` and `total` are the seconds to get a connection and for all of it. When the
        server ended the connection before the statement was executed, it is sent once more; in no
        other case. Raises psycopg.Error.
        """
        start = time.monotonic()
        for last in (False, True):
            with self._connection(start + connect) as connection:
                connection.deadline = start + total - CANCEL_SECONDS
                connection.completed = True
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
        with self._connection(time.monotonic() + connect) as connection:
            yield connection

    def close(self) -> None:
        """Close the idle connections now, and those in use once they are given back."""
        self._closed = True
        self._drop_idle()

    @contextmanager
    def _connection(self, by: float) -> Iterator[Connection]:
        if not self._slots.acquire(timeout=max(0.0, by - time.monotonic())):
            raise Exhausted("all database connections are in use")
        try:
            connection = self._take_idle() or self._connect(by)
            connection.deadline = math.inf
            try:
                yield connection
            except TimedOut:
                self._away = True
                self._drop_idle()  # they lead to the same server
                raise
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def _take_idle(self) -> Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        if self._closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(connection)
            oldest = self._idle[0]
            if connection.idle_since - oldest.idle_since <= IDLE_SECONDS:
                return
            self._idle.pop(0)
        oldest.close()

    def _drop_idle(self) -> None:
        with self._lock:
            dropped, self._idle = self._idle, []
        for connection in dropped:
            connection.close()

    def _connect(self, by: float) -> Connection:
        """A new connection, tried again until `by`: a database that restarts is back soon."""
        if not self._away:
            return self._try_to_connect(by)
        # Each caller that waited for the whole time would hold up one more thread of the server.
        now = time.monotonic()
        if not self._turn.acquire(timeout=max(0.0, min(TURN_SECONDS, by - now))):
            raise Away("the database does not answer")
        try:
            return self._try_to_connect(min(by, now + AWAY_SECONDS))
        finally:
            self._turn.release()

    def _try_to_connect(self, by: float) -> Connection:
        while True:
            try:
                connection = Connection.connect(
                    self._url,
                    autocommit=True,
                    prepare_threshold=None,  # Supabase's pooler keeps no prepared statements
                    row_factory=dict_row,
                    cursor_factory=Cursor,
                    connect_timeout=CONNECT_SECONDS,
                    keepalives_idle=15,
                    keepalives_interval=5,
                    keepalives_count=3,
                )
            except psycopg.OperationalError as error:
                hangs = isinstance(error, errors.ConnectionTimeout)
                if by - time.monotonic() < (CONNECT_SECONDS if hangs else PAUSE_SECONDS):
                    self._away = True
                    raise
                time.sleep(PAUSE_SECONDS)
                continue
            connection.opened_at = connection.idle_since = time.monotonic()
            self._away = False
            return connection


def _undone(error: psycopg.Error, connection: Connection) -> bool:
    """Whether it is certain that the statement was not executed.

    The server ended the connection at a moment when it was idle or could still roll back
    (`ProcessInterrupts`; a pooler may send the same code for reasons of its own), and nothing came
    of the statement: its completion would have been sent before its commit.
    """
    return error.diag.source_function == "ProcessInterrupts" and not connection.completed


def is_outage(error: psycopg.Error) -> bool:
    """Whether the database is away or overloaded, and the same statement may work later."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in ("08", "40", "53", "57") or state in ("25006", "55P03")
