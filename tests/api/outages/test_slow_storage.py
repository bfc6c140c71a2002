"""A Storage that hangs, drips or drops: one retry, then 503 in time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from local import client as api
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.files import rows
from tests.rigs.supabase.storage_proxy import Fault, StorageProxy

SECONDS = 8
"""What an answer may take when Storage hangs."""
SLACK_SECONDS = 8
"""For a busy machine; a call without a limit takes 30 s and more."""
SIGN_UPLOAD, SIGN = "/object/upload/sign/", "/object/sign/uploads/"
INFO, BYTES = "/object/info/", "/object/authenticated/"


class Rig(NamedTuple):
    """Functions that reach Storage through the proxy alone."""

    proxy: StorageProxy
    http: httpx.Client

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.http.post(path, json=body)


@pytest.fixture(scope="module")
def child(stack: Stack) -> Iterator[tuple[StorageProxy, str]]:
    if os.environ.get("LIVE"):
        pytest.skip("the proxy is for the stand-in")
    proxy = StorageProxy(stack.settings["SUPABASE_URL"])
    settings = os.environ | stack.settings | {"SUPABASE_URL": proxy.url}
    running = Child("tests.rigs.processes.functions", ["api/files", "api/transcodes"], settings)
    yield proxy, running.ready()
    running.stop()
    proxy.close()


@pytest.fixture
def rig(child: tuple[StorageProxy, str], account: Account) -> Iterator[Rig]:
    proxy, url = child
    with api.connect(url, account.key) as client:
        client.timeout = httpx.Timeout(120)
        yield Rig(proxy, client)


@pytest.fixture(scope="session")
def large(make_media: Callable[..., Path]) -> Path:
    """Sound of 6 MB, which is read by ranges."""
    return make_media("large.wav", "-f", "lavfi", "-i", "sine=d=64:r=48000", "-ac", "1")


def uploaded_body(rig: Rig, path: Path) -> dict[str, Any]:
    """The body that confirms an upload whose bytes are there."""
    link = api.presign(rig.http, path)
    api.put(link["uploadUrl"], path)
    return {"filename": link["filename"], "fileSize": path.stat().st_size}


def unavailable(call: Callable[[], httpx.Response]) -> None:
    began = time.monotonic()
    answer = call()
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert time.monotonic() - began < SECONDS + SLACK_SECONDS


@pytest.mark.parametrize(
    ("step", "fault"),
    [(step, fault) for step in (INFO, SIGN) for fault in ("hang", "drip", "drop", "error")]
    + [(BYTES, fault) for fault in ("hang", "drop", "error")],  # bytes that drip are read on
)
def test_confirm_asks_once_more(rig: Rig, clip: Path, step: str, fault: Fault) -> None:
    body = uploaded_body(rig, clip)
    with rig.proxy.answering(step, fault, 1):
        answer = rig.post("/v1/upload/confirm", body)
        assert answer.status_code == 200, answer.text
        assert rig.proxy.left == 0
    assert answer.json()["result"]["metadata"]["has_video"] is True


@pytest.mark.parametrize("fault", ["hang", "drip"])
@pytest.mark.parametrize("step", [INFO, BYTES, SIGN])
def test_confirm_answers_in_time(rig: Rig, clip: Path, step: str, fault: Fault) -> None:
    body = uploaded_body(rig, clip)
    with rig.proxy.answering(step, fault):
        unavailable(lambda: rig.post("/v1/upload/confirm", body))
    assert rig.post("/v1/upload/confirm", body).status_code == 200


def test_confirm_of_a_large_file(rig: Rig, large: Path) -> None:
    body = uploaded_body(rig, large)
    for fault in ("hang", "drop"):
        with rig.proxy.answering(BYTES, fault, 1):
            answer = rig.post("/v1/upload/confirm", body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["metadata"]["duration_seconds"] == pytest.approx(64, abs=1)
    with rig.proxy.answering(BYTES, "hang"):
        unavailable(lambda: rig.post("/v1/upload/confirm", body))


def test_all_steps_together_have_the_same_time(rig: Rig, clip: Path) -> None:
    """A Storage that answers each first try late uses up what there is."""
    body = uploaded_body(rig, clip)
    with rig.proxy.answering("/storage/", "hang"):
        unavailable(lambda: rig.post("/v1/upload/confirm", body))


@pytest.mark.parametrize("fault", ["hang", "drip", "drop", "error"])
def test_a_link_to_upload(stack: Stack, account: Account, rig: Rig, fault: Fault) -> None:
    body = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 10}
    with rig.proxy.answering(SIGN_UPLOAD, fault, 1):
        assert rig.post("/v1/upload/presigned-url", body).status_code == 200
        assert len(rig.proxy.seen) == 2
    with rig.proxy.answering(SIGN_UPLOAD, fault):
        unavailable(lambda: rig.post("/v1/upload/presigned-url", body))
        assert len(rig.proxy.seen) == 2  # and not a third time
    records = rows(
        stack,
        "select count(*) from app.files f join app.accounts a on a.id = f.account_id"
        " where a.email = %s",
        account.email,
    )
    assert records == [(1,)]  # a link that was not given out takes no room of the plan


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_the_other_calls(rig: Rig, account: Account, clip: Path, fault: Fault) -> None:
    url = account.upload(clip)
    job = account.wait(account.create(url, "mp3"))
    link = job["inputs"][0]["downloadUrl"].partition("/v1/")[2]
    calls: list[Callable[[], httpx.Response]] = [
        lambda: rig.http.get(f"/v1/transcodes/{job['id']}/download"),
        lambda: rig.http.get(f"/v1/{link}"),
    ]
    if fault == "hang":  # when answers drip, the second request finds nothing left to delete
        calls.append(lambda: rig.http.delete(f"/v1/transcodes/{job['id']}"))
    with rig.proxy.answering("/storage/", fault):
        for call in calls:
            unavailable(call)
            assert 1 <= len(rig.proxy.seen) <= 3
            rig.proxy.seen.clear()


def test_ffprobe_and_validate_end(rig: Rig, account: Account, large: Path) -> None:
    url = account.upload(large)
    with rig.proxy.answering(BYTES, "hang"):
        answer = rig.post("/v1/ffprobe", {"url": url})
        assert answer.status_code == 502, answer.text
        request = {"inputs": [{"url": url}, {"url": url}], "outputFormat": "mp3"}
        unavailable_or_late = rig.post("/v1/validate", request)
        assert unavailable_or_late.status_code in (200, 422, 503), unavailable_or_late.text
