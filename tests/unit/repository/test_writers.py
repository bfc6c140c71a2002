"""Which modules may hold SQL that writes the tables of a job's life, and of tasks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRANSITIONS = "lib/jobs/transitions.py"
WRITERS = {
    "job_events": {TRANSITIONS},
    # What the operator grants and refunds is of no job's life.
    "usage": {TRANSITIONS, "lib/usage/grants.py"},
    "usage_ledger": {TRANSITIONS, "lib/usage/grants.py"},
    "tasks": {"lib/outbox/tasks.py"},
}
FUNCTIONS = {
    "create_job": {TRANSITIONS},
    "claim_job": {TRANSITIONS},
    # The operator's cancel is logged in the statement that cancels.
    "cancel_jobs": {TRANSITIONS, "lib/admin/jobs.py"},
}
LIFE = {"status", "reserved_minutes", "billable_minutes", "attempt", "period", "error_category",
        "error_message", "completed_at", "started_at", "updated_at", "outputs"}  # fmt: skip
"""Columns of app.jobs that only transitions set; others set when files expire, or leases end."""
WRITE = re.compile(r"(?:insert\s+into|update|delete\s+from|truncate)\s+app\.(\w+)", re.IGNORECASE)
UPDATED = re.compile(r"update\s+app\.jobs\b.*?\bset\b(.*?)(?:\bwhere\b|\bfrom\b|$)", re.I | re.S)


def sql() -> Iterator[tuple[str, str]]:
    """Every string in lib and api, with its module; the parts of an f-string are joined."""
    for path in (*(ROOT / "lib").rglob("*.py"), *(ROOT / "api").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield name, node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (
                    str(part.value) if isinstance(part, ast.Constant) else " {} "
                    for part in node.values
                )
                yield name, "".join(parts)


@pytest.mark.parametrize("table", WRITERS)
def test_a_table_has_its_writers_alone(table: str) -> None:
    found = {name for name, text in sql() if table in WRITE.findall(text)}
    assert found == WRITERS[table]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_of_transitions_are_called_there(function: str) -> None:
    assert {name for name, text in sql() if f"app.{function}(" in text} == FUNCTIONS[function]


def test_only_transitions_change_a_jobs_life() -> None:
    """Others may set when a job's files expire or its lease ends, and nothing else."""
    places = set()
    for name, text in sql():
        for columns in UPDATED.findall(text):
            if LIFE & set(re.findall(r"(\w+)\s*=", columns)):
                places.add(name)
        if re.search(r"(insert\s+into|delete\s+from)\s+app\.jobs\b", text, re.IGNORECASE):
            places.add(name)
    assert places == {TRANSITIONS}
