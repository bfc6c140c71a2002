"""The structured log: one JSON line for each thing that happened, to stderr or a file.

Lines hold ids, counts and names of our own, never what a caller sent: no addresses, file names,
links, credentials, nor the text of an error, which may quote any of these.
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec

from lib.platform.once import once
from lib.platform.settings import SettingsError, settings


def info(event: str, **fields: Any) -> None:
    """Note that something happened."""
    _write("info", event, fields)


def warning(event: str, error: BaseException, **fields: Any) -> None:
    """Note what failed and heals by itself."""
    _write("warning", event, fields | {"error": type(error).__name__})


def error(event: str, error: BaseException, **fields: Any) -> None:
    """Note what failed: the kinds of the error and its causes, and where they arose."""
    _write("error", event, fields | {"causes": _causes(error)})


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = msgspec.json.encode({"at": at, "level": level, "event": event} | fields) + b"\n"
    file = _file()
    if file is None:  # looked up each time: a platform may put its own there for each request
        sys.stderr.write(line.decode())
        sys.stderr.flush()
    else:
        os.write(file, line)  # one write a line: those of several processes don't mix


@once
def _file() -> int | None:
    """The file that lines go to, open; None for stderr."""
    try:
        path = settings().log_file
    except SettingsError:  # which is what is being told
        return None
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if path else None


def _causes(error: BaseException) -> list[dict[str, Any]]:
    """The error and what caused it, outermost first, without their texts."""
    causes: list[dict[str, Any]] = []
    each: BaseException | None = error
    while each is not None and len(causes) < 5:
        code = getattr(each, "sqlstate", None)
        cause: dict[str, Any] = {"error": type(each).__name__, "at": _places(each)}
        causes.append(cause | ({"sqlstate": code} if code else {}))
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return causes


def _places(error: BaseException) -> list[str]:
    """Where it passed: file, line and function of the last frames."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(filename: str) -> str:
    parts = filename.replace("\\", "/").split("/")
    return "/".join(parts[-3:])
