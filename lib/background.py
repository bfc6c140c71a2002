"""What is done behind the answers: each kind of task and who does it."""

from __future__ import annotations

from datetime import UTC, datetime

from lib.accounts import guests
from lib.billing import subscriptions
from lib.files import sweep as files
from lib.outbox import mail, tasks
from lib.platform.settings import settings
from lib.privacy import erase, export, policies, retention
from lib.telemetry import counters, request_retention

SWEEP_SECONDS = 30
IDLE_SECONDS = 40
GUESTS = 20
"""Visitors whose erasure is begun at a time."""


def run(seconds: float) -> dict[str, int]:
    """Do the tasks that are due; how many were done, will be tried again, were given up."""
    handlers = dict(_HANDLERS)
    if settings().mail_transport is None:  # mails wait until there is one
        del handlers["mail"]
    return tasks.run(handlers, seconds)


def idle() -> int:
    """What a worker does with nothing else to do: visitors' ends, due tasks, hourly a sweep.

    So files go within the hour where anything happens at all, although the platform's free plan
    calls crons once a day only. The number of tasks done.
    """
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    guests.leave(GUESTS)
    tasks.add("sweep", key=f"sweep:{hour}")
    return run(IDLE_SECONDS)["done"]


def sweep(seconds: float) -> files.Swept:
    """Delete for at most about `seconds` what is not to be kept any longer."""
    while retention.forget_old():
        pass
    return files.sweep(seconds, (_guests, _drop_addresses, _count, _roll_up))


def _guests(swept: files.Swept) -> int:
    number = guests.leave(files.BATCH)
    swept.guests += number
    return number


def _drop_addresses(swept: files.Swept) -> int:
    number = request_retention.drop_addresses(files.BATCH)
    swept.addresses_dropped += number
    return number


def _count(_: files.Swept) -> int:
    """Count calls for the metrics before their rows go."""
    counters.advance()
    return 0


def _roll_up(swept: files.Swept) -> int:
    number = request_retention.roll_up(files.BATCH)
    swept.calls_rolled_up += number
    return number


def _sweep(_: tasks.Task) -> None:
    swept = sweep(SWEEP_SECONDS)
    if not swept.finished and not swept.failed:  # what failed is due again by itself, later
        raise tasks.GoOn


_HANDLERS: dict[str, tasks.Handler] = {
    "erase": erase.step,
    "export": export.make,
    "grace": subscriptions.end_grace,
    "mail": mail.deliver,
    "sweep": _sweep,
    policies.ANNOUNCE: policies.announce,
}
