"""Signals of abuse: each shows what it is for, and is silent below its threshold."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lib.admin import signals
from lib.platform import postgres
from local.stack import Stack


@pytest.fixture(autouse=True)
def address(stack: Stack) -> Iterator[str]:
    """An address that nobody else calls from; what was recorded of it goes with the test."""
    number = uuid.uuid4().int
    address = f"2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1"
    yield address
    postgres.rows("delete from app.request_log where ip = %(ip)s", {"ip": address})


def record(address: str, status: int, count: int, **values: Any) -> None:
    postgres.rows(
        """
        insert into app.request_log (at, request_id, account_id, method, route, status,
                                     milliseconds, ip)
        select now() - %(age)s::interval, 'x', %(account)s, 'POST', '/v1/transcodes', %(status)s, 1,
               %(ip)s
          from generate_series(1, %(count)s)
        """,
        {"account": None, "age": "1 second"}
        | values
        | {"ip": address, "status": status, "count": count},
    )


def of_address(rows: list[dict[str, Any]], address: str) -> list[dict[str, Any]]:
    return [row for row in rows if str(row["ip"]) == address]


def of_account(rows: list[dict[str, Any]], account: uuid.UUID) -> list[dict[str, Any]]:
    return [row for row in rows if row["account"] == account]


def test_a_burst_of_bad_credentials(address: str) -> None:
    record(address, 401, signals.BAD_CREDENTIALS.least - 1)
    assert of_address(signals.BAD_CREDENTIALS.rows(), address) == []
    record(address, 401, 1)
    [row] = of_address(signals.BAD_CREDENTIALS.rows(), address)
    assert row["calls"] == signals.BAD_CREDENTIALS.least


def test_a_slow_day_is_no_burst(address: str) -> None:
    for hour in range(1, 6):
        record(address, 401, signals.BAD_CREDENTIALS.least // 5, age=f"{hour} hours")
    record(address, 401, signals.BAD_CREDENTIALS.least, age="3 days")
    assert of_address(signals.BAD_CREDENTIALS.rows(), address) == []


def test_many_new_accounts_from_one_address(address: str) -> None:
    for _ in range(signals.MANY_ACCOUNTS.least - 1):
        record(address, 200, 3, account=opened("1 hour"))
    for _ in range(5):
        record(address, 200, 1, account=opened("3 days"))  # an office that was there before
    assert of_address(signals.MANY_ACCOUNTS.rows(), address) == []
    last = opened("5 minutes")
    record(address, 200, 1, account=last)
    [row] = of_address(signals.MANY_ACCOUNTS.rows(), address)
    assert row["calls"] == signals.MANY_ACCOUNTS.least
    assert last in row["accounts"]


def opened(age: str) -> uuid.UUID:
    row = postgres.row(
        "insert into app.accounts (id, created_at) values (gen_random_uuid(),"
        " now() - %(age)s::interval) returning id",
        {"age": age},
    )
    assert row
    return uuid.UUID(str(row["id"]))


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        (402, signals.QUOTA_PROBING),
        (429, signals.HAMMERING),
        (400, signals.HOSTILE_REQUESTS),
    ],
)
def test_an_account_that_is_refused_again_and_again(
    address: str, status: int, signal: signals.Signal
) -> None:
    account, least = uuid.uuid4(), signal.least
    record(address, status, least - 1, account=account)
    record(address, status, least, account=account, age="25 hours")
    record(address, 200, least, account=account)
    record(address, status, least)  # nobody's
    assert of_account(signal.rows(), account) == []
    record(address, status, 1, account=account)
    [row] = of_account(signal.rows(), account)
    assert row["calls"] == least


def insert_jobs(account: uuid.UUID, count: int, **values: Any) -> None:
    """Ended jobs of the account, with the event of their end."""
    postgres.rows(
        """
        with jobs as (
          insert into app.jobs (account_id, status, request, output_format, inputs, period, attempt,
                                error_category, updated_at)
          select %(account)s, %(status)s, '{}', 'mp4', '[]', now(), %(attempt)s, 'upload',
                 now() - %(age)s::interval
            from generate_series(1, %(count)s)
          returning id
        )
        insert into app.job_events (job_id, kind, detail)
        select id, 'failed', jsonb_build_object('reason', %(reason)s::text) from jobs
        """,
        {"status": "failed", "attempt": 1, "reason": "dns", "age": "1 second"}
        | values
        | {"account": account, "count": count},
    )


@pytest.mark.parametrize(
    ("signal", "job"),
    [
        (signals.FAILING_JOBS, {}),
        (signals.MANY_ATTEMPTS, {"attempt": 2, "status": "completed"}),
        (signals.SLOW_SOURCES, {"reason": "slow"}),
    ],
)
def test_an_account_whose_jobs_fail(
    stack: Stack, signal: signals.Signal, job: dict[str, Any]
) -> None:
    account = opened("2 days")
    insert_jobs(account, signal.least - 1, **job)
    insert_jobs(account, signal.least, **job, age="25 hours")
    insert_jobs(account, signal.least, status="canceled")
    assert of_account(signal.rows(), account) == []
    insert_jobs(account, 1, **job)
    assert sum(row["jobs"] for row in of_account(signal.rows(), account)) >= signal.least
    postgres.rows("delete from app.jobs where account_id = %(id)s", {"id": account})


@pytest.mark.parametrize(
    ("networks", "line"),
    [
        (["198.51.100.{n}"] * 1, "198.51.100.{n}"),
        (["2001:db8:{n}:1::/64", "2001:db8:{n}:2::/64"], "2001:db8:{n}::/48"),
    ],
)
def test_many_trial_accounts_of_one_network(stack: Stack, networks: list[str], line: str) -> None:
    number = uuid.uuid4().int % 250 + 1
    names = [network.format(n=number) for network in networks]
    expected = line.format(n=number)

    def rows() -> list[dict[str, Any]]:
        return [row for row in signals.TRIAL_ACCOUNTS.rows() if row["network"] == expected]

    def visit(count: int) -> None:
        for each in range(count):
            postgres.rows(
                "insert into app.guests (network) values (%(network)s)",
                {"network": names[each % len(names)]},
            )

    visit(signals.TRIAL_ACCOUNTS.least - 1)
    assert rows() == []
    visit(1)
    assert [row["accounts"] for row in rows()] == [signals.TRIAL_ACCOUNTS.least]
    postgres.rows("delete from app.guests where network = any(%(names)s)", {"names": names})


def test_an_account_that_keeps_many_bytes(stack: Stack) -> None:
    account, half = opened("2 days"), signals.UPLOAD_BYTES.least // 2

    def upload(size: int, *, confirmed: bool = True, deleted: bool = False) -> None:
        postgres.rows(
            """
            insert into app.files (account_id, role, bucket, key, filename, content_type,
              declared_bytes, size_bytes, confirmed_at, deleted_at, expires_at, sweep_at)
            values (%(account)s, 'upload', 'uploads', gen_random_uuid(), 'x', 'video/mp4', %(size)s,
                    case when %(confirmed)s then %(size)s end,
                    case when %(confirmed)s then now() end, case when %(deleted)s then now() end,
                    now() + interval '1 day', 'infinity')
            """,
            {"account": account, "size": size, "confirmed": confirmed, "deleted": deleted},
        )

    upload(half)
    upload(half, deleted=True)
    upload(half - 1, confirmed=False)
    assert of_account(signals.UPLOAD_BYTES.rows(), account) == []
    upload(1)
    [row] = of_account(signals.UPLOAD_BYTES.rows(), account)
    assert (row["bytes"], row["uploads"], row["unconfirmed"]) == (half * 2, 3, 1)
    postgres.rows("delete from app.files where account_id = %(id)s", {"id": account})


def test_all_are_shown_to_the_operator(address: str) -> None:
    record(address, 401, signals.BAD_CREDENTIALS.least)
    display = signals.signals()
    assert set(display) == {signal.name for signal in signals.SIGNALS}
    assert of_address(display[signals.BAD_CREDENTIALS.name], address)


def test_no_signal_reads_a_year_of_calls(stack: Stack, address: str) -> None:
    """With 100,000 calls of a year on record, no query reads the whole table."""
    old = uuid.uuid4()
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(  # which takes longer than a call may, on a busy machine
            """
            insert into app.request_log (at, request_id, account_id, method, route, status,
                                         milliseconds, ip)
            select now() - make_interval(mins => n * 5), 'x', %(account)s, 'GET',
                   '/v1/transcodes', case n %% 50 when 0 then 401 else 200 end, 1, %(ip)s
              from generate_series(1, 100000) n
            """,
            {"account": old, "ip": address},
        )
        connection.execute("analyze app.request_log")
        connection.execute("analyze app.accounts")
        for signal in signals.SIGNALS:
            statement = f"explain {signal.statement}".encode()
            plan = "\n".join(row[0] for row in connection.execute(statement, signal.parameters()))
            assert "Seq Scan on request_log" not in plan, (signal.name, plan)
