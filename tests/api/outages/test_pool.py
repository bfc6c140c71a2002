"""The connection pool against a real Postgres that closes, hangs, restarts and is slow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import psycopg
import pytest
from psycopg_pool import PoolTimeout

from lib.platform.database.pool import CONNECT_SECONDS, SIZE, Connection, Pool, is_outage
from local import postgres
from local.postgres import Postgres
from tests.rigs.supabase.storage_server import fresh_database

CONNECT, TOTAL = 10.0, 20.0
"""Limits that only a hanging server reaches, on a busy machine too."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server for all databases of this module."""
    server = postgres.start(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture
def url(database: Postgres) -> str:
    return fresh_database(database)


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table notes (text text)")
        yield connection


@pytest.fixture
def pool(url: str) -> Iterator[Pool]:
    opened = Pool(url)
    yield opened
    opened.close()


def execute(sql: str, connection: Connection) -> Any:
    return connection.execute(sql.encode())


def one(connection: Connection) -> Any:
    return connection.execute("select %(x)s as x", {"x": 1}).fetchall()


def note(connection: Connection) -> Any:
    return connection.execute("insert into notes values (%(x)s) returning text", {"x": "n"})


def end_connections(admin: psycopg.Connection) -> None:
    """End all other connections, and wait until these are gone: new ones may come meanwhile."""
    ended = admin.execute(
        "select pid, pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    ).fetchall()
    pids = [pid for pid, _ in ended]
    left = "select count(*) from pg_stat_activity where pid = any(%s)"
    until(lambda: admin.execute(left, (pids,)).fetchone() == (0,))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_connections_that_the_server_closed_are_replaced(
    pool: Pool, admin: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(4) as threads:
        barrier = threading.Barrier(4)

        def hold(connection: Connection) -> Any:
            barrier.wait()
            return one(connection)

        list(threads.map(lambda _: pool.run(hold, CONNECT, TOTAL), range(4)))
    end_connections(admin)
    for _ in range(12):
        assert pool.run(one, CONNECT, TOTAL) == [{"x": 1}]


def test_statements_past_the_size_wait_and_then_fail(pool: Pool) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def hold(connection: Connection) -> Any:
        entered.release()
        leave.wait(60)
        return one(connection)

    with ThreadPoolExecutor(SIZE) as threads:
        places = [threads.submit(pool.run, hold, CONNECT, 90) for _ in range(SIZE)]
        for _ in range(SIZE):
            assert entered.acquire(timeout=60)
        with pytest.raises(PoolTimeout) as failed:
            pool.run(one, 0.1, TOTAL)
        leave.set()
        assert all(each.result() for each in places)
    assert is_outage(failed.value)
    assert pool.run(one, CONNECT, TOTAL) == [{"x": 1}]


class Proxy:
    """A TCP proxy before Postgres that acts on the next statement as `on_statement` says."""

    def __init__(self, url: str) -> None:
        info = psycopg.conninfo.conninfo_to_dict(url)
        self._upstream = f"{info['host']}/.s.PGSQL.{info.get('port', 5432)}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = psycopg.conninfo.make_conninfo(
            url, host="127.0.0.1", port=port, sslmode="disable"
        )
        self.on_statement: Callable[[socket.socket, socket.socket, bytes], None] | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        try:
            while data := client.recv(65536):
                act, self.on_statement = self.on_statement, None
                if act:
                    act(client, server, data)
                    return
                server.sendall(data)
        except OSError:  # one side is gone
            return


def _copy(source: socket.socket, destination: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def proxied(url: str) -> Iterator[tuple[Proxy, Pool]]:
    proxy = Proxy(url)
    opened = Pool(proxy.url)
    yield proxy, opened
    opened.close()
    proxy.close()


def test_a_connection_that_ends_before_the_statement_arrives_is_replaced(
    proxied: tuple[Proxy, Pool], admin: psycopg.Connection
) -> None:
    proxy, pool = proxied
    pool.run(one, CONNECT, TOTAL)
    proxy.on_statement = lambda *_: end_connections(admin)  # and the statement is not passed on
    pool.run(note, CONNECT, TOTAL)
    assert admin.execute("select count(*) from notes").fetchone() == (1,)


def test_a_statement_that_may_have_been_executed_is_not_repeated(
    proxied: tuple[Proxy, Pool], admin: psycopg.Connection
) -> None:
    proxy, pool = proxied
    pool.run(one, CONNECT, TOTAL)

    def lose_the_answer(client: socket.socket, server: socket.socket, data: bytes) -> None:
        client.shutdown(socket.SHUT_RDWR)
        server.sendall(data)

    proxy.on_statement = lose_the_answer
    with pytest.raises(psycopg.OperationalError) as failed:
        pool.run(note, CONNECT, TOTAL)
    assert is_outage(failed.value)
    until(lambda: admin.execute("select count(*) from notes").fetchone() == (1,))
    pool.run(one, CONNECT, TOTAL)
    assert admin.execute("select count(*) from notes").fetchone() == (1,)


@contextmanager
def stopped(database: Postgres) -> Iterator[None]:
    """Postgres hangs: all its processes are stopped."""
    postmaster = psutil.Process(database.server.get_postmaster_info().pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def test_a_hanging_server_costs_no_more_than_the_limit(pool: Pool, database: Postgres) -> None:
    pool.run(one, CONNECT, TOTAL)
    with stopped(database):
        for _ in range(3):  # with the open connection, then without one
            began = time.monotonic()
            with pytest.raises(psycopg.OperationalError) as failed:
                pool.run(one, 2, 2)
            assert is_outage(failed.value)
            assert time.monotonic() - began < 2 + CONNECT_SECONDS
    assert pool.run(one, CONNECT, TOTAL) == [{"x": 1}]


def test_a_statement_past_its_limit_is_canceled_in_the_server(
    pool: Pool, admin: psycopg.Connection
) -> None:
    with pytest.raises(psycopg.OperationalError):
        pool.run(lambda connection: connection.execute("select pg_sleep(600)"), CONNECT, 2)
    running = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'"
    until(lambda: admin.execute(running.encode()).fetchone() == (0,))


def test_what_is_an_outage(pool: Pool) -> None:
    for sql, expected in (
        ("select 1 / 0", False),
        ("select nothing", False),
        ("do $$ begin raise sqlstate '53300'; end $$", True),
        ("do $$ begin raise sqlstate '40P01'; end $$", True),
        ("do $$ begin raise sqlstate '23502'; end $$", False),
    ):
        with pytest.raises(psycopg.Error) as failed:
            pool.run(partial(execute, sql), CONNECT, TOTAL)
        assert is_outage(failed.value) is expected, sql


def test_a_command_that_used_the_database_ends_quietly(url: str) -> None:
    """Python 3.13 complained about threads of a pool that was still open, for 20 s."""
    command = "from lib.platform import postgres; print(postgres.row('select 1 as x'))"
    settings = {
        "POSTGRES_URL": url,
        "SUPABASE_URL": "http://127.0.0.1:9",
        "SUPABASE_SECRET_KEY": "k" * 40,
        "CRON_SECRET": "c" * 40,
        "API_URL": "http://127.0.0.1:9",
        "WORKER_URL": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", command],
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'x': 1}\n", "")
