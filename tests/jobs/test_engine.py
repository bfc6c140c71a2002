"""The media engine through the service: receipts, ranges, early uploads, limits, files by URL."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.sources import SourceServer

SRT = "1\n00:00:00,000 --> 00:00:09,000\nWORDS\n"


@pytest.fixture(scope="session")
def large(make_media: Callable[..., Path]) -> Path:
    """Eight seconds of 640x360 that take 20 MB, its index at the front."""
    return make_media(
        "large.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=8",
        "-vf", "noise=alls=60:allf=t",
        "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "24M", "-g", "25",
        "-movflags", "+faststart",
    )  # fmt: skip


@pytest.fixture(scope="session")
def black(make_media: Callable[..., Path]) -> Path:
    """Two seconds of nothing."""
    return make_media(
        "black.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:r=10:d=2", "-pix_fmt", "yuv420p"
    )


def finished(account: Account, url: str, output_format: str, **request: Any) -> dict[str, Any]:
    job = account.wait(account.create(url, output_format, **request))
    assert job["status"] == "completed", job
    return job


def brightest(data: bytes, folder: Path) -> int:
    """The largest luma of the first frame."""
    path = folder / "made"
    path.write_bytes(data)
    command = [str(binary()), "-v", "error", "-i", str(path), "-frames:v", "1", "-f", "rawvideo",
               "-pix_fmt", "gray", "-"]  # fmt: skip
    return max(subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_receipt_makes_the_same_file_again(
    account: Account, clip: Path, tmp_path: Path
) -> None:
    url = account.upload(clip)
    job = finished(account, url, "mp4", options=[{"option": "-crf", "argument": "30"}])
    receipt = job["receipt"]
    data = account.download(job["id"])
    assert receipt["inputs"][0]["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert receipt["output"] == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
    }
    assert receipt["bytes_in"] == clip.stat().st_size
    assert receipt["bytes_out"] == len(data)
    assert receipt["ffmpeg"].startswith("ffmpeg version")
    assert receipt["wall_seconds"] > 0
    assert receipt["cpu_seconds"] > 0
    assert "limits" in receipt["cage"]
    second = tmp_path / "again.mp4"
    names = {"{input0}": str(clip), "{output}": str(second)}
    command = [str(binary()), *(names.get(each, each) for each in receipt["arguments"])]
    subprocess.run(command, check=True, capture_output=True)
    assert hashlib.sha256(second.read_bytes()).hexdigest() == receipt["output"]["sha256"]


def test_no_receipt_before_the_end_or_in_lists(account: Account, clip: Path) -> None:
    job_id = account.create(account.upload(clip), "mp3")
    account.wait(job_id)
    assert account.http.get("/v1/transcodes").json()["items"][0]["receipt"] is None


def test_a_job_tells_its_request_as_it_was_made(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    request = {
        "inputs": [{"url": url, "options": [{"option": "-ss", "argument": "0.5"}]}],
        "outputFormat": "mp4",
        "options": [{"option": "@text-overlay", "argument": {"text": "Hello"}}],
        "metadata": {"order": 7},
        "expireAfter": 3600,
    }
    job_id = account.http.post("/v1/transcodes", json=request).json()["id"]
    assert account.job(job_id)["request"] == request
    account.wait(job_id)
    assert account.http.get("/v1/transcodes").json()["items"][0]["request"] is None


def test_a_copy_is_said_in_the_job(account: Account, clip: Path) -> None:
    job = finished(account, account.upload(clip), "mov")
    assert [each["action"] for each in job["receipt"]["streams"]] == ["copy", "copy"]
    assert {"option": "-c:v", "argument": "copy"} in job["ffmpeg_options"]["options"]


@pytest.mark.parametrize("by", ["url", "upload"])
def test_a_thumbnail_reads_a_part_of_the_file(
    account: Account, sources: SourceServer, large: Path, by: str
) -> None:
    url = sources.put(large) if by == "url" else account.upload(large)
    job = finished(account, url, "jpeg", options=[{"option": "@thumbnail", "argument": {"at": 5}}])
    receipt = job["receipt"]
    assert receipt["bytes_in"] < large.stat().st_size / 4
    assert receipt["inputs"][0]["sha256"] is None  # not all of it was seen
    assert receipt["inputs"][0]["size_bytes"] == large.stat().st_size


def test_a_server_without_ranges_is_read_whole(
    account: Account, sources: SourceServer, large: Path
) -> None:
    sources.put(large)
    job = finished(
        account, sources.url(f"whole/{large.name}"), "jpeg",
        options=[{"option": "@thumbnail", "argument": {"at": 5}}],
    )  # fmt: skip
    receipt = job["receipt"]
    assert receipt["bytes_in"] == large.stat().st_size
    assert receipt["inputs"][0]["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()


@pytest.mark.slow
def test_an_upload_begins_while_ffmpeg_runs(
    stand_ins: Stack, account: Account, large: Path, tmp_path: Path
) -> None:
    """A fragmented MP4 only grows; its bytes are at Storage before the job is done."""
    job_id = account.create(
        account.upload(large), "mp4",
        options=[
            {"option": "-c:v", "argument": "libx264"},
            {"option": "-preset", "argument": "fast"},
            {"option": "-g", "argument": 25},
            {"option": "-b:v", "argument": "24M"},
            {"option": "-movflags", "argument": "+frag_keyframe+empty_moov"},
        ],
    )  # fmt: skip
    early = 0
    while (job := account.job(job_id))["status"] in ("pending", "processing"):
        if (job["progress"] or 0) < 90:
            early = max(early, _arriving(stand_ins, job_id))
        time.sleep(0.1)
    assert job["status"] == "completed", job
    assert early >= 6 * 1024**2
    assert "The upload of the output began while ffmpeg ran." in job["receipt"]["notes"]
    data = account.download(job_id)
    assert hashlib.sha256(data).hexdigest() == job["receipt"]["output"]["sha256"]
    output = tmp_path / "made.mp4"
    output.write_bytes(data)
    assert probe(output).duration == pytest.approx(8, abs=0.2)


def _arriving(stack: Stack, job_id: str) -> int:
    """Bytes that Storage holds of the job's unfinished output."""
    for path in stack.folder.rglob("*.json"):
        try:
            text = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(text, dict) and job_id in str(text.get("key", "")):
            return sum(
                each.stat().st_size
                for each in path.parent.iterdir()
                if text["version"] in each.name and each.suffix != ".json"
            )
    return 0


