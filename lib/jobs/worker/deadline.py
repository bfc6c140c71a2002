"""How long an attempt may take, what it spends its time on, and when it must stop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from lib.files.open import JobFile
from lib.jobs.lease import Lease
from lib.jobs.worker.pulse import Pulse
from lib.media.deadline import Deadline
from lib.media.errors import Canceled, OutOfTime
from lib.platform.settings import settings

END_SECONDS = 5.0
"""How long before the platform stops the process an attempt ends, so that its end is written."""
WORTH_RETRYING = 1.2
"""A job cut off by the platform is tried again where it would have so many times the time."""


def attempt_deadline(lease: Lease, life: Deadline) -> Deadline:
    """The deadline of an attempt that begins now; `life` is that of the process."""
    seconds = min(settings().job_seconds, lease.max_job_seconds)
    return Deadline(seconds, Deadline(life.left() - END_SECONDS))


def more_time(lease: Lease, deadline: Deadline) -> bool:
    """Whether the platform cut an attempt short, and a fresh one would have clearly more time."""
    fresh = min(
        settings().job_seconds, lease.max_job_seconds, settings().function_seconds - END_SECONDS
    )
    return deadline.cut_short and fresh > WORTH_RETRYING * deadline.seconds


class Clock:
    """An attempt's time: its deadline, what it is doing, and whether it goes on."""

    def __init__(self, pulse: Pulse, deadline: Deadline) -> None:
        self.pulse = pulse
        self.deadline = deadline
        self.phase: Literal["fetching", "working", "storing"] = "fetching"
        self._fetched = 0.0
        """Seconds that files took which were fetched as a whole."""

    def stopped(self) -> bool:
        """Whether to stop: the job was canceled or taken over, we are stopping, or time is up."""
        return self.pulse.stopped() or self.deadline.passed

    def raise_if_stopped(self) -> None:
        """Raises Canceled."""
        if self.stopped():
            raise Canceled

    def fetch_seconds(self) -> float:
        """How long to wait for one file's server at most."""
        return max(0.1, min(settings().fetch_seconds, self.deadline.left()))

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Count the time of the context as waiting for a file."""
        self.phase = "fetching"
        began = time.monotonic()
        try:
            yield
        finally:
            self._fetched += time.monotonic() - began
        self.phase = "working"

    def out_of_time(self, files: Sequence[JobFile]) -> OutOfTime:
        """The error for a job that is not done when its time is up, by what it was doing."""
        allowed = f"the {self.deadline.seconds:.0f} seconds that the job may take"
        if self.phase == "storing":
            return OutOfTime(
                "storage",
                f"The output could not be stored within {allowed}. Nothing was charged: send the"
                " job again.",
            )
        waited = self._fetched + max((file.waited for file in files), default=0.0)
        if self.phase == "fetching" or waited > self.deadline.seconds / 2:
            return OutOfTime(
                "upload",
                f"The input arrived too slowly: it was not complete within {allowed}. Upload the"
                " file instead, or use a faster server.",
            )
        return OutOfTime(
            "processing_limit",
            f"The job needed more than {allowed}. Send a shorter input, a smaller size or faster"
            " options.",
        )
