"""Deletes accounts, and searches everything for what is left of them."""

from __future__ import annotations

import uuid

import httpx
import psycopg
from psycopg import sql

from lib.platform import postgres
from local.stack import Stack
from tests.rigs.accounts import Person
from tests.rigs.waiting import eventually


def traces(stack: Stack, words: set[str]) -> list[tuple[str, str]]:
    """Tables that hold any of the words, and the word; and names of stored files."""
    result = []
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        tables = connection.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n"
            " on n.oid = c.relnamespace where c.relkind in ('r', 'p')"
            " and n.nspname not in ('pg_catalog', 'information_schema', 'supabase_migrations')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("select lower(t::text) from {} t").format(sql.Identifier(schema, table))
            for (row,) in connection.execute(query):
                result += [(f"{schema}.{table}", word) for word in words if word.lower() in row]
    for path in (stack.folder / "storage").rglob("*"):
        result += [(str(path), word) for word in words if word.lower() in path.name.lower()]
    return result


def no_trace_stays(stack: Stack, words: set[str]) -> None:
    """Wait until nothing holds any of the words, and nothing that comes late does."""
    eventually(lambda: not traces(stack, words), hold=0.5)


def delete(person: Person, **body: str) -> httpx.Response:
    """Ask for the end of the account; what is called later comes from elsewhere."""
    answer = person.http.request("DELETE", "/v1/account", json=body)
    person.http.headers.pop("x-real-ip", None)
    return answer


def wait_until_erased(stack: Stack, person: Person) -> None:
    """Wait until the account is erased."""
    query = "select 1 from app.tasks where kind = 'erase' and account_id = %(id)s"
    eventually(lambda: not postgres.rows(query, {"id": uuid.UUID(person.id)}))


def let_go(person: Person) -> None:
    postgres.rows(
        "update app.tasks set kind = 'erase', due_at = now() where kind = 'held'"
        " and account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
