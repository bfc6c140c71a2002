"""An account with files and a job, and its export."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx

from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, Person


def ready(person: Person, seconds: float = 30) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        body = dict(person.http.get("/v1/account/export").json())
        if body["status"] == "ready":
            return body
        time.sleep(0.1)
    raise AssertionError("the export was not made")


def opened(url: str) -> zipfile.ZipFile:
    answer = httpx.get(url, follow_redirects=True, trust_env=False)
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content))


class Worker:
    """A person with a key, files and a finished job."""

    def __init__(self, stack: Stack, person: Person, clip: Path) -> None:
        key = person.http.post("/v1/api-keys", json={"label": "export me"}).json()
        self.account = Account.__new__(Account)
        self.account.email = person.email
        self.account.http = api_client.connect(stack.url, key["key"])
        self.key_id = key["id"]
        self.url = self.account.upload(clip)
        self.job_id = self.account.create(self.url, "mp3", metadata={"note": "for the export"})
        assert self.account.wait(self.job_id)["status"] == "completed"
