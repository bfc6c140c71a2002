"""Auth's published keys, which outlive an outage of Auth."""

from __future__ import annotations

import time
from typing import Any

from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKClientError

LIFE_SECONDS = 600
"""Auth's own max-age."""
FETCH_SECONDS = 3
PAUSE_SECONDS = 5
"""After a failed fetch: callers with a token must not each wait for the next one."""


class KeySet(PyJWKClient):
    """The key set, fetched at first use and again every ten minutes.

    When it can't be fetched, the last one stays in use: a token that it verifies is still valid.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, lifespan=LIFE_SECONDS, timeout=FETCH_SECONDS)
        self._last: Any = None
        self._retry_at = 0.0

    def fetch_data(self) -> Any:
        """The key set. Raises PyJWKClientConnectionError when there has never been one."""
        if time.monotonic() >= self._retry_at:
            try:
                self._last = super().fetch_data()
                return self._last
            except (PyJWKClientError, OSError, ValueError):
                self._retry_at = time.monotonic() + PAUSE_SECONDS
        if self._last is None:
            raise PyJWKClientConnectionError("the key set can't be fetched")
        return self._last
