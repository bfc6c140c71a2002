"""Auth's published keys, which outlive an outage of Auth."""

from __future__ import annotations

import time
from typing import Any

from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKClientError, PyJWKSetError

LIFE_SECONDS = 600
"""Auth's own max-age."""
FETCH_SECONDS = 3
PAUSE_SECONDS = 5
"""After a failed fetch: callers with a token must not each wait for the next one."""

ALGORITHMS = frozenset({"ES256", "RS256"})
"""What hosted Supabase signs with, besides HS256: its key is a secret that Auth never publishes, so
nobody but Auth could verify such a token, and whoever could might also forge it."""
EMPTY: dict[str, Any] = {"keys": []}


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
            except PyJWKSetError:  # Auth answered: it publishes no key
                self._last = EMPTY
                self._retry_at = time.monotonic() + PAUSE_SECONDS
            except (PyJWKClientError, OSError, ValueError):
                self._retry_at = time.monotonic() + PAUSE_SECONDS
        if self._last is None:
            raise PyJWKClientConnectionError("the key set can't be fetched")
        return self._last

    def usable(self) -> bool:
        """Whether a token can be verified with one of its keys. Raises PyJWKClientConnectionError.

        False for a project that signs with HS256: its key set is empty.
        """
        try:
            keys = self.get_jwk_set().keys
        except PyJWKSetError:
            return False
        return any(key.algorithm_name in ALGORITHMS for key in keys)
