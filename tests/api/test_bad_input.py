"""Bad input: a clear 4xx or the right error_category, and nothing left behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import client as api
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.sources import SourceServer


def bad_files(folder: Path, clip: Path, never: str) -> dict[str, Path]:
    """Files that are not media; one is a playlist that names the address `never`."""
    data = clip.read_bytes()
    contents = {
        "html.mp4": b"<html><body>404 not found</body></html>" * 20,
        "random.mp4": random.Random(1).randbytes(20_000),
        "cut.mp4": data[: len(data) // 2],
        "corrupt.mp4": data[:2000] + random.Random(2).randbytes(len(data) - 4000) + data[-2000:],
        "list.mp4": f"#EXTM3U\n#EXTINF:1,\n{never}\n#EXT-X-ENDLIST\n".encode(),
        "concat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def test_what_is_no_media_fails_as_validation(
    account: Account, sources: SourceServer, clip: Path, tmp_path: Path
) -> None:
    never = sources.url(f"never-{tmp_path.name}")
    jobs = {
        name: account.create(sources.put(path))
        for name, path in bad_files(tmp_path, clip, never).items()
    }
    (sources.folder / "empty.mp4").write_bytes(b"")
    jobs["empty.mp4"] = account.create(sources.url("empty.mp4"))
    for name, job_id in jobs.items():
        job = account.wait(job_id)
        assert (job["status"], job["error_category"]) == ("failed", "validation"), (name, job)
        assert len(job["error_message"]) > 30
        assert "/tmp" not in job["error_message"]
        assert job["billable_minutes"] == 0
        assert job["completed_at"] is None
    assert not any(never.endswith(hit) for hit in sources.hits)


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("missing.mp4", "validation"),
        ("status?code=500", "upload"),
        ("drip", "upload"),
        ("endless", "file_size"),
        ("redirect?to=http://127.0.0.1:1/x.mp4", "validation"),
        ("redirect?to=http://169.254.169.254/latest/meta-data/", "validation"),
        ("redirect?to=file:///etc/passwd", "validation"),
    ],
)
def test_sources_that_misbehave(
    free_account: Account, sources: SourceServer, path: str, category: str
) -> None:
    job = free_account.wait(free_account.create(sources.url(path)))
    assert (job["status"], job["error_category"]) == ("failed", category), job
    assert "127.0.0.1" not in job["error_message"]


def test_a_source_that_breaks_off(account: Account, sources: SourceServer, clip: Path) -> None:
    sources.put(clip)
    job = account.wait(account.create(sources.url("lie?name=clip.mp4")))
    assert (job["status"], job["error_category"]) == ("failed", "upload"), job


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a", "http://localhost/a", "http://0.0.0.0/a", "http://[::1]/a",
        "http://[::ffff:127.0.0.1]/a", "http://169.254.169.254/a", "http://10.0.0.1/a",
        "http://100.64.0.1/a", "http://2130706433/a", "http://0x7f.1/a", "http://192.0.2.1/a",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(account: Account, url: str) -> None:
    body = {"inputs": [{"url": url}], "outputFormat": "mp4"}
    answer = account.http.post("/v1/transcodes", json=body)
    assert answer.status_code == 400
    assert "not public" in answer.json()["error"]


def test_a_name_that_leads_to_such_an_address(account: Account) -> None:
    job = account.wait(account.create("http://ip6-localhost/a"))
    assert job["status"] == "failed", job
    assert job["error_category"] in ("validation", "upload"), job


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a", "file:///etc/passwd", "http://user:pw@example.com/a",
        "http://example.com:22/a", "http://example.com:6379/a", "concat:/a|/b", "pipe:0",
        "http://exa mple.com/", "http://\n", "", "gs://nobody/x", "rtmp://x/y",
    ],
)  # fmt: skip
def test_urls_refused_at_once(account: Account, url: str) -> None:
    answer = account.http.post(
        "/v1/transcodes", json={"inputs": [{"url": url}], "outputFormat": "mp4"}
    )
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]
    assert account.http.get("/v1/transcodes").json()["total"] == 0


WRONG: list[Any] = [None, 1, 1.5, "x", True, [], {}, [None], {"a": 1}, "\u0000", "x" * 5000]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("/v1/upload/presigned-url", {"filename": "a.mp4", "contentType": "video/mp4",
                                      "fileSize": 10}),
        ("/v1/upload/confirm", {"filename": "a.mp4", "fileSize": 10}),
        ("/v1/ffprobe", {"url": "gs://uploads/x/y"}),
        ("/v1/transcodes", {"inputs": [{"url": "http://127.0.0.1:1/x"}], "outputFormat": "mp4",
                            "preset": {"quality": "low"}, "options": [], "filters": [],
                            "metadata": {}}),
    ],
)  # fmt: skip
def test_wrong_types_in_every_field(account: Account, path: str, good: dict[str, Any]) -> None:
    for name in good:
        for wrong in WRONG:
            answer = account.http.post(path, json=good | {name: wrong})
            assert answer.status_code < 500, (name, wrong, answer.text)
            assert answer.status_code < 300 or answer.json()["error"]
        missing = {key: value for key, value in good.items() if key != name}
        assert account.http.post(path, json=missing).status_code < 500
    for body in WRONG:
        assert account.http.post(path, json=body).status_code in (400, 429)


def test_bodies_that_are_wrong_as_a_whole(account: Account) -> None:
    def post(content: bytes, kind: str) -> Any:
        return account.http.post("/v1/transcodes", content=content, headers={"Content-Type": kind})

    assert post(b'{"a":1}', "text/plain").status_code == 415
    assert post(b"", "application/json").status_code == 400
    assert post(b"{", "application/json").status_code == 400
    assert post(b'{"a":"\xff"}', "application/json").status_code == 400
    assert post(b"[" * 100_000, "application/json").status_code == 400
    assert post(b" " * 5_000_000, "application/json").status_code == 413


def test_sentences_that_official_clients_match(account: Account) -> None:
    def presign(**body: Any) -> str:
        answer = account.http.post("/v1/upload/presigned-url", json=body)
        assert answer.status_code == 400
        return str(answer.json()["error"])

    file = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 10}
    assert presign() == "Missing required fields: filename, contentType, fileSize"
    assert presign(**file | {"fileSize": "1.46mbs"}).startswith("Invalid fileSize. Must be a pos")
    assert presign(**file | {"contentType": "video/avi"}).startswith("Invalid file type.")
    assert presign(**file | {"fileSize": 2_040_109_466}).startswith("File size too large.")


def test_a_size_that_does_not_match(account: Account, stack: Stack, clip: Path) -> None:
    link = api.presign(account.http, clip)
    confirm = {"filename": link["filename"], "fileSize": clip.stat().st_size}
    early = account.http.post("/v1/upload/confirm", json=confirm)
    assert (early.status_code, early.json()["error"]) == (400, "File not found in GCS bucket")
    api.put(link["uploadUrl"], clip)
    wrong = account.http.post("/v1/upload/confirm", json=confirm | {"fileSize": 7})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "File size mismatch")
    assert account.http.post("/v1/upload/confirm", json=confirm).status_code == 200


def test_an_upload_that_never_came(account: Account, clip: Path, stack: Stack) -> None:
    link = api.presign(account.http, clip)
    account_id = (
        account.http.get("/v1/transcodes").status_code
        and link["uploadUrl"].split("/uploads/")[1].split("/")[0]
    )
    job = account.wait(account.create(f"gs://uploads/{account_id}/{link['filename']}"))
    assert (job["status"], job["error_category"]) == ("failed", "upload"), job


def test_a_file_larger_than_the_plan(
    free_account: Account, make_media: Callable[..., Path], stack: Stack
) -> None:
    import psycopg

    small = make_media("tone.wav", "-f", "lavfi", "-i", "sine", "-t", "3")
    url = free_account.upload(small)
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "insert into app.plans values ('tiny', 'Tiny', 0, 100, 1000, 1, 60)"
            " on conflict do nothing"
        )
        connection.execute(
            "update app.accounts set plan_id = 'tiny' where email = %s", (free_account.email,)
        )
    job = free_account.wait(free_account.create(url, "mp3"))
    assert (job["status"], job["error_category"]) == ("failed", "file_size"), job
    assert "Upgrade" in job["error_message"]


def test_a_silent_video_gives_no_mp3(account: Account, make_media: Callable[..., Path]) -> None:
    silent = make_media("mute.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x64:duration=1")
    job = account.wait(account.create(account.upload(silent), "mp3"))
    assert (job["status"], job["error_category"]) == ("failed", "validation")
    assert "no audio track" in job["error_message"]
