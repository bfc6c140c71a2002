"""A caller that is not to be trusted, and the judging of all that it is answered."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from local import client as api_client
from tests.rigs.accounts import Account
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.cases import Case

INSIDE = re.compile(
    r"/(?:tmp|home|root|work|var|etc|proc|dev|usr|opt)\b|ffm-(?:job|probe)|\binput\d|\boutput\.\w"
    r"|[a-z]://\w|[a-z]://\[|127\.0\.0\.1|localhost|X-Amz|token=|signature=|\b0x[0-9a-f]{6,}"
    r"|Traceback|File \"|\.py\b|ffmpeg version|-protocol_whitelist|-format_whitelist|\x1b",
    re.IGNORECASE,
)
"""What no message may show: paths, addresses, signatures, our own flags."""
CHOICES = re.compile(r"Allowed (?:are|here are)[^.]*\.")
"""What is listed as allowed must not pass for the naming of what is not."""


class Guest(Account):
    """An account whose every answer is searched for what it must not hold."""

    def __init__(self, url: str, key: str, canary: Canary, email: str = "") -> None:
        self.email = email
        self.key = key
        self.url = url
        self.canary = canary
        self.http = api_client.connect(url, key)
        self.http.event_hooks = {"response": [self._look]}

    def _look(self, response: httpx.Response) -> None:
        self.canary.assert_hidden(response.read())
        assert response.status_code < 500, response.text

    def total(self) -> int:
        """How many jobs there are."""
        return int(self.http.get("/v1/transcodes", params={"limit": 1}).json()["total"])

    def send(self, case: Case, values: dict[str, str]) -> httpx.Response:
        """POST a case's request, its placeholders filled in."""
        body = filled(case.raw if case.raw is not None else json.dumps(case.request), values)
        return self.http.post(
            "/v1/transcodes",
            content=body.encode("utf-8", "surrogatepass"),
            headers={"Content-Type": "application/json"},
        )

    def assert_refused(self, case: Case, answer: httpx.Response, values: dict[str, str]) -> None:
        """400 with a sentence that names what is refused."""
        assert answer.status_code == 400, answer.text[:500]
        body = answer.json()
        assert isinstance(body["error"], str)
        assert len(body["error"]) < 1000
        said = body["error"] + " " + CHOICES.sub("", body.get("details") or "")
        assert filled(case.mention, values) in said, said[:500]

    def ended(self, job_id: str, seconds: float = 40) -> dict[str, Any]:
        """Wait for the job's end, and judge what it says and made."""
        job = self.wait(job_id, seconds)
        assert job["status"] in ("completed", "failed"), job
        if job["status"] == "failed":
            assert_clean(job["error_message"], self.url)
            assert job["billable_minutes"] in (0, None)
            assert not job.get("outputs")
        else:
            self.canary.assert_hidden(self.download(job_id))
        return job

    def assert_wanted(self, case: Case, answer: httpx.Response, values: dict[str, str]) -> None:
        """The answer to the case, and the end of its job, are what is wanted."""
        if answer.status_code == 404 and case.expected == "stopped":
            assert "//uploads/" in json.dumps(case.request)  # a stored file, but not the caller's
            return
        if answer.status_code != 201:
            assert case.expected in ("refused", "stopped", "bounded"), answer.text[:500]
            self.assert_refused(case, answer, values)
            return
        job = self.ended(answer.json()["id"])
        outcome = f"fails:{job['error_category']}" if job["status"] == "failed" else "works"
        match case.expected:
            case "refused":
                raise AssertionError(f"accepted, and {outcome}: {job['error_message']}")
            case "stopped":
                assert outcome in ("fails:validation", "fails:upload"), job
            case "bounded" if "could not be stored within" in (job["error_message"] or ""):
                pass  # its time was up, on a busy machine
            case "bounded":
                assert outcome not in ("fails:transient", "fails:storage", "fails:unknown"), job
            case _:
                assert outcome in case.expected.split("|"), job


def filled(text: str, values: dict[str, str]) -> str:
    """`text` with its placeholders filled in."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def assert_clean(message: str | None, url: str) -> None:
    """The message is a sentence for callers and shows nothing of the inside."""
    assert message
    display = message.replace(f"{url}/billing", "")
    assert len(display) > 25
    assert len(display) < 700
    match = INSIDE.search(display)
    assert match is None, (match, message)
