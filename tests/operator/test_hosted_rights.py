"""The migrations as hosted Supabase applies them: by a role that is not a superuser."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from local import migrate, postgres
from local.postgres import Postgres
from tests.rigs.supabase.hosted import OWNER, hosted_database, offer_pgmq
from tools import schema


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("hosted")
    running = postgres.start(folder / "postgres")
    offer_pgmq(running, folder / "extensions")
    yield running
    running.stop()


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_the_owner_may_do_what_hosted_projects_may(server: Postgres) -> None:
    """The rig itself: were the role a superuser, the other tests would show nothing."""
    url = hosted_database(server)
    [(superuser,)] = rows(url, "select rolsuper from pg_roles where rolname = current_user")
    assert superuser is False
    for refused in ("create table auth.more (id int)", "create table storage.more (id int)",
                    "alter table auth.users add column more int"):  # fmt: skip
        with (
            psycopg.connect(url, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(refused.encode())


@pytest.mark.parametrize("before", ["", "create schema pgmq", "create extension pgmq"])
def test_migrations_apply_with_hosted_rights(server: Postgres, before: str) -> None:
    """Also where Queues was switched on before, or off again, which leaves the empty schema."""
    url = hosted_database(server)
    if before:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(before.encode())
    assert len(migrate.migrate(url)) == len(list(migrate.FOLDER.glob("*.sql")))
    assert migrate.migrate(url) == []
    assert rows(url, "select e.extname, n.nspname from pg_extension e"
                     " join pg_namespace n on n.oid = e.extnamespace"
                     " where e.extname = 'pgmq'") == [("pgmq", "pgmq")]  # fmt: skip
    [(message,)] = rows(url, "select pgmq.send('jobs', '{}')")
    assert rows(url, "select msg_id from pgmq.read('jobs', 30, 1)") == [(message,)]
    [(owners,)] = rows(url, "select array_agg(distinct tableowner::text) from pg_tables"
                            " where schemaname = 'app'")  # fmt: skip
    assert owners == [OWNER]
    assert schema.text(url) == schema.TARGET.read_text(), "stale: run `make schema`"


def test_data_of_an_older_version_is_refused(server: Postgres) -> None:
    url = hosted_database(server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create schema supabase_migrations")
        connection.execute(
            "create table supabase_migrations.schema_migrations"
            " (version text primary key, statements text[], name text)"
        )
        connection.execute("insert into supabase_migrations.schema_migrations values ('1')")
    with pytest.raises(migrate.OtherMigrations, match="make reset"):
        migrate.migrate(url)
    assert rows(url, "select to_regclass('app.plans')") == [(None,)]


def test_a_login_opens_its_account_there(server: Postgres) -> None:
    """Triggers run as Auth's role, which may do less than the owner."""
    url = hosted_database(server)
    migrate.migrate(url)
    person = uuid.uuid4()
    with psycopg.connect(make_conninfo(url, user="postgres"), autocommit=True) as connection:
        connection.execute("set role supabase_auth_admin")
        connection.execute(
            "insert into auth.users (id, email, raw_user_meta_data)"
            ' values (%s, \'ann@example.com\', \'{"over_13": true, "name": "Ann"}\')',
            (person,),
        )
        connection.execute("update auth.users set email = 'eve@example.com'")
        connection.execute("select app.before_user_created('{}')")
    assert rows(url, "select id, email, name, plan_id from app.accounts") == [
        (person, "eve@example.com", "Ann", "free")
    ]
    with psycopg.connect(make_conninfo(url, user="postgres"), autocommit=True) as connection:
        connection.execute("set role supabase_auth_admin")
        connection.execute("delete from auth.users")
    [(closed,)] = rows(url, "select closed_at is not null from app.accounts")
    assert closed is True
