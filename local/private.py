"""Keeps the data of one machine to its owner, and not longer than it is promised."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.mail import MailSink

FOR_OTHERS = 0o077
MAIL_DAYS = 7
LOG_DAYS = 30
LOG_BYTES = 20 * 2**20
LOG = "log.jsonl"
DAY = timedelta(days=1)
HOUR = 3600.0


def protect(folder: Path) -> None:
    """Create `folder` if needed; only its owner may read it and what is in it, now and later.

    Sets this process's umask, which its children inherit. Postgres protects its own folder.
    """
    os.umask(FOR_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    _close(folder)
    for path in _within(folder):
        mode = path.stat().st_mode
        if mode & FOR_OTHERS:
            path.chmod(mode & ~FOR_OTHERS & 0o7777)


def protect_socket(data: Path) -> None:
    """Let only the owner connect to the server that runs on `data`, which trusts every connection.

    Its package opens the folders above `data` and the socket's folder to everybody when it runs as
    root.
    """
    _close(data.parent)
    sockets = Path((data / "postmaster.pid").read_text().splitlines()[4])
    for socket in sockets.glob(".s.PGSQL.*"):
        socket.chmod(0o700)
    mode = sockets.stat().st_mode
    if mode & 0o022:  # others may add files, but not replace the socket
        sockets.chmod(mode | 0o1000)


def _close(folder: Path) -> None:
    """Mode 0700; for root 0711, since its Postgres runs as a user that passes through."""
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def keep_tidy(folder: Path, stopped: threading.Event) -> None:
    """Delete old mails and log lines now, and every hour in a thread until `stopped`."""
    tidy(folder, datetime.now(UTC))

    def run() -> None:
        while not stopped.wait(HOUR):
            tidy(folder, datetime.now(UTC))

    threading.Thread(target=run, name="tidy", daemon=True).start()


def tidy(folder: Path, now: datetime) -> None:
    """Delete mails after MAIL_DAYS, and log lines after LOG_DAYS."""
    MailSink(folder / "mail").delete_before(now - timedelta(days=MAIL_DAYS))
    log = folder / LOG
    if log.exists() and (now - _first_line_at(log, now) >= DAY or log.stat().st_size > LOG_BYTES):
        _put_aside(log, now)
    for path in folder.glob("log-*.jsonl"):
        if now.timestamp() - path.stat().st_mtime >= (LOG_DAYS - 1) * DAY.total_seconds():
            path.unlink(missing_ok=True)


def _first_line_at(log: Path, otherwise: datetime) -> datetime:
    with log.open("rb") as lines:
        line = lines.readline()
    try:
        return datetime.fromisoformat(json.loads(line)["at"])
    except (ValueError, KeyError, TypeError):  # empty, or not one of our lines
        return otherwise


def _put_aside(log: Path, now: datetime) -> None:
    """Copy the log to a dated file and empty it: running processes hold it open to append."""
    with log.open("rb") as source, log.with_name(f"log-{now:%Y%m%dT%H%M%S}.jsonl").open("wb") as to:
        shutil.copyfileobj(source, to)
    os.truncate(log, 0)


def _within(folder: Path) -> Iterator[Path]:
    """Every file and folder below, except Postgres's and links."""
    for parent, folders, files in os.walk(folder):
        if Path(parent) == folder and "postgres" in folders:
            folders.remove("postgres")
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                yield path
