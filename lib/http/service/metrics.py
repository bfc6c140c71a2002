"""The operator's metrics, as Prometheus text (exposition format 0.0.4).

Functions share no memory, so all values come from the database: totals from the counters of
lib/telemetry/counters.py, the heartbeats of workers, and what waits now. Only `ffm_own_statements`
is of the process that answers. docs/operations.md explains each metric.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response

from lib.files import records
from lib.platform import log, postgres, tally
from lib.platform.database import statements
from lib.telemetry import counters
from lib.telemetry.counters import BOUNDS

if TYPE_CHECKING:
    from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

    Rows = dict[str, list[dict[str, Any]]]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DATABASE_SECONDS = 5.0
"""How long a scrape waits for a connection to the database."""
AWAY = (
    "# The database does not answer, so that there are no totals. What this process has counted and"
    " not yet written:\n"
)
RETRY_SECONDS = 15

COUNTERS = {
    "job_events": ("ffm_job_events", "What happened to jobs; failed ones by category."),
    "job_attempts": ("ffm_job_attempts", "Attempts started, by number of the attempt."),
    "job_failures": ("ffm_job_failures", "Failed jobs by category and by the check that failed."),
    "leases_expired": (
        "ffm_leases_expired",
        "Attempts that began because the worker before fell silent.",
    ),
    "minutes": ("ffm_minutes", "Minutes in the ledger: settle is charged, refund given back."),
    "deletions": ("ffm_deletions", "Files deleted, and why."),
    "tasks": ("ffm_tasks", "Ended tasks; of kind mail: done, given up, uncertain."),
    "log_lines": ("ffm_log_lines", "Warnings and errors in the log, by event and type of error."),
    "database_errors": (
        "ffm_database_errors",
        "Failed statements by kind: pool_timeout, connection, …",
    ),
    "database_slow": (
        "ffm_database_slow",
        "Statements that took a second or longer, with the wait for a connection.",
    ),
}
"""Counters of app.counters that are shown as they are."""

GAUGES = {
    "queue_tickets": "Messages in the queue.",
    "queue_oldest_ticket_seconds": "Age of the oldest message in the queue.",
    "jobs_pending": "Jobs that wait, up to 100,000.",
    "jobs_oldest_pending_seconds": "How long the oldest job has been waiting.",
    "jobs_processing": "Jobs that a worker holds a lease of.",
    "jobs_retrying": "Jobs in their second or a later attempt.",
    "jobs_most_attempts": "The largest number of attempts among running jobs.",
    "jobs_oldest_processing_seconds": "Time since the first start of the oldest running job.",
    "mails_waiting": "Mails that are not sent yet.",
    "mails_failing": "Mails that failed at least once and will be tried again.",
    "tasks_oldest_due_seconds": "How long the oldest due task has been waiting.",
    "files_overdue_seconds": "How long the oldest expired file has been kept too long.",
    "workers": "Worker processes and function instances with a heartbeat in the last minute.",
    "workers_silent": "Workers that held jobs at their last heartbeat, two minutes ago or longer.",
    "worker_slots": "Jobs that live workers may run at once.",
    "worker_busy_slots": "Slots of live workers that are in use.",
    "worker_leases": "Jobs that live workers hold a lease of.",
    "worker_least_free_disk_bytes": "The least free disk space among live workers.",
    "worker_newest_heartbeat_seconds": "Age of the newest heartbeat of any worker.",
    "worker_oldest_heartbeat_seconds": "Age of the oldest heartbeat among live workers.",
}


def response() -> Response:
    """The page; while the database is away, 503 with what this process counted."""
    try:
        counters.save(wait=DATABASE_SECONDS)
        counters.advance(wait=DATABASE_SECONDS)
        rows = counters.totals()
        gauges = counters.waiting() | counters.workers()
        gauges["files_overdue_seconds"] = records.oldest_overdue() or 0.0
    except postgres.PostgresError as error:
        log.error("metrics not complete", error)
        own = [count._asdict() for count in tally.snapshot()]
        return Response(
            AWAY.encode() + _text(own, {}),
            503,
            content_type=CONTENT_TYPE,
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    return Response(_text(rows, gauges), content_type=CONTENT_TYPE)


def _text(rows: list[dict[str, Any]], gauges: dict[str, float]) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(rows, gauges))
    return generate_latest(registry)


class _Collector:
    """Hands rows of app.counters and gauges to prometheus_client."""

    def __init__(self, rows: list[dict[str, Any]], gauges: dict[str, float]) -> None:
        self._rows: Rows = defaultdict(list)
        for row in rows:
            # Calls that could not be recorded were counted by the process that answered them.
            self._rows[row["name"].removesuffix("_unrecorded")].append(row)
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """All metrics."""
        yield _counter(
            "ffm_requests",
            "Calls by route and status.",
            self._rows["requests"],
            ("method", "route", "status"),
        )
        yield _latencies(self._rows["requests"], self._rows["request_milliseconds"])
        for name, (metric, about) in COUNTERS.items():
            rows = self._rows[name]
            labels = tuple(sorted({label for row in rows for label in row["labels"]}))
            yield _counter(metric, about, rows, labels)
        yield from self._measures()

    def _measures(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        for name, about in GAUGES.items():
            if name in self._gauges:
                yield GaugeMetricFamily(f"ffm_{name}", about, self._gauges[name])
        yield GaugeMetricFamily(
            "ffm_own_statements",
            "Statements of the process that answers which run or wait for a connection.",
            statements.running(),
        )


def _counter(
    name: str, about: str, rows: list[dict[str, Any]], labels: tuple[str, ...]
) -> CounterMetricFamily:
    from prometheus_client.metrics_core import CounterMetricFamily

    family = CounterMetricFamily(name, about, labels=labels)
    for values, total in _summed(rows, labels).items():
        family.add_metric(values, total)
    return family


def _latencies(
    counts: list[dict[str, Any]], milliseconds: list[dict[str, Any]]
) -> HistogramMetricFamily:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(
        "ffm_request_seconds", "How long calls took, by route.", labels=["route"]
    )
    in_bucket = _summed(counts, ("route", "bucket"))
    sums = _summed(milliseconds, ("route",))
    for (route,), total in sums.items():
        reached, buckets = 0.0, []
        for number, bound in enumerate((*map(str, BOUNDS), "+Inf")):
            reached += in_bucket.get((route, str(number)), 0)
            buckets.append((bound, reached))
        family.add_metric([route], buckets, total / 1000)
    return family


def _summed(rows: list[dict[str, Any]], names: tuple[str, ...]) -> dict[tuple[str, ...], float]:
    """Values by the labels `names`, summed over all others; a missing label is empty."""
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        labels = (row["labels"].get(name) for name in names)
        sums[tuple("" if each is None else str(each) for each in labels)] += row["value"]
    return sums
