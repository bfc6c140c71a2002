"""The operator's metrics, as Prometheus text (exposition format 0.0.4).

Functions share no memory, so that all values come from the database: totals from the counters of
lib/jobs/counters.py, and what waits now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lib.jobs import counters, sweep

if TYPE_CHECKING:
    from prometheus_client.metrics_core import HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds, as app.count_up has them."""

COUNTERS = {
    "job_events": ("ffm_job_events", "What happened to jobs; failed ones by category."),
    "minutes": ("ffm_minutes", "Minutes in the ledger: settle is charged, refund given back."),
    "deletions": ("ffm_deletions", "Files deleted, and why."),
    "tasks": ("ffm_tasks", "Ended tasks; of kind mail: done, given up, uncertain."),
}


def text() -> bytes:
    """The page. Raises PostgresError."""
    from prometheus_client import CollectorRegistry, generate_latest

    counters.advance()
    registry = CollectorRegistry()
    registry.register(_Collector())
    return generate_latest(registry)


class _Collector:
    """What prometheus_client asks for the values."""

    def collect(self) -> Iterable[Metric]:
        """All metrics."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in counters.totals():
            by_name[row["name"]].append(row)
        requests = CounterMetricFamily(
            "ffm_requests", "Calls by route and status.", labels=["method", "route", "status"]
        )
        for labels, value in _summed(by_name["requests"], ("method", "route", "status")).items():
            requests.add_metric(labels, value)
        yield requests
        yield _latencies(by_name["requests"], by_name["request_milliseconds"])
        for name, (shown, about) in COUNTERS.items():
            names = sorted({label for row in by_name[name] for label in row["labels"]})
            family = CounterMetricFamily(shown, about, labels=names)
            for labels, value in _summed(by_name[name], tuple(names)).items():
                family.add_metric(labels, value)
            yield family
        waiting = counters.waiting()
        waiting["files_overdue_seconds"] = sweep.oldest_overdue() or 0.0
        for name, value in waiting.items():
            yield GaugeMetricFamily(f"ffm_{name}", name.replace("_", " ").capitalize(), value)


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
    """Values by the labels named, the others summed up; a label that is not there is empty."""
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        labels = (row["labels"].get(name) for name in names)
        found[tuple("" if each is None else str(each) for each in labels)] += row["value"]
    return found
