"""Fixtures that the tests of the stand-ins share: Auth and Storage, each without the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import postgres
from tests.rigs.supabase import auth_server
from tests.rigs.supabase.auth_server import Project, Rig
from tests.rigs.supabase.storage_server import Running, fresh_database, running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with auth_server.project(tmp_path_factory.mktemp("auth")) as running:
        yield running


@pytest.fixture(scope="module")
def served(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with auth_server.serve(project, tmp_path_factory.mktemp("mail")) as rig:
        yield rig


@pytest.fixture
def auth(project: Project, served: Rig) -> Rig:
    """Auth as on one machine, without users and mails."""
    project.rows("delete from auth.users")
    served.forget_mails()
    return served


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
