"""Keeps the data of one machine to its owner: modes of files, folders and Postgres's socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

FOR_OTHERS = 0o077


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


def _within(folder: Path) -> Iterator[Path]:
    """Every file and folder below, except Postgres's and links."""
    for parent, folders, files in os.walk(folder):
        if Path(parent) == folder and "postgres" in folders:
            folders.remove("postgres")
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                yield path
