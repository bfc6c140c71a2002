"""How Supabase Storage is spoken to where the stock client does not stream: one HTTP client, our
key, its errors as ours, and patience with a connection that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from lib.platform import limits
from lib.platform.settings import settings

if TYPE_CHECKING:
    import httpx

TRIES = 3
RETRY_SECONDS = 0.2
"""The wait before a request is sent a second time."""

Result = TypeVar("Result")


class StorageError(Exception):
    """Storage did not do what was asked; the text is for logs, not for callers."""


class Missing(StorageError):
    """There is no such object."""


class TooSlow(StorageError):
    """The time that a request may wait for Storage is used up: it is not asked again."""


def expect(response: httpx.Response) -> httpx.Response:
    """The answer, when it is good. Raises Missing, StorageError."""
    if response.status_code < 400:
        return response
    text = response.text[:500]
    # Storage answers 400 with the true status inside the body.
    if response.status_code == 404 or '"statusCode":"404"' in text:
        raise Missing(text)
    raise StorageError(f"{response.status_code} {text}")


def retried(step: Callable[[], Result]) -> Result:
    """Run `step` again, a little later each time, when the connection or the server failed."""
    import httpx

    for attempt in range(TRIES):
        try:
            return step()
        except (httpx.TransportError, StorageError) as error:
            if attempt == TRIES - 1 or isinstance(error, Missing):
                raise
            time.sleep(0.3 * 2**attempt)
    raise AssertionError("unreachable")


@contextmanager
def translated() -> Iterator[None]:
    """Turn the clients' errors into ours."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        kind = StorageError if _time_is_left() else TooSlow
        raise kind(f"{type(error).__name__}: {error}") from error
    except StorageError:
        raise
    except Exception as error:
        from storage3.exceptions import StorageApiError

        if not isinstance(error, StorageApiError):
            raise
        if str(error.status) == "404" or error.code in ("not_found", "NoSuchKey"):
            raise Missing(str(error)) from error
        raise StorageError(str(error)) from error


def retry_once(step: Callable[[], Result]) -> Result:
    """Run a request that may safely be repeated; again if no good response came.

    Each of the two gets a whole answer in its time, or fails. Raises Missing, StorageError.
    """
    with translated():
        return _twice(step)


def _twice(step: Callable[[], Result]) -> Result:
    import httpx
    from storage3.exceptions import StorageApiError

    def once() -> Result:
        with limits.within(limits.current().storage):
            return step()

    try:
        return once()
    except httpx.TransportError:
        if not _time_is_left():
            raise
    except StorageApiError as error:
        if not str(error.status).startswith("5"):
            raise
    time.sleep(RETRY_SECONDS)
    return once()


def _time_is_left() -> bool:
    budget = limits.budget()
    return budget is None or budget.left > 0


def base() -> str:
    """The address that Storage's routes begin with."""
    return f"{settings().supabase_url}/storage/v1"


def auth() -> dict[str, str]:
    """The headers that let us in."""
    key = settings().supabase_secret_key
    return {"apikey": key, "Authorization": f"Bearer {key}"}
