"""Which errors of the database count for the operator, and as what."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from lib.platform import tally
from lib.platform.database import statements


class TooManyRequests(psycopg.OperationalError):
    """As the pool says that all connections are in use."""


class TimedOut(psycopg.OperationalError):
    """As the pool says that the server did not answer in time."""


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    own = tally.take()
    yield
    tally.take()
    tally.restore(own)


def counted() -> dict[str, float]:
    return {each.labels.get("kind", each.name): each.value for each in tally.snapshot()}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TooManyRequests("x"), "pool_timeout"),
        (TimedOut("x"), "timeout"),
        (errors.QueryCanceled("x"), "timeout"),
        (psycopg.OperationalError("connection refused"), "connection"),
        (psycopg.InterfaceError("the connection is closed"), "connection"),
        (errors.ConnectionFailure("x"), "connection"),
        (errors.DeadlockDetected("x"), "deadlock"),
        (errors.TooManyConnections("x"), "server"),
        (errors.AdminShutdown("x"), "server"),
        (errors.DiskFull("x"), "server"),
        (errors.InternalError_("x"), "server"),
    ],
)
def test_an_outage_counts_by_its_kind(error: psycopg.Error, kind: str) -> None:
    with pytest.raises(psycopg.Error), statements.watched():
        raise error
    assert counted() == {kind: 1}


@pytest.mark.parametrize(
    "error", [errors.UniqueViolation("x"), errors.NumericValueOutOfRange("x"), ValueError("x")]
)
def test_a_statement_s_own_fault_does_not_count(error: Exception) -> None:
    with pytest.raises(type(error)), statements.watched():
        raise error
    assert counted() == {}


def test_what_runs_is_known_while_it_runs() -> None:
    before = statements.running()
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with statements.watched():
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(30)
    assert statements.running() == before + 1
    leave.set()
    thread.join()
    assert statements.running() == before


def test_only_slow_statements_count_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "SLOW_SECONDS", 60.0)
    with statements.watched():
        pass
    assert counted() == {}
    monkeypatch.setattr(statements, "SLOW_SECONDS", 0.0)
    with statements.watched():
        pass
    assert counted() == {"database_slow": 1}
