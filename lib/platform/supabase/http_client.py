"""The process's HTTP clients for Supabase: one while a caller waits, one for background work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.platform import limits
from lib.platform.once import once

if TYPE_CHECKING:
    import httpx


def http() -> httpx.Client:
    """The process's client, which waits as long as `limits` allow."""
    return _prompt() if limits.current() is limits.CALLER else _patient()


@once
def _prompt() -> httpx.Client:
    return _client(limits.CALLER)


@once
def _patient() -> httpx.Client:
    return _client(limits.BACKGROUND)


def _client(waits: limits.WaitLimits) -> httpx.Client:
    import httpx

    from lib.platform.supabase.http_transport import Bounded

    return httpx.Client(
        timeout=httpx.Timeout(waits.storage, connect=waits.storage_connect),
        transport=Bounded(),
        follow_redirects=False,
        trust_env=False,
    )
