"""Fixtures of the hostile cases: the canaries, a guest, and a stack with little patience."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.guest import Guest
from tests.rigs.hostile.impatient import Impatient
from tests.rigs.hostile.rows import assert_rows_clean
from tests.rigs.sources import SourceServer


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """What must stay untouched."""
    with Canary(tmp_path_factory.mktemp("outside")) as outside:
        yield outside


@pytest.fixture(autouse=True)
def untouched(canary: Canary) -> Iterator[None]:
    """Look at the canaries after each test."""
    yield
    canary.assert_untouched()


@pytest.fixture(scope="module")
def guest(stack: Stack, canary: Canary) -> Iterator[Guest]:
    """One account for all cases of a file; at the end all its rows are searched."""
    account = Account(stack, "pro")
    new_guest = Guest(stack.url, account.key, canary, account.email)
    yield new_guest
    new_guest.http.close()
    assert_rows_clean(stack.settings["POSTGRES_URL"], stack.url, canary, new_guest.email)


@pytest.fixture
def free_guest(stack: Stack, canary: Canary) -> Iterator[Guest]:
    """A guest on the Free plan, whose inputs are small."""
    new_guest = Guest(stack.url, Account(stack, "free").key, canary)
    yield new_guest
    new_guest.http.close()


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


@pytest.fixture(scope="session")
def impatient(
    tmp_path_factory: pytest.TempPathFactory, sources: SourceServer, canary: Canary
) -> Iterator[Impatient]:
    """The whole service with a time limit of a few seconds a job."""
    rig = Impatient(tmp_path_factory.mktemp("impatient"), f"127.0.0.1:{sources.port}")
    yield rig
    try:
        assert_rows_clean(rig.postgres_url, rig.url, canary)
    finally:
        rig.stop()
