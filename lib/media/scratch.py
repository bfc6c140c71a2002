"""Temporary folders whose names say which process made them, so that a killed process' can go.

A name is ffm-<kind>-<process id>-<start of the process>-<random>.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_NAME = re.compile(r"ffm-[a-z]+-(\d+)-(?:(\d+)-)?\w+", re.ASCII)


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """A private folder, deleted at the end of the context."""
    with tempfile.TemporaryDirectory(prefix=_prefix(kind), ignore_cleanup_errors=True) as name:
        yield Path(name)


def lasting(kind: str) -> Path:
    """A private folder, deleted when the process ends."""
    path = Path(tempfile.mkdtemp(prefix=_prefix(kind)))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def remove_stale() -> None:
    """Delete the folders of processes that have ended."""
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and not _runs(int(match[1]), match[2]):
                shutil.rmtree(entry.path, ignore_errors=True)


def _prefix(kind: str) -> str:
    _remove_stale_once()
    return f"ffm-{kind}-{os.getpid()}-{_started(os.getpid())}-"


@cache
def _remove_stale_once() -> None:
    """Clean up before this process makes its first folder."""
    remove_stale()


def _runs(process_id: int, started: str | None) -> bool:
    """Whether the process runs; another one that has its number now does not count."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return started is None or _started(process_id) in (started, "0")


def _started(process_id: int) -> str:
    """When a process started, in clock ticks since the system did; "0" where that is unknown."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return "0"
    return stat.rpartition(")")[2].split()[19]
