"""Which modules and SQL functions may write the tables of a job's life, files and tasks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRANSITIONS = "lib/jobs/transitions"
"""A package; its modules count as one writer."""
WRITERS = {
    "job_events": {TRANSITIONS},
    "usage": {TRANSITIONS},
    "usage_ledger": {TRANSITIONS},
    "tasks": {"lib/outbox/tasks.py"},
    "leases": {TRANSITIONS, "lib/jobs/queue.py"},
    "files": {"lib/files/records.py"},
}
FUNCTIONS = {
    "create_job": {TRANSITIONS},
    "claim_job": {TRANSITIONS},
    "cancel_jobs": {TRANSITIONS},
    "grant_minutes": {"lib/usage/grants.py"},
    "refund_job": {"lib/usage/grants.py"},
    "retry_task": {"lib/admin/stuck.py"},
    "record_upload": {"lib/files/records.py"},
    "record_outputs": {TRANSITIONS},
    "expire_inputs": {TRANSITIONS},
    "shorten_files": {"lib/files/retention.py"},
    "withdraw_file": {"lib/files/records.py"},
}
SQL_WRITERS = {
    "jobs": {"create_job", "claim_job", "cancel_jobs", "stamp_change", "erase_account"},
    "job_events": {"create_job", "claim_job", "cancel_jobs", "place_event"},
    "usage": {"create_job", "cancel_jobs", "grant_minutes", "refund_job"},
    "usage_ledger": {"create_job", "cancel_jobs", "grant_minutes", "refund_job"},
    "tasks": {"add_task", "retry_task", "erase_account"},
    "leases": {"claim_job"},
    "files": {
        "record_upload",
        "record_outputs",
        "record_export",
        "withdraw_file",
        "expire_inputs",
        "shorten_files",
        "erase_account",
    },
}
"""The functions of supabase/schema.sql that write a table; they are called where FUNCTIONS says."""
LIFE = {"status", "reserved_minutes", "billable_minutes", "attempt", "period", "error_category",
        "error_message", "completed_at", "started_at", "updated_at"}  # fmt: skip
"""Columns of app.jobs that only transitions set; others set progress, and when its owner deleted
its files."""
WRITE = re.compile(r"(?:insert\s+into|update|delete\s+from|truncate)\s+app\.(\w+)", re.IGNORECASE)
UPDATED = re.compile(r"update\s+app\.jobs\b.*?\bset\b(.*?)(?:\bwhere\b|\bfrom\b|$)", re.I | re.S)


def sql() -> Iterator[tuple[str, str]]:
    """Every string in lib and api, with its module; the parts of an f-string are joined."""
    for path in (*(ROOT / "lib").rglob("*.py"), *(ROOT / "api").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name.startswith(f"{TRANSITIONS}/"):
            name = TRANSITIONS
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
    matches = {name for name, text in sql() if table in WRITE.findall(text)}
    assert matches == WRITERS[table]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_of_transitions_are_called_there(function: str) -> None:
    assert {name for name, text in sql() if f"app.{function}(" in text} == FUNCTIONS[function]


@pytest.mark.parametrize("table", SQL_WRITERS)
def test_a_table_has_its_functions_alone(table: str) -> None:
    schema = (ROOT / "supabase" / "schema.sql").read_text()
    matches = {
        name
        for name, body in re.findall(
            r"^CREATE OR REPLACE FUNCTION app\.(\w+)\(.*?\$function\$(.*?)\$function\$", schema,
            re.MULTILINE | re.DOTALL,
        )
        if table in WRITE.findall(body)
    }  # fmt: skip
    assert matches == SQL_WRITERS[table]


def test_only_transitions_change_a_jobs_life() -> None:
    """Others may set a job's progress and when its owner deleted its files, and nothing else."""
    places = set()
    for name, text in sql():
        for columns in UPDATED.findall(text):
            if LIFE & set(re.findall(r"(\w+)\s*=", columns)):
                places.add(name)
        if re.search(r"(insert\s+into|delete\s+from)\s+app\.jobs\b", text, re.IGNORECASE):
            places.add(name)
    assert places == {TRANSITIONS}
