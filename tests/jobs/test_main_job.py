"""The main job over HTTP: upload, create, poll, download, and what is charged for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lib.media.formats import FORMATS
from lib.media.run.probe import probe
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually


def probe_bytes(data: bytes, folder: Path) -> Any:
    path = folder / "result"
    path.write_bytes(data)
    return probe(path)


def test_upload_transcode_download(account: Account, clip: Path, tmp_path: Path) -> None:
    job_id = account.create(account.upload(clip), preset={"quality": "low", "resolution": "480p"})
    job = account.wait(job_id)
    assert job["status"] == "completed", job
    assert job["output_url"].startswith("gs://outputs/")
    assert job["progress"] == 100
    data = account.download(job_id)
    assert len(data) == job["outputs"][0]["size_bytes"]
    media = probe_bytes(data, tmp_path)
    assert (media.video.width, media.video.height) == (320, 180)  # never enlarged
    assert media.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("name", [*FORMATS, "jpg", "MP4"])
def test_every_format(account: Account, clip: Path, tmp_path: Path, name: str) -> None:
    job_id = account.create(account.upload(clip), name, preset={"quality": "low"})
    job = account.wait(job_id)
    assert job["status"] == "completed", job
    assert job["output_format"] == name
    file_format = FORMATS[{"jpg": "jpeg"}.get(name.lower(), name.lower())]
    matches = probe_bytes(account.download(job_id), tmp_path)
    assert (matches.video is not None) == (file_format.kind != "audio")
    if file_format.kind == "video":
        assert matches.audio is not None
    if name == "webm":
        assert (matches.video.codec, matches.audio.codec) == ("vp9", "opus")


def test_curl_puts_the_bytes(account: Account, clip: Path) -> None:
    """As a newcomer does it: `curl -T`, with and without a content type."""
    for headers in ([], ["-H", "Content-Type: video/mp4"]):
        link = account.http.post(
            "/v1/upload/presigned-url",
            json={
                "filename": "clip.mp4",
                "contentType": "video/mp4",
                "fileSize": clip.stat().st_size,
            },
        ).json()["result"]
        subprocess.run(
            ["curl", "-sf", "-T", str(clip), *headers, link["uploadUrl"]],
            check=True,
            capture_output=True,
        )
        confirmed = account.http.post(
            "/v1/upload/confirm",
            json={"filename": link["filename"], "fileSize": clip.stat().st_size},
        )
        assert confirmed.status_code == 200, confirmed.text
        metadata = confirmed.json()["result"]["metadata"]
        assert metadata["width"] == 320
        assert metadata["has_audio"] is True


def test_the_stock_client_puts_the_bytes(account: Account, stack: Stack, clip: Path) -> None:
    from supabase import create_client

    link = account.http.post(
        "/v1/upload/presigned-url",
        json={"filename": "c.mp4", "contentType": "video/mp4", "fileSize": clip.stat().st_size},
    ).json()["result"]
    url = httpx.URL(link["uploadUrl"])
    path = url.path.partition("/object/upload/sign/uploads/")[2]
    client = create_client(
        stack.settings["SUPABASE_URL"], stack.settings["SUPABASE_PUBLISHABLE_KEY"]
    )
    client.storage.from_("uploads").upload_to_signed_url(
        path, url.params["token"], clip.read_bytes(), {"content-type": "video/mp4"}
    )
    confirmed = account.http.post(
        "/v1/upload/confirm", json={"filename": link["filename"], "fileSize": clip.stat().st_size}
    )
    assert confirmed.status_code == 200, confirmed.text


def test_input_by_url(account: Account, sources: SourceServer, clip: Path) -> None:
    job = account.wait(account.create(sources.put(clip), "mp3"))
    assert job["status"] == "completed", job
    assert job["inputs"][0]["duration"] == pytest.approx(2, abs=0.1)
    assert job["inputs"][0]["size_bytes"] == str(clip.stat().st_size)
    assert job["billable_minutes"] == pytest.approx(2 / 60, abs=0.001)


def test_inputs_that_differ_are_joined_in_order(
    account: Account, clip: Path, tmp_path: Path, make_media: Callable[..., Path]
) -> None:
    """Other size, other rate, no sound."""
    picture = "color=red:size=200x300:rate=10:duration=1"
    silent = make_media("silent.webm", "-f", "lavfi", "-i", picture, "-c:v", "libvpx-vp9")
    mono = make_media("mono.mp3", "-f", "lavfi", "-i", "sine=sample_rate=22050:duration=1")
    urls = [account.upload(path) for path in (clip, silent, mono)]
    job_id = account.create(urls)
    job = account.wait(job_id)
    assert job["status"] == "completed", job
    result = probe_bytes(account.download(job_id), tmp_path)
    assert result.duration == pytest.approx(4, abs=0.2)
    assert (result.video.width, result.video.height) == (320, 180)
    assert job["billable_minutes"] == pytest.approx(4 / 60, abs=0.005)


def test_metering_counts_the_span_asked_for(account: Account, clip: Path) -> None:
    options = [{"option": "-ss", "argument": "0.5"}, {"option": "-t", "argument": 1}]
    job = account.wait(account.create(account.upload(clip), options=options))
    assert job["status"] == "completed", job
    assert job["billable_minutes"] == 0.0167
    assert job["ffmpeg_options"]["source"] == "raw_options"
    still = account.wait(account.create(account.upload(clip), "png"))
    assert still["status"] == "completed"


def test_a_still_costs_nothing(account: Account, make_media: Callable[..., Path]) -> None:
    picture = make_media("red.png", "-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1")
    job = account.wait(account.create(account.upload(picture), "webp"))
    assert (job["status"], job["billable_minutes"]) == ("completed", 0)


def test_metadata_is_echoed_and_kept(account: Account, clip: Path) -> None:
    body = {
        "inputs": [{"url": account.upload(clip)}],
        "outputFormat": "mp3",
        "metadata": {"order": 7, "name": "<script>"},
    }
    answer = account.http.post("/v1/transcodes", json=body)
    assert answer.json()["metadata"] == {"user": {"order": 7, "name": "<script>"}}
    assert answer.headers["location"] == f"/v1/transcodes/{answer.json()['id']}"
    assert account.job(answer.json()["id"])["metadata"]["user"]["order"] == 7
    plain = account.http.post("/v1/transcodes", json=body | {"metadata": None})
    assert "metadata" not in plain.json()


def test_paging_and_filters(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    ids = [account.create(url, "mp3") for _ in range(3)]
    ended = [account.wait(job_id) for job_id in ids]
    first = account.http.get("/v1/transcodes", params={"limit": 2}).json()
    assert [item["id"] for item in first["items"]] == [ids[2], ids[1]]
    assert (first["page"], first["limit"], first["total"]) == (1, 2, 3)
    second = account.http.get("/v1/transcodes", params={"limit": 2, "page": 2}).json()
    assert [item["id"] for item in second["items"]] == [ids[0]]
    updated = sorted(job["updated_at"] for job in ended)
    since = account.http.get(
        "/v1/transcodes", params={"since": updated[0], "order": "updated_at.asc"}
    ).json()
    assert [item["updated_at"] for item in since["items"]] == updated  # inclusive
    until = account.http.get("/v1/transcodes", params={"until": updated[0]}).json()
    assert until["items"][0]["updated_at"] == updated[0]
    assert account.http.get("/v1/transcodes", params={"status": "queued"}).json()["items"] == []
    assert account.http.get("/v1/transcodes", params={"status": "completed"}).json()["total"] == 3
    assert account.http.get("/v1/transcodes", params={"limit": 5000}).json()["limit"] == 100
    for query in ({"limit": "x"}, {"since": "yesterday"}, {"order": "size.asc"}):
        assert account.http.get("/v1/transcodes", params=query).status_code == 400


def test_cancel_stops_a_running_ffmpeg(account: Account, long: Path, stack: Stack) -> None:
    preset = {"quality": "high", "resolution": "1080p"}
    job_id = account.create(account.upload(long), "webm", preset=preset)
    eventually(lambda: account.job(job_id)["progress"])
    answer = account.http.patch(f"/v1/transcodes/{job_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["message"] == "Job cancelled successfully"
    assert answer.json()["job"]["status"] == "canceled"
    eventually(lambda: not running(job_folder=stack.worker.pid))
    second = account.http.patch(f"/v1/transcodes/{job_id}/cancel")
    assert second.status_code == 400
    assert second.json()["error"] == "Cannot cancel job in status: canceled"
    assert account.http.get(f"/v1/transcodes/{job_id}/download").status_code == 400
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        usage = connection.execute(
            "select sum(reserved_minutes), sum(used_minutes) from app.usage u"
            " join app.accounts a on a.id = u.account_id where a.email = %s",
            (account.email,),
        ).fetchone()
    assert usage == (0, 0)


def running(job_folder: int) -> bool:
    """Whether a ffmpeg works in a folder of the worker's."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"ffm-job-{job_folder}-".encode() in process.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_calls_are_recorded(account: Account, stack: Stack) -> None:
    account.http.get("/v1/transcodes", headers={"x-real-ip": "203.0.113.9"})
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        row = eventually(lambda: connection.execute(
            "select method, route, status, milliseconds > 0, host(ip), l.at is not null"
            " from app.request_log l join app.accounts a on a.id = l.account_id"
            " where a.email = %s",
            (account.email,),
        ).fetchone())  # fmt: skip
    assert row == ("GET", "/v1/transcodes", 200, True, "203.0.113.9", True)


def test_health_and_openapi(stack: Stack) -> None:
    report = httpx.get(f"{stack.url}/health-check", trust_env=False).json()
    assert report["ok"] is True
    assert report["supabase"]["connected"] is True
    document = httpx.get(f"{stack.url}/openapi.yaml", trust_env=False)
    assert document.text.startswith("openapi: 3.1.0")


def test_unknown_routes_and_methods_answer_json(stack: Stack) -> None:
    for method, path, status in (
        ("GET", "/nothing/here", 404),
        ("POST", "/v1/generate/image", 404),
        ("DELETE", "/v1/transcodes", 405),
        ("GET", "/v1/ffprobe", 405),
        ("GET", "/v1/transcodes/x/y/z", 404),
    ):
        answer = httpx.request(method, f"{stack.url}{path}", trust_env=False)
        assert answer.status_code == status, (method, path, answer.text)
        assert answer.json()["error"]
        assert answer.headers["content-type"] == "application/json"
