"""An account with something on every page of the dashboard, and hostile words in all of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, new_person
from tests.rigs.usage import use

HOSTILE = "<img src=x onerror=alert(1)>\"'`{{7*7}}\u202egnp.exe"
"""A name that is text and nothing else, wherever it shows."""


@dataclass
class Filled:
    """The account's address, and its jobs by what they show."""

    email: str
    jobs: dict[str, str]


class Owner(Account):
    """A person, and their program with a key."""

    def __init__(self, stack: Stack) -> None:
        self.person = new_person(stack, HOSTILE)
        self.email = self.person.email
        result = self.person.http.post("/v1/api-keys", json={"label": HOSTILE})
        self.key = result.raise_for_status().json()["key"]
        self.http = api_client.connect(stack.url, self.key)


def fill(stack: Stack, clip: Path, folder: Path) -> Filled:
    """Jobs of every end, a key, a report, minutes used up, all with hostile words."""
    owner = Owner(stack)
    hostile = folder / "<b onload=alert(2)>.mp4"
    hostile.write_bytes(clip.read_bytes())
    url = owner.upload(hostile)
    completed = owner.create(url, metadata={HOSTILE: HOSTILE}, preset={"quality": "low"})
    assert owner.wait(completed)["status"] == "completed"
    broken = folder / "broken.mp4"
    broken.write_bytes(secrets.token_bytes(2000))
    failed = owner.create(owner.upload(broken))
    assert owner.wait(failed)["status"] == "failed"
    canceled = owner.create(url, "webm")
    owner.http.patch(f"/v1/transcodes/{canceled}/cancel")
    owner.wait(canceled)
    reported = owner.person.http.post(
        f"/v1/transcodes/{completed}/report", json={"message": HOSTILE}
    )
    reported.raise_for_status()
    use(owner, used=100)
    refused = owner.http.post(
        "/v1/transcodes", json={"inputs": [{"url": url}], "outputFormat": "mp4"}
    )
    assert refused.status_code == 402, refused.text
    return Filled(
        owner.email,
        {
            "completed": completed,
            "failed": failed,
            "canceled": canceled,
            "blocked": refused.json()["job_id"],
        },
    )
