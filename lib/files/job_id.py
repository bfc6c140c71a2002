"""Job ids in paths."""

from __future__ import annotations

from uuid import UUID

from lib.platform.errors import Problem


def parse_id(text: str) -> UUID:
    """The job id in a path. Raises Problem 404 for text that is not an id."""
    try:
        return UUID(text)
    except ValueError:
        raise unknown_job() from None


def unknown_job() -> Problem:
    """404 for a job that is not there or not the caller's."""
    return Problem("job_not_found", "There is no job of yours with this id.")
