"""The Storage stand-in, held to the real server's recorded answers and to the stock client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import postgres
from tests.service import storage_replay
from tests.service.storage_server import Running, fresh_database, running


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    """One server for all databases of this module."""
    started = postgres.start(tmp_path_factory.mktemp("postgres"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def server(
    database: postgres.Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A stand-in that tests share; each makes its own buckets."""
    with running(fresh_database(database), tmp_path_factory.mktemp("storage")) as started:
        yield started


def test_recorded_exchanges(database: postgres.Postgres, tmp_path: Path) -> None:
    recording = storage_replay.load()
    for left_out in recording.left_out:
        print(f"left out: exchange {left_out.number}, {left_out.why}")
    # As recorded: without the hosted gateway, which answers preflights.
    with running(fresh_database(database), tmp_path, gateway=False) as server:
        replay = storage_replay.Replay(server)
        faults = [fault for exchange in recording.exchanges for fault in replay.run(exchange)]
    print(f"replayed {len(recording.exchanges)} exchanges of {recording.source}")
    assert not faults, "\n".join(faults)
