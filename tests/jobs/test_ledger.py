"""The ledger: append only, and every balance follows from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from local.stack import Stack


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A database that no worker looks at."""
    with Stack(tmp_path_factory.mktemp("ledger"), functions=False) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_balance_follows_from_the_ledger_after_a_random_walk(
    database: Stack, seed: int
) -> None:
    with psycopg.connect(database.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("delete from app.accounts")
        connection.execute("select pgmq.purge_queue('jobs')")
    done = subprocess.run(
        [sys.executable, "-m", "tests.rigs.processes.ledger_walk", str(seed), "1500"],
        env=os.environ | database.settings | {"WORKER_URL": database.url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    for step in ("create", "refused", "claim", "end", "describe", "grow", "fail", "cancel", "kill",
                 "late", "postpone", "plan", "grant", "refund"):  # fmt: skip
        assert counts.get(step, 0) > 0, counts


@pytest.mark.parametrize("statement", ["update app.usage_ledger set minutes = 0",
                                       "delete from app.usage_ledger",
                                       "truncate app.usage_ledger"])  # fmt: skip
def test_the_ledger_is_append_only(database: Stack, statement: str) -> None:
    account = uuid.uuid4()
    with psycopg.connect(database.settings["POSTGRES_URL"]) as connection:
        connection.execute(
            "insert into app.accounts (id, email) values (%s, %s)",
            [account, f"{account}@example.com"],
        )
        connection.execute(
            "insert into app.usage_ledger (account_id, job_id, period, kind, minutes)"
            " values (%s, %s, '2026-11-01', 'reserve', 1)",
            [account, account],
        )
        with pytest.raises(psycopg.errors.RaiseException, match="append only"):
            connection.execute(statement.encode())
