"""Waking our own functions: calls that are sent and not waited for."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from lib.platform import log
from lib.platform.settings import settings

SECONDS = 2.0


def worker() -> None:
    """Ask the worker function to look at the queue. Never raises.

    The worker answers its first byte at once and works on; a call that is lost does no harm, since
    the next one, the next worker or the cron finds the job.
    """
    _call(settings().worker_url, settings().worker_secret)


def tasks() -> None:
    """Ask for the tasks that are due to be done. Never raises; a lost call does no harm."""
    _call(f"{settings().api_url}/internal/cron/tasks", settings().cron_secret)


def _call(address: str, secret: str) -> None:
    url = urlsplit(address)
    headers = {"Authorization": f"Bearer {secret}", "Content-Length": "0"}
    if settings().protection_bypass:
        headers["x-vercel-protection-bypass"] = settings().protection_bypass or ""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=SECONDS)
    try:
        connection.request("POST", url.path or "/", headers=headers)
        connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        log.warning("not woken", error, route=url.path)
    finally:
        connection.close()
