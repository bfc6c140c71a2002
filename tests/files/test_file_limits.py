"""No plan promises larger files than the project's Storage takes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest

from lib.platform.settings import MOST_FILE_BYTES, settings
from lib.usage.plan_limits import limited
from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account

FREE = 50 * 2**20


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    """Functions of a deployment on a Free project."""
    names = ["api/files", "api/account", "api/billing", "api/service"]
    environment = os.environ | stack.settings | {"STORAGE_MAX_BYTES": str(FREE)}
    child = Child("tests.rigs.processes.functions", names, environment)
    yield child.ready()
    child.stop()


def presign(http: httpx.Client, size: int) -> httpx.Response:
    body = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": size}
    return http.post("/v1/upload/presigned-url", json=body)


def test_a_link_is_refused_for_what_storage_would_refuse(url: str, account: Account) -> None:
    with api.connect(url, account.key) as http:
        assert presign(http, FREE).status_code == 200
        answer = presign(http, FREE + 1)
        assert answer.status_code == 400
        sentence = "File size too large. This service stores files of at most 50 MiB."
        assert answer.json() == {
            "error": sentence,
            "message": sentence,
            "code": "file_too_large",
            "details": f"fileSize may be at most {FREE} bytes.",
        }
        beyond = presign(http, MOST_FILE_BYTES + 1).json()["error"]
        assert beyond == "File size too large. Maximum allowed size is 2GB."
    assert presign(account.http, FREE + 1).status_code == 200  # of the project that takes it


def test_every_promise_is_within_it(url: str, account: Account) -> None:
    with api.connect(url, account.key) as http:
        plans = http.get("/v1/billing/plans").json()["items"]
        promises = [
            *plans,
            http.get("/v1/account").json()["plan"],
            http.get("/v1/account/usage").json()["limits"],
        ]
    assert len(plans) == 3
    for each in promises:
        assert (each["max_input_bytes"], each["max_output_bytes"]) == (FREE, FREE)
    site = httpx.get(f"{url}/v1/site", trust_env=False).json()
    assert site["max_upload_bytes"] == FREE


def test_a_lower_limit_of_the_plan_stays(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_MAX_BYTES", "1000")
    settings.cache_clear()
    try:
        plan = {"id": "x", "max_input_bytes": 999, "max_output_bytes": 1001}
        assert limited(plan) == plan | {"max_output_bytes": 1000}
    finally:
        monkeypatch.undo()
        settings.cache_clear()
