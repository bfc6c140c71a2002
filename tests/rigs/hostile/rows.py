"""Searches the rows of all tables for secrets."""

from __future__ import annotations

import psycopg

from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.guest import assert_clean


def assert_rows_clean(
    postgres_url: str, url: str, canary: Canary, email: str | None = None
) -> None:
    """No row of schema app holds a secret, and no failed job's message reveals internals.

    With `email` only this account's messages are read: other tests write rows of their own words.
    The request a job keeps is the caller's own words: it may name the canary's path, not its text.
    """
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute(
            "select tablename from pg_tables where schemaname = 'app'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(f'select t::text from app."{table}" t').fetchall()  # type: ignore[call-overload,unused-ignore]
            for (row,) in rows:
                canary.assert_hidden(row.encode())
        failed = connection.execute(
            "select j.error_message from app.jobs j join app.accounts a on a.id = j.account_id"
            " where j.status = 'failed' and (%(email)s::text is null or a.email = %(email)s)",
            {"email": email},
        ).fetchall()
    for (message,) in failed:
        assert_clean(message, url)
