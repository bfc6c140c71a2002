"""Stored files: rows of the database, what Storage holds, and the sweep."""

from __future__ import annotations

from typing import Any, LiteralString

import httpx
import psycopg

from local.stack import Stack
from tests.rigs.accounts import Account


def rows(stack: Stack, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def sweep(stack: Stack) -> dict[str, Any]:
    answer = httpx.get(
        f"{stack.url}/internal/cron/sweep",
        headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def stored(stack: Stack, account: Account) -> set[str]:
    """The addresses of all that Storage holds of an account."""
    records = rows(
        stack,
        "select 'gs://' || bucket_id || '/' || name from storage.objects"
        " where split_part(name, '/', 1) = (select id::text from app.accounts where email = %s)",
        account.email,
    )
    return {row[0] for row in records}
