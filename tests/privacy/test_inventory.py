"""Every table and column of personal data is in the export, and goes with the account."""

from __future__ import annotations

import re
from collections import defaultdict

from lib.platform import postgres
from lib.privacy.inventory import IMPERSONAL, LOGIN, LOGIN_WITHHELD, OUTSIDE, TABLES
from local.stack import Stack
from tests.rigs.privacy.schema import columns


def test_every_table_has_its_place(stack: Stack) -> None:
    names = {table.name for table in TABLES} | set(IMPERSONAL)
    assert names == set(columns())


def test_a_new_column_of_a_table_that_tells_of_nobody_needs_a_decision(stack: Stack) -> None:
    there = columns()
    for table, names in IMPERSONAL.items():
        assert set(names.split()) == there[table], table


def test_a_new_column_of_a_table_that_tells_of_people_needs_a_decision(stack: Stack) -> None:
    """Exported or not, and with a row that stays: emptied or not."""
    there = columns()
    for table in TABLES:
        exported = table.exported.split()
        assert sorted([*exported, *table.withheld]) == sorted(there[table.name]), table.name
        assert all(table.withheld.values())
        left = [*table.emptied.split(), *table.stays.split()]
        expected = there[table.name] if table.ends == "forgotten" else set()
        assert sorted(left) == sorted(expected), table.name


def test_a_new_column_of_the_login_needs_a_decision(stand_ins: Stack) -> None:
    for table, withheld in LOGIN_WITHHELD.items():
        alias = {"auth.users": "u", "auth.identities": "i", "auth.sessions": "s"}[table]
        exported = set(re.findall(rf"\b{alias}\.(\w+)", LOGIN)) - set(withheld)
        there = {
            row["name"]
            for row in postgres.rows(
                "select attname as name from pg_attribute where attrelid = %(table)s::regclass"
                " and attnum > 0 and not attisdropped",
                {"table": table},
            )
        }
        assert exported | set(withheld) == there, table
        assert all(withheld.values())


def test_what_ends_with_the_account_does_so_in_the_database(stack: Stack) -> None:
    """By the foreign keys themselves, over as many tables as it takes."""
    deletes: dict[str, set[str]] = defaultdict(set)
    forgets = set()
    for row in postgres.rows(
        "select conrelid::regclass::text as child, confrelid::regclass::text as parent,"
        " confdeltype as rule from pg_constraint where contype = 'f'"
        " and connamespace = 'app'::regnamespace"
    ):
        if row["rule"] == "c":
            deletes[row["parent"]].add(row["child"])
        if row["rule"] == "n" and row["parent"] == "app.accounts":
            forgets.add(row["child"])
    missing, new = set(), {"app.accounts"}
    while new:
        missing |= new
        new = {child for parent in new for child in deletes[parent]} - missing
    erasing = postgres.row("select pg_get_functiondef('app.erase_account'::regproc) as text")
    assert erasing
    for table in TABLES:
        name = f"app.{table.name}"
        if table.ends == "cascade":
            assert name in missing, name
        elif table.ends == "forgotten":
            for column in table.emptied.split():
                emptied = re.search(rf"update {name} set [^;]*\b{column} = (null|'{{}}')",
                                    erasing["text"])  # fmt: skip
                assert emptied or (column == "account_id" and name in forgets), (name, column)
        else:
            assert f"delete from {name}" in erasing["text"] or name == "app.stripe_events"


def test_the_tables_of_auth_storage_and_queue_have_their_place(stand_ins: Stack) -> None:
    there = {
        row["name"]
        for row in postgres.rows(
            "select format('%s.%s', n.nspname, c.relname) as name from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p') and n.nspname not in"
            " ('app', 'information_schema', 'pg_catalog', 'pg_toast', 'supabase_migrations')"
        )
    }
    assert there <= set(OUTSIDE)
    ends = {
        row["child"]
        for row in postgres.rows(
            "with recursive gone as ("
            " select 'auth.users'::regclass::oid as id"
            " union select c.conrelid from pg_constraint c join gone g on g.id = c.confrelid"
            "  where c.contype = 'f' and c.confdeltype = 'c')"
            " select id::regclass::text as child from gone"
        )
    }
    erasing = postgres.row("select pg_get_functiondef('app.erase_account'::regproc) as text")
    assert erasing
    for name, answer in OUTSIDE.items():
        if "goes with" in answer:
            assert name in ends, name
        if "app.erase_account" in answer:
            assert f"delete from {name}" in erasing["text"], name
        if "exported with `login`" in answer or "exported as `login`" in answer:
            assert name in LOGIN, name


def test_every_account_id_is_covered(stack: Stack) -> None:
    """No column that looks personal is in a table listed as free of personal data."""
    personal = {"account_id", "email", "name", "ip", "customer_id", "key_id", "job_id"}
    for table, there in columns().items():
        if table in IMPERSONAL and there & personal - {"name"}:
            raise AssertionError((table, there & personal))
