"""A job is made anew by its owner, of the request that was kept."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.conftest import Account
from tests.service.test_quota import use


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
    made = free_account.http.post(path)
    assert made.status_code == 201
    assert free_account.wait(made.json()["id"])["status"] == "completed"


def test_what_cannot_be_made_anew(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    done = account.wait(account.create(url, "mp3"))
    assert account.http.delete(f"/v1/transcodes/{done['id']}").status_code == 200
    gone = account.http.post(f"/v1/transcodes/{done['id']}/retry")
    assert gone.status_code == 404
    assert "deleted" in gone.json()["error"]
    assert account.http.post(f"/v1/transcodes/{uuid.uuid4()}/retry").status_code == 404
    assert account.http.post("/v1/transcodes/nonsense/retry").status_code == 404
