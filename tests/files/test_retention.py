"""Files live as long as is promised, and not a moment longer; what is deleted is really gone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.files import rows, stored, sweep
from tests.rigs.waiting import eventually


@pytest.fixture
def job(account: Account, clip: Path) -> dict[str, Any]:
    done = account.wait(account.create(account.upload(clip), "mp3"))
    assert done["status"] == "completed", done
    return done


def days(job: dict[str, Any]) -> float:
    ended = datetime.fromisoformat(job["completed_at"])
    return (datetime.fromisoformat(job["files_expire_at"]) - ended).total_seconds() / 86400


def test_outputs_are_kept_seven_days_and_inputs_three(stack: Stack, job: dict[str, Any]) -> None:
    assert days(job) == pytest.approx(7, abs=0.01)
    [(input_days,)] = rows(
        stack,
        "select extract(epoch from expires_at - created_at)::float8 / 86400 from app.files"
        " where address = %s",
        job["inputs"][0]["url"],
    )
    assert input_days == pytest.approx(3, abs=0.01)


def test_what_is_expired_is_served_by_no_route(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    url, result, link = job["inputs"][0]["url"], job["output_url"], job["inputs"][0]["downloadUrl"]
    assert httpx.get(link, trust_env=False).status_code == 302
    rows(stack, "update app.files set expires_at = now() where address = %s", url)
    rows(stack, "update app.files set expires_at = now() where job_id = %s", job["id"])
    answers = [
        account.http.get(f"/v1/transcodes/{job['id']}/download"),
        account.http.post("/v1/ffprobe", json={"url": url}),
        httpx.get(link, trust_env=False),
        *(
            account.http.post(path, json={"inputs": [{"url": each}], "outputFormat": "wav"})
            for path in ("/v1/transcodes", "/v1/validate")
            for each in (url, result)
        ),
        account.http.post(
            "/v1/upload/confirm",
            json={
                "filename": url.rpartition("/")[2],
                "fileSize": int(job["inputs"][0]["size_bytes"]),
            },
        ),
    ]
    for answer in answers:
        assert answer.status_code == 404, (answer.request.url, answer.text)
        assert "was deleted on 20" in answer.json()["error"], answer.text
    assert stored(stack, account) == {url, result}  # no sweep has come yet


def test_a_link_lives_no_longer_than_its_file(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    rows(stack, "update app.files set expires_at = now() + interval '5 seconds' where job_id = %s",
         job["id"])  # fmt: skip
    link = account.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"]
    assert httpx.get(link, trust_env=False).status_code == 200
    eventually(lambda: httpx.get(link, trust_env=False).status_code == 400)


def test_the_sweep_deletes_what_is_expired_and_nothing_else(
    stack: Stack, account: Account, other_account: Account, clip: Path, job: dict[str, Any]
) -> None:
    other = other_account.upload(clip)
    rows(stack, "update app.files set expires_at = now() where address = %s",
         job["inputs"][0]["url"])  # fmt: skip
    rows(stack, "update app.files set expires_at = now() where job_id = %s", job["id"])
    counts = sweep(stack)
    assert counts["uploads"] >= 1
    assert counts["outputs"] >= 1
    assert counts["finished"]
    assert stored(stack, account) == set()
    assert stored(stack, other_account) == {other}
    assert account.job(job["id"])["files_deleted_at"] is not None
    recorded = (
        "select bucket, reason from app.deletions d join app.accounts a on a.id = d.account_id"
        " where a.email = %s order by 1"
    )
    once = [("outputs", "expired"), ("uploads", "expired")]
    assert rows(stack, recorded, account.email) == once
    sweep(stack)
    assert rows(stack, recorded, account.email) == once


def test_an_overdue_file_shows_in_the_operator_s_health(
    stack: Stack, account: Account, clip: Path
) -> None:
    url = account.upload(clip)
    sweep(stack)
    secret = {"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"}

    def overdue() -> float:
        """Of all files: one of another test may be due since the sweep."""
        body = httpx.get(f"{stack.url}/health-check", headers=secret, trust_env=False).json()
        seconds: float | None = body["operator"]["file_overdue_seconds"]
        return seconds or 0.0

    assert overdue() < 600
    rows(stack, "update app.files set expires_at = now() - interval '1 hour'"
         " where address = %s", url)  # fmt: skip
    assert overdue() == pytest.approx(3600, abs=60)
    assert "operator" not in httpx.get(f"{stack.url}/health-check", trust_env=False).json()
    sweep(stack)
    assert overdue() < 600


def test_orphans_go_and_lost_rows_are_noted(
    stack: Stack, stand_ins: Stack, account: Account, clip: Path
) -> None:
    lost, orphan = account.upload(clip), account.upload(clip)
    rows(stack, "update app.files set confirmed_at = now() - interval '2 hours'"
         " where address = %s", lost)  # fmt: skip
    secret = stack.settings["SUPABASE_SECRET_KEY"]
    httpx.request(
        "DELETE",
        f"{stack.settings['SUPABASE_URL']}/storage/v1/object/uploads",
        headers={"apikey": secret, "Authorization": f"Bearer {secret}"},
        json={"prefixes": [lost.removeprefix("gs://uploads/")]},
        trust_env=False,
    ).raise_for_status()
    rows(stack, "delete from app.files where address = %s", orphan)
    assert stored(stack, account) == {orphan}
    sweep(stack)
    assert stored(stack, account) == {orphan}  # it is young: its row may still be written
    rows(stack, "update storage.objects set created_at = now() - interval '2 days'"
         " where name = %s", orphan.removeprefix("gs://uploads/"))  # fmt: skip
    answer = sweep(stack)
    assert answer["orphans"] >= 1
    assert stored(stack, account) == set()
    [(deleted,)] = rows(stack, "select deleted_at is not null from app.files where address = %s",
                     lost)  # fmt: skip
    assert deleted


def test_the_owner_deletes_at_once(stack: Stack, account: Account, job: dict[str, Any]) -> None:
    answer = account.http.delete(f"/v1/transcodes/{job['id']}")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["files"]) == {job["output_url"], job["inputs"][0]["url"]}
    assert stored(stack, account) == set()
    assert account.job(job["id"])["files_deleted_at"] is not None
    assert account.http.get(f"/v1/transcodes/{job['id']}/download").status_code == 404
    # Again: what is gone stays as it is, and is recorded once.
    second = account.http.delete(f"/v1/transcodes/{job['id']}")
    assert (second.status_code, second.json()["files"]) == (200, [job["output_url"]])
    recorded = rows(
        stack,
        "select d.bucket, d.reason from app.deletions d join app.accounts a on a.id = d.account_id"
        " where a.email = %s order by 1",
        account.email,
    )
    assert recorded == [("outputs", "asked"), ("uploads", "asked")]


def test_the_owner_deletes_the_input_of_a_failed_job(account: Account, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"This is not a video." * 100)
    job = account.wait(account.create(account.upload(broken), "mp3"))
    assert job["status"] == "failed", job
    assert job["files_deleted_at"] is None
    answer = account.http.delete(f"/v1/transcodes/{job['id']}")
    assert answer.json()["files"] == [job["inputs"][0]["url"]]
    deleted = account.job(job["id"])
    assert deleted["files_deleted_at"] is not None
    assert deleted["files_expire_at"] == deleted["files_deleted_at"]
    assert (deleted["outputs"], deleted["output_url"]) == ([], None)


def test_an_upload_is_deleted_at_once(
    stack: Stack, account: Account, other_account: Account, clip: Path
) -> None:
    url = account.upload(clip)
    path = f"/v1/upload/{url.rpartition('/')[2]}"
    assert other_account.http.delete(path).status_code == 404
    assert account.http.delete(path).json()["files"] == [url]
    assert stored(stack, account) == set()
    assert account.http.delete(path).status_code == 404


def test_a_file_in_use_is_not_deleted(account: Account, long: Path) -> None:
    url = account.upload(long)
    job_id = account.create(url, "webm", preset={"quality": "high", "resolution": "1080p"})
    refused = account.http.delete(f"/v1/upload/{url.rpartition('/')[2]}")
    assert refused.status_code == 400
    assert "Cancel the job" in refused.json()["error"]
    assert account.http.delete(f"/v1/transcodes/{job_id}").status_code == 400
    account.http.patch(f"/v1/transcodes/{job_id}/cancel")
    assert account.http.delete(f"/v1/upload/{url.rpartition('/')[2]}").status_code == 200


def test_an_account_shortens_its_retention(
    stack: Stack, account: Account, clip: Path, job: dict[str, Any]
) -> None:
    def choose(**hours: float | None) -> httpx.Response:
        return account.http.patch("/v1/account", json={"retention": hours})

    whole = {"inputs": 72, "outputs": 168}
    assert account.http.get("/v1/account").json()["retention"] == whole
    refused = choose(outputs=169)
    assert refused.status_code == 400
    assert "at most 168 hours" in refused.json()["error"]
    assert choose(outputs=-1).status_code == 400
    body = choose(inputs=0, outputs=1).json()
    assert body["account"]["retention"] == {"inputs": 0, "outputs": 1}
    assert days(account.job(job["id"])) == pytest.approx(1 / 24, abs=0.001)
    url = account.upload(clip)
    later = account.wait(account.create(url, "mp3"))
    assert later["status"] == "completed", later
    assert days(later) == pytest.approx(1 / 24, abs=0.001)
    missing = account.http.post("/v1/ffprobe", json={"url": url})
    assert missing.status_code == 404  # the job that read it has ended
    assert choose(inputs=None, outputs=None).json()["account"]["retention"] == whole


def test_a_job_shortens_its_own(account: Account, clip: Path) -> None:
    done = account.wait(account.create(account.upload(clip), "mp3", expireAfter=3600))
    assert days(done) == pytest.approx(1 / 24, abs=0.001)
    long = account.wait(account.create(account.upload(clip), "mp3", expireAfter=604_800))
    assert days(long) == pytest.approx(7, abs=0.01)


def test_addresses_are_dropped_and_calls_rolled_up(stack: Stack, account: Account) -> None:
    for _ in range(3):
        account.http.get("/v1/transcodes")
    recorded = """select 1 from app.request_log l join app.accounts a on a.id = l.account_id
                   where a.email = %s"""
    eventually(lambda: len(rows(stack, recorded, account.email)) == 3)
    rows(stack, "update app.request_log set at = now() - interval '31 days' where account_id ="
         " (select id from app.accounts where email = %s)", account.email)  # fmt: skip
    assert sweep(stack)["addresses_dropped"] >= 3
    rows(stack, "update app.request_log set at = now() - interval '91 days' where account_id ="
         " (select id from app.accounts where email = %s)", account.email)  # fmt: skip
    sweep(stack)
    assert len(rows(stack, recorded, account.email)) == 3  # not before they count in the metrics
    rows(stack, "select app.count_up(100000, interval '0 seconds')")
    assert sweep(stack)["calls_rolled_up"] >= 3
    records = rows(
        stack,
        "select route, status, calls from app.request_days d"
        " join app.accounts a on a.id = d.account_id where a.email = %s",
        account.email,
    )
    assert records == [("/v1/transcodes", 200, 3)]
