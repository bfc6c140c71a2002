"""The platform's clock: calls the crons of vercel.json, with CRON_SECRET, as Vercel does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx

from local.vercel.functions import Cron


def start(crons: Sequence[Cron], url: str, secret: str, stop: threading.Event) -> None:
    """Call each cron in the minutes its schedule names, in a thread, until `stop`."""

    def run() -> None:
        while True:
            now = datetime.now(UTC)
            minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
            if stop.wait((minute - now).total_seconds()):
                return
            for cron in crons:
                if due(cron.schedule, minute):
                    _call(f"{url}{cron.path}", secret)

    threading.Thread(target=run, name="clock", daemon=True).start()


def due(schedule: str, moment: datetime) -> bool:
    """Whether a five-field cron expression (UTC; *, numbers, lists, steps) names the minute."""
    values = (
        moment.minute,
        moment.hour,
        moment.day,
        moment.month,
        moment.isoweekday() % 7,
    )
    return all(_field(text, value) for text, value in zip(schedule.split(), values, strict=True))


def _field(text: str, value: int) -> bool:
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        start, end = (0, 59) if span == "*" else (int(low), int(high or low))
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False


def _call(url: str, secret: str) -> None:
    try:
        httpx.get(url, headers={"Authorization": f"Bearer {secret}"}, timeout=60, trust_env=False)
    except httpx.HTTPError as error:
        print(f"cron {url}: {error!r}")
