"""When the server of a source is asked again, and when it is given up."""

from __future__ import annotations

import random
import time
from typing import NamedTuple

from lib.media.fetch.connection import Watch
from lib.media.fetch.source_errors import SourceError

PROGRESS_BYTES = 64 * 1024
"""After so many bytes, earlier failures don't count any more."""
MAX_FAILURES = 1000
"""Of one file, however much came in between."""


class Patience(NamedTuple):
    """How often a server is asked again."""

    failures: int = 5
    """Failures in a row after which it is given up."""
    seconds: float = 60.0
    """The longest time from the first of them to the last try."""
    pause: float = 0.5
    """Seconds before the second try; they double with each."""


PATIENCE = Patience()
HURRIED = Patience(failures=3, seconds=5.0)
"""While somebody waits for the answer."""


class Trouble:
    """The failures of one file's server in a row, and the pauses between its tries."""

    def __init__(self, patience: Patience, watch: Watch) -> None:
        self._patience = patience
        self._watch = watch
        self.failures = 0
        self._cost = 0
        self._total = 0
        self._since = 0.0
        self._what: set[str] = set()
        self._came = 0

    def progress(self, count: int) -> None:
        """Note that bytes have come: after enough of them it works again."""
        self._came += count
        if self._came >= PROGRESS_BYTES:
            self.failures = self._cost = 0

    def note(self, error: SourceError) -> None:
        """Pause before the next try. Raises MediaError when there is to be none, Canceled."""
        now = time.monotonic()
        if not self.failures:
            self._since = now
            self._what.clear()
        self._came = 0
        self.failures += 1
        self._cost += error.cost
        self._total += 1
        self._what.add(error.what)
        doubled = self._patience.pause * 2 ** (self.failures - 1)
        pause = max(error.wait, doubled * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
        passed = now - self._since
        enough = self._cost >= self._patience.failures or self._total >= MAX_FAILURES
        late = passed + pause > self._patience.seconds or pause >= self._watch.left
        if enough or late:
            raise error.after(self.failures, passed, alike=len(self._what) == 1) from None
        self._watch.rest(pause)
