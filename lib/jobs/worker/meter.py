"""Follows what a job under way is going to cost, and says what it costs when ffmpeg is done.

Minutes are reserved by what is known before a job runs. When its output outgrows that, more is
reserved while it runs; when the month's minutes do not suffice the job ends with `quota`,
uncharged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lib.files.open import JobFile
from lib.jobs.lease import Lease
from lib.jobs.transitions import extend
from lib.media.errors import MediaError
from lib.media.model import Probe
from lib.media.plan.model import Plan
from lib.media.run import measurement
from lib.media.run.runner import Limits, Outcome
from lib.platform import postgres
from lib.usage.price import minutes, quota_sentence, upgrade_url

STEP = 1.25
"""How much more than what is made so far is reserved at a time."""
EVERY_SECONDS = 3.0
TOLERANCE_SECONDS = 0.5
"""How much longer than reserved a job may turn out without failing for want of minutes: headers
are rounded, and an encoder pads its last frame. What is reserved is charged then."""


class Meter:
    """The cost of one attempt at a job; `reserved` are the seconds held for it so far."""

    def __init__(self, lease: Lease, reserved: float) -> None:
        self._lease = lease
        self._reserved = max(reserved, float(lease.reserved_minutes) * 60)
        self._extended = float("-inf")
        self._exhausted = False

    def watch(self, seconds: float) -> None:
        """Reserve more once the output, `seconds` long so far, outgrows what is held."""
        now = time.monotonic()
        enough = seconds <= self._reserved + TOLERANCE_SECONDS
        if enough or self._exhausted or now - self._extended < EVERY_SECONDS:
            return
        self._extended = now
        try:
            for target in (seconds * STEP, seconds):
                if extend(self._lease, minutes(target)):
                    self._reserved = target
                    return
            self._exhausted = True
        except postgres.PostgresError:
            return  # the end is charged in any case

    def stops(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Whether ffmpeg is to be stopped: `stopped` says so, or the minutes are used up."""
        return lambda: self._exhausted or stopped()

    def check(self) -> None:
        """Raises MediaError (quota) when the minutes are used up."""
        if self._exhausted:
            raise _quota(self._lease)

    def settle(
        self,
        plan: Plan,
        outcome: Outcome,
        files: Sequence[JobFile],
        probes: Sequence[Probe],
        output: Path,
        limits: Limits,
        canceled: Callable[[], bool],
    ) -> float:
        """The seconds to charge, which are reserved then.

        Raises MediaError (quota) when the month's minutes do not suffice; Canceled.
        """
        seconds = measurement.charged_seconds(
            plan,
            outcome,
            [file.place for file in files],
            probes,
            output,
            seconds=max(0.1, min(limits.wall_seconds, limits.deadline.left())),
            canceled=canceled,
        )
        if minutes(seconds) <= minutes(self._reserved):
            return seconds
        if extend(self._lease, minutes(seconds)):
            return seconds
        if seconds > self._reserved + TOLERANCE_SECONDS:
            raise _quota(self._lease)
        return self._reserved


def _quota(lease: Lease) -> MediaError:
    return MediaError(
        "quota",
        f"{quota_sentence(lease.plan_name, lease.minutes_per_month)} It turned out longer than its"
        f" inputs stated. Nothing was charged. {upgrade_url(lease.job_id)}",
        "minutes",
    )
