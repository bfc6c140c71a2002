"""The stock clients against the Supabase project in the environment: `make test-live`."""

from __future__ import annotations

import os
import uuid

import httpx
import psycopg
import pytest

from lib.platform import storage

NEEDED = ("POSTGRES_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY", "CRON_SECRET", "API_URL")
missing = [name for name in NEEDED if not os.environ.get(name)]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"a real project is needed; not set: {', '.join(missing)}"
)


def test_migrations_are_applied() -> None:
    with psycopg.connect(os.environ["POSTGRES_URL"]) as connection:
        row = connection.execute("select count(*) from app.plans").fetchone()
    assert row == (3,)


def test_an_object_goes_up_and_down() -> None:
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
