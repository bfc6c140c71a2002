"""The official Python client, unmodified, through every call we serve: success and error."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ffmpeg_micro
import httpx
import pytest
from ffmpeg_micro.exceptions import (
    ApiException,
    BadRequestException,
    NotFoundException,
    UnauthorizedException,
)

from local.stack import Stack
from tests.rigs.accounts import Account

client: Any = ffmpeg_micro
"""The generated package; its own types are looser than what it enforces at run time."""


@pytest.fixture
def api(stack: Stack, account: Account) -> Iterator[Any]:
    with client.ApiClient(client.Configuration(host=stack.url, access_token=account.key)) as opened:
        yield client.DefaultApi(opened)


@pytest.fixture
def stranger(stack: Stack) -> Iterator[Any]:
    with client.ApiClient(client.Configuration(host=stack.url, access_token="ffm_no")) as opened:
        yield client.DefaultApi(opened)


def upload(api: Any, path: Path) -> Any:
    size = path.stat().st_size
    link = api.v1_upload_presigned_url_post(
        client.V1UploadPresignedUrlPostRequest(
            filename=path.name, content_type="video/mp4", file_size=size
        )
    )
    assert link.success is True
    httpx.put(
        link.result.upload_url,
        content=path.read_bytes(),
        headers={"Content-Type": "video/mp4"},
        trust_env=False,
    ).raise_for_status()
    return api.v1_upload_confirm_post(
        client.V1UploadConfirmPostRequest(filename=link.result.filename, file_size=size)
    ).result


def create(api: Any, url: str, **fields: Any) -> Any:
    return api.v1_transcodes_post(
        client.CreateTranscodeRequest(
            inputs=[client.CreateTranscodeRequestInputsInner(url=url)],
            output_format=fields.pop("output_format", "mp4"),
            **fields,
        )
    )


def wait(api: Any, job_id: str) -> Any:
    end = time.monotonic() + 60
    while True:
        job = api.v1_transcodes_id_get(job_id)
        if job.status in ("completed", "failed", "canceled"):
            return job
        assert time.monotonic() < end, job
        time.sleep(0.1)


def test_the_main_job(api: Any, clip: Path) -> None:
    stored = upload(api, clip)
    assert stored.file_url.startswith("gs://")
    assert stored.metadata.has_video is True
    assert stored.file_size == clip.stat().st_size
    assert httpx.get(stored.download_url, trust_env=False).content == clip.read_bytes()
    probed = api.v1_ffprobe_post(client.V1FfprobePostRequest(url=stored.file_url))
    assert (probed.metadata.width, probed.metadata.height) == (320, 180)
    new_job = create(
        api,
        stored.file_url,
        preset=client.CreateTranscodeRequestPreset(quality="low", resolution="480p"),
        metadata={"order": "7"},
    )
    assert new_job.status == "pending"
    job = wait(api, new_job.id)
    assert job.status == "completed", job
    assert job.ffmpeg_options.source == "preset"
    assert job.outputs[0].size_bytes > 0
    assert job.billable_minutes == pytest.approx(2 / 60, abs=0.001)
    url = api.v1_transcodes_id_download_get(new_job.id).url
    assert len(httpx.get(url, trust_env=False).content) == job.outputs[0].size_bytes
    with pytest.raises(BadRequestException) as refused:
        api.v1_transcodes_id_cancel_patch(new_job.id)
    assert "Cannot cancel job in status: completed" in str(refused.value.body)


def test_listing(api: Any, clip: Path) -> None:
    url = upload(api, clip).file_url
    ids = [create(api, url, output_format="mp3").id for _ in range(2)]
    for job_id in ids:
        wait(api, job_id)
    page = api.v1_transcodes_get(
        status="completed",
        limit=1,
        order="updated_at.asc",
        since=datetime.now(UTC) - timedelta(hours=1),
        until=datetime.now() + timedelta(days=1),
    )
    assert (page.total, page.limit, len(page.items)) == (2, 1, 1)


def test_options_and_cancel(api: Any, clip: Path) -> None:
    url = upload(api, clip).file_url
    option = client.FFmpegOption
    job = create(
        api,
        url,
        options=[
            client.CreateTranscodeRequestOptionsInner(option(option="-an", argument="")),
            client.CreateTranscodeRequestOptionsInner(option(option="-crf", argument="40")),
        ],
    )
    answer = api.v1_transcodes_id_cancel_patch(job.id)
    assert answer.success is True
    assert answer.message == "Job cancelled successfully"
    assert answer.job.status == "canceled"
    assert answer.job.error_message == "Job canceled by user"


def test_errors(api: Any, stranger: Any, clip: Path) -> None:
    nobody = str(uuid.uuid4())
    unknown: list[Any] = [
        lambda: stranger.v1_transcodes_get(),
        lambda: stranger.v1_transcodes_id_get(nobody),
        lambda: create(stranger, "https://example.com/a.mp4"),
        lambda: stranger.v1_ffprobe_post(client.V1FfprobePostRequest(url="gs://uploads/a/b")),
        lambda: upload(stranger, clip),
    ]
    for call in unknown:
        with pytest.raises(UnauthorizedException) as unauthorized:
            call()
        assert '"error":"unauthorized"' in str(unauthorized.value.body)
    foreign: list[Any] = [
        lambda: api.v1_transcodes_id_get(nobody),
        lambda: api.v1_transcodes_id_cancel_patch(nobody),
        lambda: api.v1_transcodes_id_download_get(nobody),
        lambda: api.v1_ffprobe_post(
            client.V1FfprobePostRequest(url=f"gs://uploads/{nobody}/b.mp4")
        ),
        lambda: create(api, f"gs://uploads/{nobody}/b.mp4"),
    ]
    for call in foreign:
        with pytest.raises(NotFoundException):
            call()
    with pytest.raises(BadRequestException) as bad:
        api.v1_ffprobe_post(client.V1FfprobePostRequest(url="https://example.com/a.mp4"))
    data: Any = bad.value.data
    assert data.details
    with pytest.raises(BadRequestException) as refused:
        create(
            api,
            "https://example.com/a.mp4",
            options=[
                client.CreateTranscodeRequestOptionsInner(
                    client.FFmpegOption(option="-report", argument="")
                )
            ],
        )
    assert "-report" in str(refused.value.body)
    with pytest.raises(BadRequestException) as mismatch:
        api.v1_upload_confirm_post(
            client.V1UploadConfirmPostRequest(filename=unsent(api), file_size=3)
        )
    assert "File not found" in str(mismatch.value.body)


def unsent(api: Any) -> str:
    link = api.v1_upload_presigned_url_post(
        client.V1UploadPresignedUrlPostRequest(
            filename="never.mp4", content_type="video/mp4", file_size=3
        )
    )
    return str(link.result.filename)


def test_the_quota_wall(stack: Stack, free_account: Account, clip: Path) -> None:
    import psycopg

    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "insert into app.usage (account_id, period, used_minutes)"
            " select id, date_trunc('month', now() at time zone 'utc')::date, 99.99"
            " from app.accounts where email = %s",
            (free_account.email,),
        )
    configuration = client.Configuration(host=stack.url, access_token=free_account.key)
    with client.ApiClient(configuration) as opened:
        api = client.DefaultApi(opened)
        stored = upload(api, clip)
        with pytest.raises(ApiException) as wall:
            create(api, stored.file_url)
        assert wall.value.status == 402
        data: Any = wall.value.data
        assert data.job_id in data.upgrade_url
        job = api.v1_transcodes_id_get(data.job_id)
        assert (job.status, job.error_category) == ("failed", "quota")
