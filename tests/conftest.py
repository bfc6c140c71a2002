"""Fixtures of all tests: one stack a test process, fresh accounts, tiny media, a file server."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest

from lib.billing import stripe_setup
from lib.media.run.ffmpeg import binary
from lib.platform.settings import SettingsError, read_project
from local import sample
from local.stack import Stack
from tests.rigs.accounts import Account, Person, new_person
from tests.rigs.billing import Stripe
from tests.rigs.sources import SourceServer

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")
"""The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones."""

LONGEST = (
    "jobs/workers/test_kills.py",
    "privacy/test_erase.py",
    "jobs/test_engine.py",
    "operator/test_admin.py",
    "api/outages/test_recovery.py",
    "jobs/workers/test_workers.py",
    "accounts/test_billing.py",
    "api/test_slow_calls.py",
    "outbox/test_mail.py",
    "accounts/test_quota.py",
    "hostile/test_bounded.py",
    "hostile/test_sources.py",
)
"""Files of tests that begin first, so that no process ends with a long one while others idle."""


ROOT = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Give each run a temporary folder of its own.

    In the one that all runs of a user share, every run that begins closes the folder to others,
    also to the Postgres server, another user, of a run that is under way.
    """
    if not hasattr(config, "workerinput"):
        config.stash[ROOT] = Path(tempfile.mkdtemp(prefix="ffmpeg-micro-tests-"))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(config.stash[ROOT])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the files of a run for whoever looks into a failure."""
    if exitstatus == pytest.ExitCode.OK and ROOT in session.config.stash:
        shutil.rmtree(session.config.stash[ROOT], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; what a file holds stays in its order."""
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceServer]:
    """A server of files for URL inputs, which the stack may reach."""
    with SourceServer(tmp_path_factory.mktemp("sources")) as server:
        yield server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, sources: SourceServer) -> Iterator[Stack]:
    """The whole service, as `make up` runs it."""
    overrides = {
        "SOURCE_ALLOW": f"127.0.0.1:{sources.port}",
        "LEASE_SECONDS": "3",
        "FETCH_SECONDS": "12",
        "WORKER_SLOTS": "2",
        "TRUSTED_PROXIES": "127.0.0.1",  # tests say where they call from with X-Real-IP
    }
    project = None
    if os.environ.get("LIVE"):  # make test-live
        try:
            names = read_project(os.environ)
        except SettingsError as error:
            pytest.skip(f"a Supabase project is needed. {error}")
        if names.publishable_key is None:
            pytest.skip("a Supabase project is needed. SUPABASE_PUBLISHABLE_KEY is missing.")
        project = names.environment()
    folder = tmp_path_factory.mktemp("stack")
    with (
        Stack(folder, overrides=overrides, project=project) as running,
        unlimited_calls(running.settings["POSTGRES_URL"]),
    ):
        yield running


@contextmanager
def unlimited_calls(postgres_url: str) -> Iterator[None]:
    """Lift the plans' limit of calls a minute, which has tests of its own, and restore it after.

    The other tests send many calls at once, on a live project too.
    """
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        before = connection.execute("select requests_per_minute, id from app.plans").fetchall()
        connection.execute("update app.plans set requests_per_minute = 1000000")
    try:
        yield
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            for row in before:
                connection.execute(
                    "update app.plans set requests_per_minute = %s where id = %s", row
                )


@pytest.fixture(scope="module")
def stripe_set_up(stack: Stack) -> stripe_setup.SetUp:
    """The products, prices and portal of the plans, at the stand-in."""
    return stripe_setup.set_up()


@pytest.fixture
def stripe(stack: Stack, stripe_set_up: stripe_setup.SetUp) -> Iterator[Stripe]:
    """Stripe's stand-in, which delivers its events as usual again after the test."""
    client = Stripe(stack)
    yield client
    client.command("deliveries", mode="normal")
    client.http.close()


@pytest.fixture
def stand_ins(stack: Stack) -> Stack:
    """The stack, for tests that reach into the stand-ins; skipped against a real project."""
    if os.environ.get("LIVE"):
        pytest.skip("this test signs tokens itself: only the stand-in's key is available")
    return stack


@pytest.fixture
def account(stack: Stack) -> Account:
    """A fresh account on the Pro plan."""
    return Account(stack, "pro")


@pytest.fixture
def other_account(stack: Stack) -> Account:
    """Another fresh account."""
    return Account(stack, "pro")


@pytest.fixture
def free_account(stack: Stack) -> Account:
    """A fresh account on the Free plan."""
    return Account(stack, "free")


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody fresh."""
    return new_person(stack)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 320x180 at 25 frames a second with sound."""
    return sample.make(
        tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=2, size="320x180", rate=25
    )


@pytest.fixture(scope="session")
def make_media(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a file with ffmpeg: make_media("name.mkv", "-f", "lavfi", "-i", "testsrc2", …)."""
    folder = tmp_path_factory.mktemp("media")

    def make(name: str, *arguments: str) -> Path:
        # Each in a folder of its own: two tests may give two files one name.
        path = folder / hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16] / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            command = [str(binary()), "-loglevel", "error", "-nostdin", "-y", *arguments, str(path)]
            subprocess.run(command, check=True)
        return path

    return make


@pytest.fixture(scope="session")
def long(make_media: Callable[..., Path]) -> Path:
    """Five minutes of a tiny picture: quickly made, and long to encode once it is drawn large."""
    return make_media(
        "long.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=300",
        "-c:v", "libx264", "-preset", "ultrafast",
    )  # fmt: skip
