"""The pulse of an attempt: renews its lease, stores its progress, notices a cancel."""

from __future__ import annotations

import threading
import time

from lib.jobs import queue
from lib.jobs.lease import Lease
from lib.platform.settings import settings
from lib.telemetry import heartbeat

BEAT_SECONDS = 1.0
"""How often the lease is renewed, the progress stored and a cancel noticed."""


class Pulse:
    """Renews the lease in a thread of its own; `lost` is set once the lease is lost."""

    def __init__(self, lease: Lease, stop: threading.Event) -> None:
        self._lease = lease
        self._stop = stop
        self._done = threading.Event()
        self.lost = threading.Event()
        self.progress: float | None = None
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def stopped(self) -> bool:
        """Whether to stop working: the job was canceled or taken over, or we are stopping."""
        return self.lost.is_set() or self._stop.is_set()

    def report(self, percent: float) -> None:
        """Note the progress; it is stored with the next beat."""
        self.progress = percent

    def _beat(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(BEAT_SECONDS):
            try:
                if not queue.beat(self._lease, settings().lease_seconds, self.progress):
                    self.lost.set()
                renewed = time.monotonic()
                heartbeat.note()
            except Exception:  # the database is away: work on for as long as the lease lasts
                if time.monotonic() - renewed > settings().lease_seconds:
                    self.lost.set()
