"""Times and durations as Auth writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}  # of Go's time.ParseDuration
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, the fraction without trailing zeros, as Go prints it."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text.rstrip('0').rstrip('.')}Z"


def parse_duration(text: str) -> timedelta | None:
    """A duration such as `1h30m` (Go's time.ParseDuration); None when it is not one."""
    seconds = 0.0
    at = start = 1 if text.startswith(("+", "-")) else 0
    while part := PART.match(text, at):
        seconds += float(part[1]) * UNITS[part[2]]
        at = part.end()
    if at == start or at < len(text):
        return None
    try:
        return timedelta(seconds=-seconds if text.startswith("-") else seconds)
    except OverflowError:
        return None


def api_date(text: str) -> str | None:
    """An API version, which is a date; None when it is not one."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
