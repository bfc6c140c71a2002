"""Uploads: bound to the object that was confirmed, and to what the plan keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.files.upload_types import FILE_TYPES, TYPES
from local import client as api
from local.client import CallFailed
from local.stack import Stack
from supabase import create_client
from tests.rigs.accounts import Account
from tests.rigs.files import rows, stored, sweep

GIGABYTE = 1024**3


def presigned(account: Account, size: int, content_type: str = "video/mp4") -> httpx.Response:
    body = {"filename": "a.mp4", "contentType": content_type, "fileSize": size}
    return account.http.post("/v1/upload/presigned-url", json=body)


def replace(stack: Stack, address: str, path: Path) -> None:
    """Store other bytes under the name of an upload, as a second PUT would."""
    client = create_client(stack.settings["SUPABASE_URL"], stack.settings["SUPABASE_SECRET_KEY"])
    bucket, _, name = address.removeprefix("gs://").partition("/")
    client.storage.from_(bucket).upload(
        name, path.read_bytes(), {"content-type": "audio/mpeg", "upsert": "true"}
    )


@pytest.fixture
def two(make_media: Callable[..., Path]) -> tuple[Path, Path]:
    """One second and twenty seconds of sound, in files of one size."""
    short, long = (
        make_media(f"sound{seconds}.mp3", "-f", "lavfi", "-i", f"sine=d={seconds}", "-b:a", "32k")
        for seconds in (1, 20)
    )
    padded = short.with_name("padded.mp3")
    padded.write_bytes(short.read_bytes().ljust(long.stat().st_size, b"\0"))
    return padded, long


def test_an_exchanged_upload_is_charged_for_what_it_holds(
    stack: Stack, account: Account, two: tuple[Path, Path]
) -> None:
    short, long = two
    link = api.presign(account.http, short)
    api.put(link["uploadUrl"], short)
    url = api.confirm(account.http, link["filename"], short)["fileUrl"]
    wrong = {"filename": link["filename"], "fileSize": short.stat().st_size + 1}
    assert account.http.post("/v1/upload/confirm", json=wrong).status_code == 400
    assert stored(stack, account) == {url}  # kept
    with pytest.raises(CallFailed):
        api.put(link["uploadUrl"], long)  # the name is taken
    replace(stack, url, long)
    done = account.wait(account.create(url, "m4a"))
    assert done["status"] == "completed", done
    assert done["inputs"][0]["duration"] == pytest.approx(20, abs=0.1)
    assert done["billable_minutes"] == pytest.approx(20 / 60, abs=0.002)


def test_a_mismatch_keeps_what_was_confirmed_and_forgets_what_was_not(
    stack: Stack, account: Account, two: tuple[Path, Path]
) -> None:
    short, long = two
    link = api.presign(account.http, short)
    api.put(link["uploadUrl"], short)
    right = {"filename": link["filename"], "fileSize": short.stat().st_size}
    url = account.http.post("/v1/upload/confirm", json=right).json()["result"]["fileUrl"]

    def mismatch() -> tuple[Any, ...]:
        wrong = account.http.post("/v1/upload/confirm", json=right | {"fileSize": 7})
        assert (wrong.status_code, wrong.json()["error"]) == (400, "File size mismatch")
        return rows(
            stack,
            "select probe is null, size_bytes is null, confirmed_at is null from app.files"
            " where address = %s",
            url,
        )[0]

    assert mismatch() == (False, False, False)
    replace(stack, url, long)
    assert mismatch() == (True, True, True)
    assert account.http.post("/v1/upload/confirm", json=right).status_code == 200
    assert mismatch() == (False, False, False)


def test_an_upload_larger_than_its_link_is_refused_and_removed(
    stack: Stack, account: Account, clip: Path
) -> None:
    size = clip.stat().st_size
    link = presigned(account, size - 1).json()["result"]
    api.put(link["uploadUrl"], clip)
    [url] = stored(stack, account)
    confirm = {"filename": link["filename"], "fileSize": size}
    refused = account.http.post("/v1/upload/confirm", json=confirm)
    assert (refused.status_code, refused.json()["error"]) == (400, "File size mismatch")
    assert str(size - 1) in refused.json()["details"]
    job = account.wait(account.create(url, "mp3"))
    assert (job["status"], job["error_category"]) == ("failed", "upload"), job
    sweep(stack)
    assert stored(stack, account) == set()
    # A smaller one than was declared is accepted.
    link = presigned(account, size + 1).json()["result"]
    api.put(link["uploadUrl"], clip)
    confirm = {"filename": link["filename"], "fileSize": size}
    assert account.http.post("/v1/upload/confirm", json=confirm).status_code == 200


def test_unconfirmed_uploads_are_deleted_after_two_hours(
    stack: Stack, account: Account, clip: Path
) -> None:
    confirmed = account.upload(clip)
    links = [api.presign(account.http, clip) for _ in range(3)]
    for link in links[:2]:
        api.put(link["uploadUrl"], clip)
    remaining, due, late = (link["filename"] for link in links)
    age = "update app.files set created_at = now() - make_interval(mins => %s) where filename = %s"
    rows(stack, age.replace("filename = %s", "key like '%%' || %s"), 119, remaining)
    for name in (due, late):
        rows(stack, age.replace("filename = %s", "key like '%%' || %s"), 121, name)
    sweep(stack)
    folder = confirmed.rpartition("/")[0]
    assert stored(stack, account) == {confirmed, f"{folder}/{remaining}"}
    # Bytes that come after that have no owner and go with the next sweep.
    api.put(links[2]["uploadUrl"], clip)
    sweep(stack)
    assert stored(stack, account) == {confirmed, f"{folder}/{remaining}"}


def test_an_upload_that_an_unfinished_job_reads_is_left(
    stack: Stack, account: Account, clip: Path
) -> None:
    link = api.presign(account.http, clip)
    api.put(link["uploadUrl"], clip)
    [url] = stored(stack, account)
    rows(
        stack,
        "insert into app.jobs (account_id, status, request, output_format, inputs, period)"
        " select id, 'processing', '{}', 'mp4', jsonb_build_array(jsonb_build_object('url',"
        " %s::text)), '2026-11-01' from app.accounts where email = %s",
        url,
        account.email,
    )
    rows(
        stack,
        "update app.files set created_at = now() - interval '3 hours' where address = %s",
        url,
    )
    sweep(stack)
    assert stored(stack, account) == {url}
    rows(
        stack,
        "update app.jobs set status = 'canceled' where account_id ="
        " (select id from app.accounts where email = %s)",
        account.email,
    )
    sweep(stack)
    assert stored(stack, account) == set()


def test_a_plan_keeps_so_many_uploads(free_account: Account) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda _: presigned(free_account, 10).status_code, range(51)))
    assert statuses == {200: 50, 400: 1}
    refused = presigned(free_account, 10)
    assert refused.json()["error"] == "The Free plan takes 50 uploads. A larger plan takes more."


def test_a_plan_keeps_so_many_bytes(stack: Stack, free_account: Account) -> None:
    assert presigned(free_account, GIGABYTE + 1).status_code == 400
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(
            pool.map(lambda _: presigned(free_account, GIGABYTE // 4).status_code, range(20))
        )
    assert statuses == {200: 4, 400: 16}
    refused = presigned(free_account, 1)
    assert "1024 MiB of uploads in all" in refused.json()["error"]
    assert "DELETE /v1/upload" in refused.json()["details"]
    # Deleted files don't count.
    [name] = rows(
        stack,
        "select filename_at from (select split_part(key, '/', 2) as filename_at"
        " from app.files f join app.accounts a on a.id = f.account_id where a.email = %s) x"
        " limit 1",
        free_account.email,
    )[0]
    assert free_account.http.delete(f"/v1/upload/{name}").is_success
    assert presigned(free_account, GIGABYTE // 4).status_code == 200
    assert presigned(free_account, 1).status_code == 400


def test_storage_takes_every_type_that_a_link_is_given_for(stack: Stack) -> None:
    [[allowed]] = rows(stack, "select allowed_mime_types from storage.buckets where id = 'uploads'")
    assert set(allowed) == TYPES


def test_every_type_gets_a_link(account: Account) -> None:
    """Of each extension, with each of its types and with the one that says nothing."""
    for entry in FILE_TYPES:
        for extension in entry.extensions:
            for content_type in (*entry.types, "application/octet-stream"):
                body = {"filename": f"клип.{extension.upper()}", "contentType": content_type}
                answer = account.http.post("/v1/upload/presigned-url", json=body | {"fileSize": 10})
                assert answer.status_code == 200, (body, answer.text)
                assert answer.json()["result"]["filename"].endswith(f".{extension}")


@pytest.mark.parametrize(
    ("name", "content_type", "why"),
    [
        ("a.mp4", "application/pdf", "application/pdf"), ("a.pdf", "application/pdf", "one of"),
        ("a.exe", "application/octet-stream", ".mkv"), ("a", "application/octet-stream", ".mkv"),
        ("a.mp4", "text/plain", ".srt"), ("a.txt", "text/plain", ".srt"),
        ("a.mp4", "x" * 5000, "one of"), ("a.svg", "image/svg+xml", "one of"),
    ],
)  # fmt: skip
def test_a_type_that_is_refused(account: Account, name: str, content_type: str, why: str) -> None:
    body = {"filename": name, "contentType": content_type, "fileSize": 10}
    answer = account.http.post("/v1/upload/presigned-url", json=body)
    assert answer.status_code == 400, answer.text
    refused = answer.json()
    assert refused["error"] == "Invalid file type. Only video, audio, or image files are allowed."
    assert why in refused["details"]
    assert len(refused["details"]) < 3000


@pytest.mark.parametrize("extension", ["jxl", "avif", "mkv", "ts"])
def test_a_file_of_these_types_makes_a_job(
    account: Account, make_media: Callable[..., Path], extension: str
) -> None:
    frames = ("-frames:v", "1") if extension in ("jxl", "avif") else ("-t", "1")
    path = make_media(f"small.{extension}", "-f", "lavfi", "-i", "testsrc=s=64x64:r=10", *frames)
    size = path.stat().st_size
    content_type = next(each.types[0] for each in FILE_TYPES if extension in each.extensions)
    body = {"filename": path.name, "contentType": content_type, "fileSize": size}
    link = account.http.post("/v1/upload/presigned-url", json=body).json()["result"]
    httpx.put(
        link["uploadUrl"],
        content=path.read_bytes(),
        headers={"Content-Type": content_type},
        trust_env=False,
    ).raise_for_status()
    url = api.confirm(account.http, link["filename"], path)["fileUrl"]
    job = account.wait(account.create(url, "png"))
    assert job["status"] == "completed", job
