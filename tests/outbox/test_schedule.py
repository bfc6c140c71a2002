"""Crons that the database calls, where it can: hosted Supabase has pg_cron, one machine has not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from local import postgres
from local.stack import Stack
from local.vercel import functions
from tests.rigs.supabase.hosted import offer_extension

# The calls we make, as pg_cron, pg_net and Vault document them; what is asked for is kept.
CRON = """
    create schema cron;
    create table cron.job (jobname text primary key, schedule text, command text);
    create table cron.job_run_details (runid bigint, command text, end_time timestamptz);
    create function cron.schedule(job_name text, schedule text, command text) returns bigint
    language sql as $$
      insert into cron.job values (job_name, schedule, command)
      on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command;
      select 1::bigint $$;
"""
NET = """
    create schema net;
    create table net.calls (url text, headers jsonb, timeout integer);
    create function net.http_get(url text, params jsonb default '{}', headers jsonb default '{}',
      timeout_milliseconds integer default 5000) returns bigint
    language sql as $$
      insert into net.calls values (url, headers, timeout_milliseconds); select 1::bigint $$;
"""
VAULT = """
    create schema vault;
    create table vault.secrets (id uuid primary key default gen_random_uuid(), name text unique,
      secret text);
    create view vault.decrypted_secrets as
      select id, name, secret as decrypted_secret from vault.secrets;
    create function vault.create_secret(new_secret text, new_name text default null,
      new_description text default '') returns uuid
    language sql as $$
      insert into vault.secrets (name, secret) values (new_name, new_secret) returning id $$;
    create function vault.update_secret(secret_id uuid, new_secret text default null,
      new_name text default null, new_description text default null) returns void
    language sql as $$ update vault.secrets set secret = new_secret where id = secret_id $$;
"""
CLOCK = CRON + NET + VAULT


@pytest.fixture(scope="module")
def stack_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("clock"), functions=False) as running:
        yield running


def schedule(stack: Stack, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from lib.platform.schedule import schedule; print(schedule())"],
        env=os.environ | stack.settings | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_without_a_clock_nothing_is_set(stack_alone: Stack) -> None:
    assert schedule(stack_alone) == "{}"


def test_the_clock_calls_our_crons_with_the_secret(stack: Stack, stack_alone: Stack) -> None:
    with psycopg.connect(stack_alone.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(CLOCK)
        secret = stack.settings["CRON_SECRET"]
        for _ in range(2):  # safe to repeat
            reply = schedule(
                stack_alone, API_URL=stack.url, CRON_SECRET="an older secret of 32 characters"
            )
            reply = schedule(stack_alone, API_URL=stack.url, CRON_SECRET=secret)
        assert f"{stack.url}/internal/cron/heal" in reply
        jobs = connection.execute("select jobname, command from cron.job").fetchall()
        assert {name for name, _ in jobs} == {
            "ffmpeg-micro-heal", "ffmpeg-micro-tasks", "ffmpeg-micro-sweep",
            "ffmpeg-micro-forget-runs",
        }  # fmt: skip
        connection.execute(
            "insert into cron.job_run_details values (1, '', now() - interval '8 days'),"
            " (2, '', now() - interval '6 days'), (3, '', null)"
        )
        for _, command in jobs:
            assert secret not in command
            connection.execute(command.encode())
        runs = connection.execute("select runid from cron.job_run_details order by 1").fetchall()
        calls = connection.execute("select url, headers, timeout from net.calls").fetchall()
    assert runs == [(2,), (3,)]
    assert len(calls) == 3
    longest = functions.configuration()["functions"]["api/cron.py"]["maxDuration"]
    for url, headers, timeout in calls:
        assert timeout == longest * 1000
        answer = httpx.get(url, headers=headers, trust_env=False, timeout=60)
        assert answer.status_code == 200, (url, answer.text)


def test_pg_net_lands_in_the_schema_of_extensions(tmp_path: Path, stack: Stack) -> None:
    server = postgres.start(tmp_path / "postgres")
    try:
        for name, sql in (("pg_cron", CRON), ("pg_net", NET)):
            offer_extension(server, tmp_path / "extensions", name, sql)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(VAULT)
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from lib.platform.schedule import schedule; print(schedule())",
                ],
                env=os.environ | stack.settings | {"POSTGRES_URL": server.url},
                capture_output=True,
                text=True,
                check=True,
            )
            assert "/internal/cron/heal" in done.stdout
            schemas = connection.execute(
                "select extname, nspname from pg_extension e join pg_namespace n"
                " on n.oid = e.extnamespace where extname = 'pg_net'"
            ).fetchall()
    finally:
        server.stop()
    assert schemas == [("pg_net", "extensions")]
