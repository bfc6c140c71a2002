"""An owner retries a job from its stored request."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.files import rows
from tests.rigs.usage import use


def test_a_retry_repeats_the_whole_request(account: Account, clip: Path) -> None:
    options = [{"option": "-crf", "argument": 30}, {"option": "@trim", "argument": {"duration": 1}}]
    first = account.wait(
        account.create(account.upload(clip), options=options, metadata={"order": 7})
    )
    answer = account.http.post(f"/v1/transcodes/{first['id']}/retry")
    assert answer.status_code == 201, answer.text
    second = account.wait(answer.json()["id"])
    assert second["status"] == "completed", second["error_message"]
    assert second["id"] != first["id"]
    assert second["metadata"] == {"user": {"order": 7}, "retry_of": first["id"]}
    assert second["ffmpeg_options"] == first["ffmpeg_options"]
    assert account.job(first["id"])["outputs"] == first["outputs"]


def test_a_job_refused_for_its_minutes_runs_once_there_are_some(
    free_account: Account, clip: Path
) -> None:
    body = {"inputs": [{"url": free_account.upload(clip)}], "outputFormat": "mp3"}
    use(free_account, used=100)
    refused = free_account.http.post("/v1/transcodes", json=body)
    assert refused.status_code == 402
    path = f"/v1/transcodes/{refused.json()['job_id']}/retry"
    still = free_account.http.post(path)
    assert still.status_code == 402
    assert still.json()["upgrade_url"]
    use(free_account, used=100, granted=10)
    result = free_account.http.post(path)
    assert result.status_code == 201
    assert free_account.wait(result.json()["id"])["status"] == "completed"


def test_what_cannot_be_made_anew(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    done = account.wait(account.create(url, "mp3"))
    assert account.http.delete(f"/v1/transcodes/{done['id']}").status_code == 200
    missing = account.http.post(f"/v1/transcodes/{done['id']}/retry")
    assert missing.status_code == 404
    assert "deleted" in missing.json()["error"]
    assert account.http.post(f"/v1/transcodes/{uuid.uuid4()}/retry").status_code == 404
    assert account.http.post("/v1/transcodes/nonsense/retry").status_code == 404


@pytest.mark.parametrize(
    "request_as_stored",
    [
        '{"inputs": [{"url": 7}], "outputFormat": "mp4"}',
        '{"inputs": "https://example.com/a.mp4"}',
        "[]",
        "null",
        '{"inputs": [{"url": "https://example.com/a.mp4"}], "outputFormat": "mp4",'
        ' "options": [{"option": 1}]}',
    ],
)
def test_a_request_of_earlier_rules_is_refused(
    stack: Stack, account: Account, request_as_stored: str
) -> None:
    [[job_id]] = rows(
        stack,
        "insert into app.jobs (account_id, status, request, output_format, inputs, period)"
        " select id, 'failed', %s::jsonb, 'mp4', '[]', '2026-11-01' from app.accounts"
        " where email = %s returning id::text",
        request_as_stored,
        account.email,
    )
    answer = account.http.post(f"/v1/transcodes/{job_id}/retry")
    assert answer.status_code == 400, answer.text
    assert "Create the job again" in answer.json()["error"]
    assert account.http.get("/v1/transcodes").json()["total"] == 0  # counted by creates alone


def test_a_request_that_wants_its_files_kept_too_long_runs_within_the_limit(
    stack: Stack, account: Account, clip: Path
) -> None:
    done = account.wait(account.create(account.upload(clip), "mp3"))
    rows(
        stack,
        "update app.jobs set request = request || '{\"expireAfter\": 99999999999}' where id = %s",
        done["id"],
    )
    answer = account.http.post(f"/v1/transcodes/{done['id']}/retry")
    assert answer.status_code == 201, answer.text
    assert account.wait(answer.json()["id"])["request"]["expireAfter"] == 7 * 24 * 3600