def test_a_canceled_job_leaves_no_early_bytes(
    stand_ins: Stack, account: Account, large: Path
) -> None:
    job_id = account.create(
        account.upload(large), "gif", options=[{"option": "-vf", "argument": "fps=25,scale=640:-2"}]
    )
    while _arriving(stand_ins, job_id) == 0:
        assert account.job(job_id)["status"] in ("pending", "processing")
        time.sleep(0.05)
    assert account.http.patch(f"/v1/transcodes/{job_id}/cancel").status_code == 200
    end = time.monotonic() + 60
    while _arriving(stand_ins, job_id) and time.monotonic() < end:
        time.sleep(0.1)
    assert _arriving(stand_ins, job_id) == 0


@pytest.mark.parametrize("where", ["served", "own upload", "own signed link"])
@pytest.mark.parametrize("escaped", ["quoted", "backslashes", "virtual"])
def test_subtitles_by_url(
    stack: Stack,
    account: Account,
    sources: SourceServer,
    black: Path,
    tmp_path: Path,
    where: str,
    escaped: str,
) -> None:
    path = tmp_path / "words.srt"
    path.write_text(SRT)
    if where == "served":
        url = sources.put(path)
    else:
        url, link = _uploaded_subtitles(account, path)
        url = link if where == "own signed link" else url
    options = {
        "quoted": {"option": "-vf", "argument": f"subtitles='{url}':force_style='FontSize=40'"},
        "backslashes": {
            "option": "-vf",
            "argument": "subtitles=filename=" + url.replace(":", "\\\\:"),
        },
        "virtual": {"option": "@subtitles", "argument": {"url": url, "style": {"fontSize": 40}}},
    }
    plain = finished(account, account.upload(black), "png")
    assert brightest(account.download(plain["id"]), tmp_path) < 20
    job = finished(account, account.upload(black), "png", options=[options[escaped]])
    assert brightest(account.download(job["id"]), tmp_path) > 200
    answer = json.dumps(job["receipt"]["arguments"])
    assert "http" not in answer.replace("http,tcp", "")
    assert "token" not in answer


def _uploaded_subtitles(account: Account, path: Path) -> tuple[str, str]:
    """The gs:// address of an uploaded subtitle file, and a signed link to it."""
    size = path.stat().st_size
    request = {"filename": path.name, "contentType": "application/x-subrip", "fileSize": size}
    link = account.http.post("/v1/upload/presigned-url", json=request).json()["result"]
    httpx.put(
        link["uploadUrl"], content=path.read_bytes(), trust_env=False,
        headers={"Content-Type": "application/x-subrip"},
    ).raise_for_status()  # fmt: skip
    answer = {"filename": link["filename"], "fileSize": size}
    result = account.http.post("/v1/upload/confirm", json=answer).json()["result"]
    return result["fileUrl"], result["downloadUrl"]


def test_the_plan_limits_the_output_and_the_time(
    stack: Stack, free_account: Account, large: Path, long: Path
) -> None:
    cases = [
        ("max_output_bytes", 100_000, "file_size", large, "mp4", {"quality": "low"}),
        ("max_job_seconds", 1, "processing_limit", long, "webm", {"resolution": "1080p"}),
    ]
    for column, value, category, path, output_format, preset in cases:
        url = free_account.upload(path)
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            row = connection.execute(f"select {column} from app.plans where id = 'free'").fetchone()
            connection.execute(f"update app.plans set {column} = %s where id = 'free'", [value])
        try:
            job = free_account.wait(free_account.create(url, output_format, preset=preset), 120)
        finally:
            with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
                connection.execute(f"update app.plans set {column} = %s where id = 'free'", row)
        assert (job["status"], job["error_category"]) == ("failed", category), job
        assert job["billable_minutes"] == 0


def test_health_tells_what_holds_ffmpeg(stack: Stack, account: Account, clip: Path) -> None:
    finished(account, account.upload(clip), "mp3")
    body = account.http.get("/health-check").json()["media"]
    assert body["ffmpeg"].startswith("ffmpeg version")
    assert "limits" in body["cage"]
    assert body["seen_at"].endswith("Z")


def test_progress_tells_the_seconds_left(account: Account, long: Path) -> None:
    steady = [{"option": "-c:v", "argument": "libx264"}, {"option": "-preset", "argument": "slow"}]
    job_id = account.create(account.upload(long), "mp4", options=steady)
    seen: list[tuple[float, float | None]] = []
    while (job := account.job(job_id))["status"] in ("pending", "processing"):
        if job["progress"]:
            seen.append((job["progress"], job["seconds_left"]))
        time.sleep(0.2)
    assert job["status"] == "completed", job
    assert any(0 < progress < 100 and left for progress, left in seen), seen
    assert [progress for progress, _ in seen] == sorted(progress for progress, _ in seen)
