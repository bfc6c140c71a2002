"""Reads GET /metrics."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client import parser

from lib.http.service import metrics
from lib.telemetry import counters
from local.stack import Stack


def scrape(stack: Stack) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All samples by name and labels, after counting what was just written too."""
    counters.advance(settled_seconds=0)
    answer = httpx.get(
        f"{stack.url}/metrics",
        headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == metrics.CONTENT_TYPE
    return samples(answer.text)


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of a page, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def grown(before: dict[Any, float], after: dict[Any, float], name: str, **labels: str) -> float:
    key = (name, frozenset(labels.items()))
    return after.get(key, 0) - before.get(key, 0)
