"""How long files are kept: the promise, what an account or a job shortens, what has expired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from lib.platform import postgres
from lib.platform.errors import Problem
from lib.platform.settings import settings
from lib.platform.times import stamp

HOUR = 3600

Hours = Annotated[float, msgspec.Meta(ge=0)]


class Retention(msgspec.Struct, forbid_unknown_fields=True):
    """Hours that files are kept; null is as long as the service keeps them.

    0 deletes them when the job that reads or makes them ends.
    """

    inputs: Hours | msgspec.UnsetType | None = msgspec.UNSET
    """Hours that uploads are kept; null for the service's own time."""
    outputs: Hours | msgspec.UnsetType | None = msgspec.UNSET
    """Hours that outputs are kept; null for the service's own time."""


class RetentionHours(msgspec.Struct):
    """Hours that an account's files are kept."""

    inputs: float
    """Hours that uploads are kept."""
    outputs: float
    """Hours that outputs are kept."""


def retention_hours(account: Mapping[str, Any]) -> RetentionHours:
    """What holds for an account, from its row."""
    return RetentionHours(
        _hours(account["inputs_kept_seconds"], settings().input_hours),
        _hours(account["outputs_kept_seconds"], settings().output_hours),
    )


def choose(account_id: UUID, request: Retention) -> None:
    """Keep an account's files for less, those there too. Raises Problem 400 for more."""
    values: dict[str, Any] = {"account": account_id}
    changes = []
    for name, most in (("inputs", settings().input_hours), ("outputs", settings().output_hours)):
        hours = getattr(request, name)
        if hours is msgspec.UNSET:
            continue
        if hours is not None and hours > most:
            raise Problem(
                "invalid_request",
                f"`retention.{name}` can only be shortened: at most {most} hours, the service's"
                " own.",
            )
        changes.append(f"{name}_kept_seconds = %({name})s")
        values[name] = None if hours is None else round(hours * HOUR)
    if changes:
        postgres.rows(
            f"""
            with chosen as (
              update app.accounts set {", ".join(changes)} where id = %(account)s
              returning id, inputs_kept_seconds, outputs_kept_seconds
            )
            select app.shorten_files(id, inputs_kept_seconds, outputs_kept_seconds) from chosen
            """,  # noqa: S608 -- the columns are ours
            values,
        )


def expired(what: str, expires_at: datetime | None, deleted_at: datetime | None) -> Problem | None:
    """404 for a file that is deleted or due to be; None for one that may be served."""
    moments = [moment for moment in (deleted_at, expires_at) if moment is not None]
    if not moments or min(moments) > datetime.now(UTC):
        return None
    return Problem("file_deleted", f"{what} was deleted on {stamp(min(moments))}.")


def link_seconds(most: int, expires_at: datetime | None) -> int:
    """How long a link to a file may live: never longer than the file."""
    if expires_at is None:
        return most
    return max(1, min(most, int((expires_at - datetime.now(UTC)).total_seconds())))


def _hours(seconds: int | None, most: int) -> float:
    return float(most) if seconds is None else round(seconds / HOUR, 4)
