"""The Storage stand-in, held to the real server's recorded answers and to the stock client."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest
from storage3.exceptions import StorageApiError

from local import postgres
from supabase import Client, create_client
from tests.rigs.supabase import storage_replay
from tests.rigs.supabase.storage_replay import ramp
from tests.rigs.supabase.storage_server import Running, fresh_database, running


@pytest.fixture
def client(server: Running) -> Client:
    """The stock client with the server-side key."""
    return create_client(server.url, server.keys.secret)


def test_recorded_exchanges(database: postgres.Postgres, tmp_path: Path) -> None:
    recording = storage_replay.load()
    for left_out in recording.left_out:
        print(f"left out: exchange {left_out.number}, {left_out.why}")
    # As recorded: without the hosted gateway, which answers preflights.
    with running(fresh_database(database), tmp_path, gateway=False) as server:
        replay = storage_replay.Replay(server)
        faults = [fault for exchange in recording.exchanges for fault in replay.run(exchange)]
    print(f"replayed {len(recording.exchanges)} exchanges of {recording.source}")
    assert not faults, "\n".join(faults)


def test_stock_client_buckets(client: Client) -> None:
    storage = client.storage
    storage.create_bucket(
        "videos", options={"file_size_limit": 2_000_000, "allowed_mime_types": ["video/*"]}
    )
    bucket = storage.get_bucket("videos")
    assert (bucket.file_size_limit, bucket.allowed_mime_types) == (2_000_000, ["video/*"])
    storage.update_bucket("videos", {"public": True})
    changed = storage.get_bucket("videos")
    assert (changed.public, changed.file_size_limit) == (True, 2_000_000)
    assert "videos" in [each.id for each in storage.list_buckets()]
    storage.from_("videos").upload("a.mp4", b"a", {"content-type": "video/mp4"})
    with pytest.raises(StorageApiError, match="not empty"):
        storage.delete_bucket("videos")
    storage.empty_bucket("videos")
    storage.delete_bucket("videos")
    with pytest.raises(StorageApiError, match="Bucket not found"):
        storage.get_bucket("videos")


def test_stock_client_signed_upload_and_download(client: Client, server: Running) -> None:
    bucket = client.storage.from_(server.bucket())
    key = "account/in/é clip.mp4"
    link = bucket.create_signed_upload_url(key)
    bucket.upload_to_signed_url(key, link["token"], ramp(5000), {"content-type": "video/mp4"})
    info = bucket.info(key)
    assert (info["size"], info["content_type"]) == (5000, "video/mp4")
    signed = bucket.create_signed_url(key, 60, {"download": "my clip.mp4"})["signedUrl"]
    assert signed
    answer = httpx.get(signed, headers={"Range": "bytes=100-199"}, trust_env=False)
    assert (answer.status_code, answer.content) == (206, ramp(200)[100:])
    assert "filename=my%20clip.mp4" in answer.headers["content-disposition"]
    assert bucket.download(key) == ramp(5000)
    both = bucket.create_signed_urls([key, "none"], 60)
    assert [bool(each["signedURL"]) for each in both] == [True, False]
    with pytest.raises(StorageApiError) as refused:
        bucket.create_signed_url("none", 60)
    assert refused.value.code == "not_found"


def test_stock_client_objects(client: Client, server: Running) -> None:
    bucket = client.storage.from_(server.bucket())
    bucket.upload("a/1.txt", b"one", {"content-type": "text/plain", "metadata": {"job": "j"}})
    bucket.upload("a/1.txt", b"uno", {"content-type": "text/plain", "upsert": "true"})
    bucket.update("a/1.txt", b"eins", {"content-type": "text/plain"})
    with pytest.raises(StorageApiError, match="already exists"):
        bucket.upload("a/1.txt", b"again")
    bucket.copy("a/1.txt", "a/b/2.txt")
    bucket.move("a/1.txt", "a/3.txt")
    assert bucket.download("a/b/2.txt") == b"eins" == bucket.download("a/3.txt")
    assert (bucket.exists("a/3.txt"), bucket.exists("a/1.txt")) == (True, False)
    assert [each["name"] for each in bucket.list("a")] == ["b", "3.txt"]
    removed = bucket.remove(["a/b/2.txt", "a/3.txt", "a/none"])
    assert sorted(each["name"] for each in removed) == ["a/3.txt", "a/b/2.txt"]
    assert bucket.list("a") == []


def test_listing_by_cursor_gives_every_object_once(client: Client, server: Running) -> None:
    bucket = client.storage.from_(server.bucket())
    keys = [f"p/{number:02}" for number in range(7)] + ["p/x/1", "p/x/2", "p_other", "P/1"]
    for key in keys:
        bucket.upload(key, b".")
    listed: list[str] = []
    cursor = ""
    while True:
        page = bucket.list_v2({"prefix": "p/", "limit": 3, "cursor": cursor})
        listed += [each.name for each in page.objects]
        if not page.hasNext:
            break
        assert page.nextCursor
        cursor = page.nextCursor
    assert listed == [key for key in sorted(keys) if key.startswith("p/")]
    level = bucket.list_v2({"prefix": "p/", "with_delimiter": True, "limit": 8})
    assert [each.name for each in level.folders] == ["p/x/"]
    assert len(level.objects) == 7 and not level.hasNext
    descending = bucket.list_v2({"prefix": "p/x", "sortBy": {"column": "name", "order": "desc"}})
    assert [each.name for each in descending.objects] == ["p/x/2", "p/x/1"]


def test_resumable_upload_goes_on_after_a_cut(client: Client, server: Running) -> None:
    bucket = server.bucket()
    body = ramp(3_000_000)
    tus = server.as_caller() | {"Tus-Resumable": "1.0.0"}
    metadata = ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}"
        for name, value in {"bucketName": bucket, "objectName": "v.mp4"}.items()
    )
    location = server.http.post(
        f"{server.base}/upload/resumable",
        headers=tus | {"Upload-Length": str(len(body)), "Upload-Metadata": metadata},
    ).headers["location"]

    def patch(start: int, end: int) -> httpx.Response:
        headers = {
            "Upload-Offset": str(start),
            "Content-Type": "application/offset+octet-stream",
        }
        return server.http.patch(location, headers=tus | headers, content=body[start:end])

    assert patch(0, 1_000_000).headers["upload-offset"] == "1000000"
    assert patch(0, 10).status_code == 409
    too_much = server.http.patch(
        location,
        headers=tus
        | {"Upload-Offset": "1000000", "Content-Type": "application/offset+octet-stream"},
        content=body,
    )
    assert (too_much.status_code, too_much.text) == (413, "upload's size exceeded\n")
    assert not client.storage.from_(bucket).exists("v.mp4")
    offset = int(server.http.head(location, headers=tus).headers["upload-offset"])
    done = patch(offset, len(body))
    assert (done.status_code, done.headers["tus-complete"]) == (204, "1")
    assert client.storage.from_(bucket).download("v.mp4") == body
    assert patch(0, 10).status_code == 409


def test_resumable_upload_of_unknown_length(client: Client, server: Running) -> None:
    bucket = server.bucket(file_size_limit=100)
    tus = server.as_caller() | {"Tus-Resumable": "1.0.0"}
    encoded = base64.b64encode(bucket.encode()).decode()
    created = server.http.post(
        f"{server.base}/upload/resumable",
        headers=tus
        | {"Upload-Defer-Length": "1", "Upload-Metadata": f"bucketName {encoded},objectName YQ=="},
    )
    location = created.headers["location"]
    body = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    too_long = server.http.patch(location, headers=tus | body | {"Upload-Length": "101"})
    assert too_long.status_code == 413
    headers = server.http.head(location, headers=tus).headers
    assert (headers["upload-defer-length"], "upload-length" in headers) == ("1", False)
    server.http.patch(location, headers=tus | body | {"Upload-Length": "3"}, content=b"abc")
    assert client.storage.from_(bucket).download("a") == b"abc"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "1", "Upload-Metadata": "bucketName !"}, 400),
        ({"Upload-Length": "-1", "Upload-Metadata": "bucketName YQ=="}, 404),
        ({"Upload-Metadata": "bucketName YQ=="}, 404),
        ({"Tus-Resumable": "0.2", "Upload-Length": "1"}, 412),
    ],
)
def test_resumable_upload_refuses(server: Running, headers: dict[str, str], status: int) -> None:
    tus = server.as_caller() | {"Tus-Resumable": "1.0.0"}
    created = server.http.post(f"{server.base}/upload/resumable", headers=tus | headers)
    assert created.status_code == status


def test_gateway_opens_answers_to_browsers(server: Running) -> None:
    bucket = server.bucket()
    link = server.upload_link(bucket, "a")
    origin = {"Origin": "https://app.example.com"}
    request = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-upsert"}
    preflight = server.http.options(link, headers=origin | request)
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "x-upsert"
    put = server.http.put(link, headers=origin, content=b"x")
    assert put.headers["access-control-allow-origin"] == "*"
    tus = server.http.options(f"{server.base}/upload/resumable", headers=origin | request)
    assert "PATCH" in tus.headers["access-control-allow-methods"]
    assert server.http.get(f"{server.url}/auth/v1/any").text == "null"
    for path in ("/", "/storage/v11/status", "/rest/v1/x"):
        assert server.http.get(server.url + path).status_code == 404
