"""Times as they appear in requests and responses."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """A moment in UTC with milliseconds, always of the same length: clients compare the text
    (docs/contract.md, section 2.3).
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{moment.microsecond // 1000:03d}Z"
    )


def stamp_or_none(moment: datetime | None) -> str | None:
    """The same; None stays None."""
    return stamp(moment) if moment else None
