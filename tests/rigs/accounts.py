"""Accounts and people with clients of their own."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from lib.platform.settings import read_project
from local import client as api_client
from local import keys_command, people
from local.stack import Stack
from supabase import Client, create_client

ENDED = ("completed", "failed", "canceled")


class Account:
    """A caller with an account of its own."""

    def __init__(self, stack: Stack, plan: str) -> None:
        self.email = f"{uuid.uuid4()}@example.com"
        self.key = keys_command.create(stack.settings, self.email, "test", plan)
        self.http = api_client.connect(stack.url, self.key)

    def upload(self, path: Path) -> str:
        """Upload and confirm a file; its gs:// address."""
        link = api_client.presign(self.http, path)
        api_client.put(link["uploadUrl"], path)
        return str(api_client.confirm(self.http, link["filename"], path)["fileUrl"])

    def create(self, url: str | list[str], output_format: str = "mp4", **request: Any) -> str:
        """Create a job; its id."""
        urls = [url] if isinstance(url, str) else url
        body = {"inputs": [{"url": each} for each in urls], "outputFormat": output_format} | request
        answer = self.http.post("/v1/transcodes", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        answer = self.http.get(f"/v1/transcodes/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """Poll the job until it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(job_id)
            if job["status"] in ENDED:
                return job
            time.sleep(0.05)
        raise AssertionError(f"the job has not ended in {seconds} s: {self.job(job_id)}")

    def download(self, job_id: str) -> bytes:
        """The bytes of the job's output."""
        answer = self.http.get(f"/v1/transcodes/{job_id}/download")
        assert answer.status_code == 200, answer.text
        return httpx.get(answer.json()["url"], trust_env=False).raise_for_status().content


class Person:
    """Somebody who signed up, confirmed the address and signed in, with the stock client."""

    def __init__(self, stack: Stack, client: Client, email: str, password: str) -> None:
        self.email = email
        self.password = password
        self.client = client
        session = client.auth.sign_in_with_password({"email": email, "password": password})
        assert session.session is not None
        self.id = session.session.user.id
        self.token = session.session.access_token
        self.http = api_client.connect(stack.url, self.token)


def supabase_client(stack: Stack) -> Client:
    return create_client(stack.settings["SUPABASE_URL"], stack.settings["SUPABASE_PUBLISHABLE_KEY"])


def new_person(stack: Stack, name: str = "Ann") -> Person:
    """Somebody fresh, whose address counts as confirmed."""
    email, password = f"{uuid.uuid4()}@example.com", "correct horse 1"
    people.add(read_project(stack.settings), email, password, name)
    return Person(stack, supabase_client(stack), email, password)
