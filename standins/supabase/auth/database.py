"""Statements on the schema `auth`, as the role that Auth works as on hosted Supabase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]

OPTIONS = "-c role=supabase_auth_admin -c search_path=auth -c timezone=UTC"


class Database:
    """Opens a connection for each transaction: nothing to keep, nothing to close."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back when an exception leaves it."""
        with psycopg.connect(self._url, options=OPTIONS) as connection:
            yield connection


def insert(connection: Connection, table: str, values: Mapping[str, Any]) -> None:
    """Insert a row of the schema `auth`; dictionaries are stored as jsonb."""
    statement = sql.SQL("insert into auth.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    connection.execute(statement, _adapted(values))


def update(connection: Connection, table: str, row_id: object, values: Mapping[str, Any]) -> None:
    """Update the row with this id; dictionaries are stored as jsonb."""
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    )
    statement = sql.SQL("update auth.{} set {} where id = %(row_id)s").format(
        sql.Identifier(table), changes
    )
    connection.execute(statement, _adapted(values) | {"row_id": row_id})


def _adapted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Jsonb(value) if isinstance(value, dict) else value for name, value in values.items()
    }
