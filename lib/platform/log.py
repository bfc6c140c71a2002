"""The structured log: one JSON line for each event, to stderr or a file.

Lines hold ids, counts and words of our own, never what a caller sent: no addresses, file names,
links, credentials, nor the text of an error, which may quote any of these. A field that names an id
(`job_id`, `account_id`, …) must hold a UUID, `reason` a short word, `errno` a number; anything else
is replaced by INVALID.

Each warning and error is counted as well, for the metrics (lib/platform/tally.py).
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from lib.platform import tally
from lib.platform.once import once
from lib.platform.settings import SettingsError, settings

INVALID = "invalid"
"""Replaces a value that a field may not hold."""
REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""A reason: a short word of our own for the check that failed."""
_IDS = ("job_id", "account_id", "request_id", "key_id")


def info(event: str, **fields: Any) -> None:
    """Log that something happened."""
    _write("info", event, fields)


def notice(event: str, **fields: Any) -> None:
    """Log a state that the operator should change."""
    _write("warning", event, fields)


def warning(event: str, error: BaseException, **fields: Any) -> None:
    """Log a failure that heals by itself."""
    _failure("warning", event, error, fields | {"error": type(error).__name__})


def error(event: str, error: BaseException, **fields: Any) -> None:
    """Log a failure: the types of the error and its causes, and where they arose.

    An OSError among them gives the line its `errno`; `fields` are ids and figures.
    """
    _failure("error", event, error, fields | {"causes": _causes(error)})


def _failure(level: str, event: str, error: BaseException, fields: dict[str, Any]) -> None:
    tally.add("log_lines", level=level, event=event, error=type(error).__name__)
    number = next((each.errno for each in _chain(error) if isinstance(each, OSError)), None)
    _write(level, event, ({} if number is None else {"errno": number}) | fields)


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    safe = {name: _safe(name, value) for name, value in fields.items()}
    line = msgspec.json.encode({"at": at, "level": level, "event": event} | safe) + b"\n"
    file = _file()
    if file is None:  # looked up each time: a platform may put its own there for each request
        sys.stderr.write(line.decode())
        sys.stderr.flush()
    else:
        os.write(file, line)  # one write a line: those of several processes don't mix


def _safe(name: str, value: Any) -> Any:
    """The value, if the field may hold it."""
    if value is None:
        return value
    if name in _IDS:
        return value if isinstance(value, UUID) or _is_uuid(value) else INVALID
    if name == "reason":
        return value if isinstance(value, str) and REASON.fullmatch(value) else INVALID
    if name == "errno":
        return value if isinstance(value, int) else INVALID
    return value


def _is_uuid(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


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
    for each in _chain(error):
        code = getattr(each, "sqlstate", None)
        cause: dict[str, Any] = {"error": type(each).__name__, "at": _places(each)}
        causes.append(cause | ({"sqlstate": code} if code else {}))
    return causes


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, outermost first, at most five."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(chain) < 5:
        chain.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return chain


def _places(error: BaseException) -> list[str]:
    """Where it passed: file, line and function of the last frames."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(filename: str) -> str:
    parts = filename.replace("\\", "/").split("/")
    return "/".join(parts[-3:])
