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
DURATION = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+")
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, the fraction without trailing zeros, as Go prints it."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text.rstrip('0').rstrip('.')}Z"


def parse_duration(text: str) -> timedelta | None:
    """A duration such as `1h30m` (Go's time.ParseDuration); None when it is not one."""
    if not DURATION.fullmatch(text):
        return None
    seconds = sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))
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
