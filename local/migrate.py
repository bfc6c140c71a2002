"""Applies supabase/migrations to a database, recorded where the Supabase CLI records them."""

from __future__ import annotations

from pathlib import Path

import psycopg

FOLDER = Path(__file__).parent.parent / "supabase" / "migrations"


class OtherMigrations(Exception):
    """The database was migrated by an older version that shares no migration with this one."""


def migrate(url: str) -> list[str]:
    """Apply what is missing, each file in a transaction; the names of the files applied.

    Raises OtherMigrations, with nothing applied.
    """
    applied: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create schema if not exists supabase_migrations")
        connection.execute(
            "create table if not exists supabase_migrations.schema_migrations"
            " (version text primary key, statements text[], name text)"
        )
        versions = {
            version
            for (version,) in connection.execute(
                "select version from supabase_migrations.schema_migrations"
            )
        }
        paths = sorted(FOLDER.glob("*.sql"))
        if versions and versions.isdisjoint(path.stem.partition("_")[0] for path in paths):
            raise OtherMigrations(
                "This data was created by an older version of FFmpeg Micro and can't be upgraded."
                " Delete it with `make reset`, then start again."
            )
        for path in paths:
            version, _, name = path.stem.partition("_")
            if version in versions:
                continue
            with connection.transaction():
                connection.execute(path.read_text().encode())
                connection.execute(
                    "insert into supabase_migrations.schema_migrations values (%s, %s, %s)",
                    (version, [path.read_text()], name),
                )
            applied.append(path.name)
    return applied
