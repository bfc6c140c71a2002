"""What the stand-in keeps: a SQLite file, every change in a transaction."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Thing = dict[str, Any]
"""An object of the API. Names that begin with `_` are ours and never shown."""

_SCHEMA = """
create table if not exists things (
  seq integer primary key, id text not null unique, kind text not null, body text not null
);
create index if not exists things_of_customer
  on things (kind, json_extract(body, '$.customer'));
create table if not exists answers (
  key text primary key, request text not null, status integer, body text, at integer not null
);
create table if not exists deliveries (
  seq integer primary key, event text not null, endpoint text not null, due real not null,
  held integer not null, tries integer not null default 0, outcome text, answer text
);
create index if not exists deliveries_due on deliveries (due) where outcome is null;
create table if not exists notes (name text primary key, value text not null);
"""


class State:
    """Objects by id. Everything but `transaction` is called inside one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time. An exception with a true `keep` keeps what was done."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException as error:
                self._connection.execute("commit" if getattr(error, "keep", False) else "rollback")
                raise
            self._connection.execute("commit")

    def run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""
        return self._connection.execute(sql, values).fetchall()

    def get(self, thing_id: str) -> Thing | None:
        """One object."""
        rows = self.run("select body from things where id = ?", thing_id)
        return json.loads(rows[0][0]) if rows else None

    def put(self, thing: Thing) -> Thing:
        """Keep an object, new or changed."""
        self.run(
            "insert into things (id, kind, body) values (?, ?, ?)"
            " on conflict (id) do update set body = excluded.body",
            thing["id"],
            thing["object"],
            json.dumps(thing),
        )
        return thing

    def find(
        self,
        kind: str,
        equal: Mapping[str, object] | None = None,
        *conditions: tuple[str, tuple[object, ...]],
        limit: int = -1,
        oldest_first: bool = False,
    ) -> list[Thing]:
        """Objects of a kind, newest first: `equal` by JSON path, `conditions` as SQL."""
        where, values = ["kind = ?"], [kind]
        for path, value in (equal or {}).items():
            where.append(f"json_extract(body, '$.{path}') = ?")
            values.append(value)  # type: ignore[arg-type] # SQLite takes them all
        for sql, more in conditions:
            where.append(sql)
            values += more  # type: ignore[arg-type]
        order = "asc" if oldest_first else "desc"
        rows = self.run(
            f"select body from things where {' and '.join(where)} order by seq {order} limit ?",  # noqa: S608 -- names are ours
            *values,
            limit,
        )
        return [json.loads(row[0]) for row in rows]

    def note(self, name: str) -> Any:
        """A note of the stand-in's own; None when there is none."""
        rows = self.run("select value from notes where name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def take_note(self, name: str, value: object) -> None:
        """Keep a note."""
        self.run(
            "insert or replace into notes (name, value) values (?, ?)", name, json.dumps(value)
        )
