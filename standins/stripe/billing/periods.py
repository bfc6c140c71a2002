"""Billing periods: intervals of the calendar, in UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from standins.stripe.state import Thing


def later(start: int, recurring: Thing, anchor: int) -> int:
    """The end of the period that begins at `start`, on the anchor's day where the month has it."""
    interval, count = recurring["interval"], recurring["interval_count"]
    moment = datetime.fromtimestamp(start, UTC)
    if interval in ("day", "week"):
        return int((moment + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = moment.year * 12 + moment.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    day = min(datetime.fromtimestamp(anchor, UTC).day, last)
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def now_of(subscription: Thing, now: int) -> int:
    """The subscription's own time: its clock is ahead once it was renewed before its time."""
    return max(now, *(int(item["current_period_start"]) for item in subscription["items"]["data"]))


def end_of(subscription: Thing) -> int:
    """When the current period ends."""
    return max(int(item["current_period_end"]) for item in subscription["items"]["data"])
