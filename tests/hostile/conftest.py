"""Fixtures of the hostile cases: the canaries, a guest, and a stack with little patience."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.children import Child
from local.stack import Stack
from tests.conftest import Account
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.guest import Guest, assert_clean
from tests.rigs.sources import SourceServer


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """What must stay untouched."""
    with Canary(tmp_path_factory.mktemp("outside")) as made:
        yield made


@pytest.fixture(autouse=True)
def untouched(canary: Canary) -> Iterator[None]:
    """Look at the canaries after each test."""
    yield
    canary.assert_untouched()


@pytest.fixture(scope="module")
def guest(stack: Stack, canary: Canary) -> Iterator[Guest]:
    """One account for all cases of a file; at the end all its rows are searched."""
    account = Account(stack, "pro")
    made = Guest(stack.url, account.key, canary, account.email)
    yield made
    made.http.close()
    assert_rows_clean(stack.settings["POSTGRES_URL"], stack.url, canary, made.email)


@pytest.fixture
def free_guest(stack: Stack, canary: Canary) -> Iterator[Guest]:
    """A guest on the Free plan, whose inputs are small."""
    made = Guest(stack.url, Account(stack, "free").key, canary)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def values(canary: Canary, sources: SourceServer, clip: Path) -> dict[str, str]:
    """What the placeholders of the cases stand for."""
    return {
        "canary_file": str(canary.file),
        "canary_url": canary.url,
        "canary_port": str(canary.port),
        "outside": str(canary.folder),
        "stray": canary.stray,
        "clip": sources.put(clip),
        "sources": f"127.0.0.1:{sources.port}",
        "sources_port": str(sources.port),
    }


class Impatient:
    """A stack in a process of its own (a process has one), whose jobs may take few seconds."""

    SECONDS = 3

    def __init__(self, folder: Path, source_allow: str) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._child = Child(
            "tests.rigs.processes.impatient",
            [str(folder / "stack"), source_allow, str(self.SECONDS)],
            # Job folders lie where nobody else makes any, so that what is left can be seen.
            {**os.environ, "TMPDIR": str(self.scratch)},
        )
        told = json.loads(self._child.ready())
        self.url: str = told["url"]
        self.key: str = told["key"]
        self.postgres_url: str = told["postgres"]

    def stop(self) -> None:
        """Stop it whole."""
        self._child.stop()


@pytest.fixture(scope="session")
def impatient(
    tmp_path_factory: pytest.TempPathFactory, sources: SourceServer, canary: Canary
) -> Iterator[Impatient]:
    """The whole service with a time limit of a few seconds a job."""
    made = Impatient(tmp_path_factory.mktemp("impatient"), f"127.0.0.1:{sources.port}")
    yield made
    try:
        assert_rows_clean(made.postgres_url, made.url, canary)
    finally:
        made.stop()


def assert_rows_clean(
    postgres_url: str, url: str, canary: Canary, email: str | None = None
) -> None:
    """No row of any table of ours holds a secret, and no failed job's message tells of the inside.

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
