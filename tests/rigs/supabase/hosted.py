"""A database with the rights of a hosted Supabase project, on the embedded server.

The role that applies migrations there, `postgres`, is not a superuser: it may use all tables of the
schemas auth and storage, and create nothing in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pgmq
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from local import keys, migrate, postgres
from local.postgres import Postgres
from local.processes.children import Child
from tests.rigs.supabase.storage_server import fresh_database

OWNER = "hosted_owner"
RIGHTS = f"""
    do $$ begin
      if not exists (select from pg_roles where rolname = '{OWNER}') then
        create role {OWNER} login nosuperuser createdb createrole bypassrls;
      end if;
    end $$;
    grant create on database {{database}} to {OWNER};
    grant usage on schema auth, storage, extensions to {OWNER};
    grant create on schema extensions to {OWNER};
    grant all on all tables in schema auth, storage to {OWNER};
    grant all on all sequences in schema auth, storage to {OWNER};
    grant all on all routines in schema auth, storage to {OWNER};
    grant anon, authenticated, service_role to {OWNER};
"""
# What runs as the superuser of a hosted project behind `create extension`, the part that matters:
# the tables of the extension go to whoever owns its schema.
AFTER = """
    do $$ declare name text; begin
      for name in select c.oid::regclass from pg_class c
                   where c.relnamespace = 'pgmq'::regnamespace and c.relkind in ('r', 'p') loop
        execute format('grant all on %s to public', name);
      end loop;
    end $$;
"""


def hosted_database(server: Postgres) -> str:
    """A fresh database as hosted Supabase hands it out, without pgmq; the address of its owner."""
    url = fresh_database(server)
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(RIGHTS.format(database=name).encode())
    return make_conninfo(url, user=OWNER)


def offer_pgmq(server: Postgres, folder: Path) -> None:
    """Let `create extension pgmq` work on the server, also for roles that are not superusers."""
    sql = Path(pgmq.__file__).parent / "sql" / "pgmq.sql"
    offer_extension(server, folder, "pgmq", sql.read_text() + AFTER, "schema = 'pgmq'")


def offer_extension(server: Postgres, folder: Path, name: str, sql: str, control: str = "") -> None:
    """Let `create extension` find one that consists of `sql`.

    `folder` is the same for all of a server, and must be readable by the server's user.
    """
    extensions = folder / "extension"
    extensions.mkdir(parents=True, exist_ok=True)
    (extensions / f"{name}.control").write_text(
        f"default_version = '1.0'\nrelocatable = false\ntrusted = true\n{control}\n"
    )
    (extensions / f"{name}--1.0.sql").write_text(sql)
    for path in (folder, extensions, *extensions.iterdir()):
        path.chmod(0o755)
    with psycopg.connect(server.url, autocommit=True) as connection:
        value = f"$system:{folder}"
        connection.execute(f"alter system set extension_control_path = '{value}'".encode())
        connection.execute("select pg_reload_conf()")


@contextmanager
def hosted_project(folder: Path) -> Iterator[dict[str, str]]:
    """A project with hosted rights, its migrations applied; the settings as Vercel's integration
    names them."""
    server = postgres.start(folder / "postgres")
    stack_keys = keys.load(folder / "keys.json")
    child: Child | None = None
    try:
        offer_pgmq(server, folder / "extensions")
        owner = hosted_database(server)
        migrate.migrate(owner)
        parts = conninfo_to_dict(owner)
        superuser = make_conninfo(owner, user="postgres")
        arguments = [str(folder), superuser, "0", "http://127.0.0.1:3000"]
        child = Child("local.processes.supabase", arguments, dict(os.environ))
        yield {
            "POSTGRES_URL": f"postgresql://{OWNER}@/{parts['dbname']}"
            f"?host={quote(str(parts['host']), safe='')}&sslmode=disable&supa=base-pooler.x",
            "SUPABASE_URL": child.ready(),
            "SUPABASE_SERVICE_ROLE_KEY": stack_keys.secret,
            "NEXT_PUBLIC_SUPABASE_ANON_KEY": stack_keys.publishable,
        }
    finally:
        if child:
            child.stop()
        server.stop()
