"""What everybody may know of the service, and errors as pages for people."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from lib.files import sweep
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import stranger


def test_status_tells_of_queue_and_sweep(stack: Stack, account: Account, clip: Path) -> None:
    account.wait(account.create(account.upload(clip), "mp3"))
    sweep.sweep(30)
    body = stranger(stack).get("/v1/status").json()
    assert body["ok"] is True
    assert set(body["queue"]) == {"waiting", "oldest_waiting_seconds", "running"}
    assert body["last_sweep_at"] <= body["timestamp"]
    assert body["media"]["ffmpeg"]


def test_status_is_limited_by_address(stack: Stack) -> None:
    with stranger(stack) as somebody:
        statuses = {somebody.get("/v1/status").status_code for _ in range(70)}
    assert statuses == {200, 429}


@pytest.mark.parametrize("path", ["/nothing", "/dashboards", "/%3Cscript%3E"])
def test_people_get_a_page_where_nothing_is(stack: Stack, path: str) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    answer = httpx.get(stack.url + path, headers=browser, trust_env=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such page" in answer.text
    assert "<script>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/nothing", "*/*"), ("/nothing", "application/json"), ("/v1/nothing", "text/html"),
     ("/hooks/nothing", "text/html")],
)  # fmt: skip
def test_programs_get_json(stack: Stack, path: str, accept: str) -> None:
    answer = httpx.get(stack.url + path, headers={"Accept": accept}, trust_env=False)
    assert answer.status_code == 404
    assert "There is no route" in answer.json()["error"]
