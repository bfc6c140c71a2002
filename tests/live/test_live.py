"""The stock clients against the Supabase project in the environment: `make test-live`."""

from __future__ import annotations

import os
import uuid

import httpx
import psycopg
import pytest

from lib.files.stores import storage
from local.stack import Stack


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Stack:
    """The stack on the project; this process has its settings then."""
    if not os.environ.get("LIVE"):
        pytest.skip("only `make test-live` reaches a real project")
    stack: Stack = request.getfixturevalue("stack")
    return stack


def test_migrations_are_applied(live: Stack) -> None:
    with psycopg.connect(live.settings["POSTGRES_URL"]) as connection:
        plans = {name for (name,) in connection.execute("select id from app.plans").fetchall()}
    assert {"free", "starter", "pro", "try"} <= plans


def test_an_object_goes_up_and_down(live: Stack) -> None:
    name = f"{uuid.uuid4()}/live-test.mp4"
    link = storage.sign_upload(name)
    httpx.put(link, content=b"live", headers={"Content-Type": "video/mp4"}).raise_for_status()
    try:
        assert storage.size(storage.UPLOADS, name) == 4
        signed = storage.sign_download(storage.UPLOADS, name, 60)
        assert httpx.get(signed).content == b"live"
        assert storage.folder(storage.UPLOADS, name.rpartition("/")[0]) == [name]
    finally:
        storage.remove(storage.UPLOADS, [name])
