"""Where the time of an attempt goes, for the job's line in the log."""

from __future__ import annotations

import time
from typing import Any, Literal

from lib.jobs.lease import Lease
from lib.jobs.transitions import Ended
from lib.platform import log

Phase = Literal["fetch", "probe", "ffmpeg", "store"]


class Phases:
    """Seconds by phase. Large inputs are fetched while ffmpeg reads them, and count as ffmpeg."""

    def __init__(self) -> None:
        self._began = self._since = time.monotonic()
        self._phase: Phase = "fetch"
        self._seconds: dict[Phase, float] = {}

    def begin(self, phase: Phase) -> None:
        """Count the time from now on to `phase`."""
        now = time.monotonic()
        self._seconds[self._phase] = self._seconds.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now

    def fields(self) -> dict[str, float | str]:
        """For a line of the log: the phase under way, and seconds in all and by phase."""
        self.begin(self._phase)
        fields: dict[str, float | str] = {
            "phase": self._phase,
            "seconds": round(self._since - self._began, 3),
        }
        for phase, seconds in self._seconds.items():
            fields[f"{phase}_seconds"] = round(seconds, 3)
        return fields


def log_end(lease: Lease, phases: Phases, status: str, ended: Ended, **figures: Any) -> None:
    """A line for each job that ended; its seconds are those of the last attempt."""
    log.info(
        "job",
        job_id=lease.job_id,
        account_id=lease.account_id,
        status=status,
        attempt=lease.attempt,
        queued_seconds=round(ended.queued_seconds, 3),
        **phases.fields(),
        **figures,
    )
