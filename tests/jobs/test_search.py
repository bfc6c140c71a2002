"""Finding jobs by what they were made of, or by their id."""

from __future__ import annotations

from pathlib import Path

from tests.rigs.accounts import Account


def search(account: Account, text: str) -> list[str]:
    answer = account.http.get("/v1/transcodes", params={"q": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return [job["id"] for job in answer.json()["items"]]


def test_jobs_are_found_by_name_address_and_id(
    account: Account, other_account: Account, clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "Holiday 100%.mp4"
    path.write_bytes(clip.read_bytes())
    url = account.upload(path)
    by_upload = account.create(url, "mp3")
    by_url = account.create("https://example.com/some_talk.mp4", "mp3")
    other_account.create(other_account.upload(path), "mp3")
    assert search(account, "holiday") == [by_upload]
    assert search(account, "some_talk") == [by_url]
    assert search(account, "somextalk") == []  # a wildcard is text
    assert search(account, "100%") == [by_upload]
    assert search(account, "%.mp4") == [by_upload]
    assert search(account, "\\") == []
    assert search(account, by_url[:13].upper()) == [by_url]
    assert search(account, ".mp4") == [by_url, by_upload]
    both = account.http.get("/v1/transcodes", params={"q": "holiday", "status": "canceled"})
    assert both.json()["total"] == 0


def test_what_is_too_long_is_refused(account: Account) -> None:
    answer = account.http.get("/v1/transcodes", params={"q": "x" * 201})
    assert answer.status_code == 400
    assert "200" in answer.json()["error"]
