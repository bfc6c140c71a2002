"""Requests to Storage that keep to the time which the caller's request may wait for it.

The HTTP client's own timeouts are for single reads: an answer that comes a byte at a time would
never end. Imported where a client is made, since httpx takes as long to import as Flask.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from lib.platform import limits
from lib.platform.limits import Budget


class Bounded(httpx.BaseTransport):
    """Sends requests, and ends them when the current Budget is used up."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport(
            limits=httpx.Limits(
                max_connections=50, max_keepalive_connections=20, keepalive_expiry=30
            ),
            trust_env=False,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body is read within the budget too. Raises httpx.TransportError."""
        budget = limits.budget()
        if budget is None:
            return self._inner.handle_request(request)
        left = _left(budget, request)
        request.extensions["timeout"] = {
            name: left if seconds is None else min(seconds, left)
            for name, seconds in request.extensions["timeout"].items()
        }
        with budget.waiting():
            response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 -- it is not async
        response.stream = _BoundedStream(response.stream, budget, request)
        return response

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


class _BoundedStream(httpx.SyncByteStream):
    """A body that fails once the budget is used up."""

    def __init__(self, inner: httpx.SyncByteStream, budget: Budget, request: httpx.Request) -> None:
        self._inner = inner
        self._budget = budget
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._inner)
        while True:
            with self._budget.waiting():
                data = next(chunks, None)
            if data is None:
                return
            _left(self._budget, self._request)
            yield data

    def close(self) -> None:
        self._inner.close()


def _left(budget: Budget, request: httpx.Request) -> float:
    """The seconds that are left. Raises httpx.ReadTimeout when there are none."""
    seconds = budget.left
    if seconds <= 0:
        raise httpx.ReadTimeout("the time for Storage is used up", request=request)
    return seconds
