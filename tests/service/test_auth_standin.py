"""The stand-in for Supabase Auth against what the real server answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local import postgres
from local.supabase import keys
from tests.service import auth_rig
from tests.service.auth_replay import Bindings, compare_answer
from tests.service.auth_rig import Rig

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "auth_exchanges.json").read_text())
RECORDED_AT = "http://127.0.0.1:54321/auth/v1"
PAGES_AT = "http://127.0.0.1:3000"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Postgres of this module's own; its address."""
    folder = tmp_path_factory.mktemp("auth") / "postgres"
    running = postgres.start(folder)
    yield running.url
    running.stop()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> keys.Keys:
    """The project's keys."""
    return keys.load(tmp_path_factory.mktemp("keys") / "keys.json")


def test_recorded_exchanges(
    database: str, project: keys.Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("delete from auth.users")
    options = {"public_url": RECORDED_AT, "site_url": PAGES_AT, "mail_interval_seconds": 1}
    with auth_rig.serve(database, project, tmp_path, **options) as rig:
        bindings = Bindings({"<anon>": project.publishable, "<service>": project.secret})
        for exchange in RECORDED["exchanges"]:
            _replay(rig, bindings, exchange)
    with capsys.disabled():
        left_out = RECORDED["left_out"]
        print(f"\nAuth: {len(RECORDED['exchanges'])} exchanges replayed, {len(left_out)} left out")
        for each in left_out:
            print(f"  {each['number']}: {each['why']}")


def _replay(rig: Rig, bindings: Bindings, exchange: dict[str, Any]) -> None:
    where = f"{exchange['number']} {exchange['title']}"
    rig.clock.advance(exchange.get("advance_seconds", 0))
    wanted = exchange["request"]
    if address := exchange.get("newest_mail_to"):
        sent = wanted["target"] + wanted.get("body", "")
        token = rig.link(address).params["token"].removeprefix("pkce_")
        bindings.bind(bindings.unknown(sent)[0], token, where)
    answer = rig.http.request(
        wanted["method"],
        bindings.fill(wanted["target"]),
        headers={name: bindings.fill(text) for name, text in wanted["headers"].items()},
        content=bindings.fill(wanted["body"]) if "body" in wanted else None,
    )
    compare_answer(bindings, exchange["response"], answer, where)
    if "access_token" in answer.text and answer.status_code == 200:
        bindings.values[f"<session:{exchange['number']}>"] = answer.json()["access_token"]
