"""Waking a worker: a call that is sent and not waited for."""

from __future__ import annotations

import http.client
import json
import sys
from urllib.parse import urlsplit

from lib.platform.settings import settings

SECONDS = 2.0


def wake() -> None:
    """Ask the worker function to look at the queue. Never raises.

    The worker answers its first byte at once and works on; a call that is lost does no harm, since
    the next one, the next worker or the cron finds the job.
    """
    url = urlsplit(settings().worker_url)
    headers = {"Authorization": f"Bearer {settings().worker_secret}", "Content-Length": "0"}
    if settings().protection_bypass:
        headers["x-vercel-protection-bypass"] = settings().protection_bypass or ""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=SECONDS)
    try:
        connection.request("POST", url.path or "/", headers=headers)
        connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        line = {
            "level": "warning",
            "message": "the worker could not be woken",
            "error": repr(error),
        }
        print(json.dumps(line), file=sys.stderr, flush=True)  # noqa: T201
    finally:
        connection.close()
