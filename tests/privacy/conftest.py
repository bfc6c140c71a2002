"""Fixtures of the tests of privacy."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from local.stack import Stack


@pytest.fixture
def hold_erasures(stack: Stack) -> Iterator[None]:
    """Hold erasures back from the stack's own worker."""
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "create function app.hold() returns trigger language plpgsql as $$ begin"
            " if new.kind = 'erase' then new.kind := 'held'; end if; return new; end $$;"
            "create trigger hold before insert on app.tasks"
            " for each row execute function app.hold()"
        )
        yield
        connection.execute("drop trigger hold on app.tasks; drop function app.hold()")
