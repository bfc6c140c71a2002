"""The columns of every table of schema app."""

from __future__ import annotations

from collections import defaultdict

from lib.platform import postgres


def columns() -> dict[str, set[str]]:
    result: dict[str, set[str]] = defaultdict(set)
    for row in postgres.rows(
        "select c.relname as table, a.attname as column from pg_attribute a"
        " join pg_class c on c.oid = a.attrelid"
        " where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')"
        " and a.attnum > 0 and not a.attisdropped"
    ):
        result[row["table"]].add(row["column"])
    return result
