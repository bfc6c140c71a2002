"""Deletes mails and log lines of one machine once their time has passed."""

from __future__ import annotations

import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from standins.mail import MailSink

MAIL_DAYS = 7
LOG_DAYS = 30
LOG_BYTES = 20 * 2**20
LOG = "log.jsonl"
DAY = timedelta(days=1)
HOUR = 3600.0


def keep_tidy(folder: Path, stop: threading.Event) -> None:
    """Delete old mails and log lines now, and every hour in a thread until `stop`."""
    tidy(folder, datetime.now(UTC))

    def run() -> None:
        while not stop.wait(HOUR):
            tidy(folder, datetime.now(UTC))

    threading.Thread(target=run, name="tidy", daemon=True).start()


def tidy(folder: Path, now: datetime) -> None:
    """Delete mails after MAIL_DAYS, and log lines after LOG_DAYS."""
    MailSink(folder / "mail").delete_before(now - timedelta(days=MAIL_DAYS))
    log = folder / LOG
    if log.exists() and (now - _first_line_at(log, now) >= DAY or log.stat().st_size > LOG_BYTES):
        _put_aside(log, now)
    for path in folder.glob("log-*.jsonl"):
        if now.timestamp() - path.stat().st_mtime >= (LOG_DAYS - 1) * DAY.total_seconds():
            path.unlink(missing_ok=True)


def _first_line_at(log: Path, otherwise: datetime) -> datetime:
    with log.open("rb") as lines:
        line = lines.readline()
    try:
        return datetime.fromisoformat(json.loads(line)["at"])
    except (ValueError, KeyError, TypeError):  # empty, or not one of our lines
        return otherwise


def _put_aside(log: Path, now: datetime) -> None:
    """Copy the log to a dated file and empty it: running processes hold it open to append."""
    with log.open("rb") as source, log.with_name(f"log-{now:%Y%m%dT%H%M%S}.jsonl").open("wb") as to:
        shutil.copyfileobj(source, to)
    os.truncate(log, 0)
