"""Large files through the Storage stand-in: never whole in memory."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from storage3 import SyncStorageClient

from local import keys, postgres
from local.processes.children import Child
from tests.rigs.supabase.storage_server import Running, fresh_database

MB = 1024**2
GB = 1024 * MB
MEMORY = 200 * MB
BLOCK = os.urandom(MB)
TUS_CHUNKS = 4


def blocks(size: int) -> Iterator[bytes]:
    """`size` bytes, made as they are read."""
    for _ in range(size // MB):
        yield BLOCK


def checksum(chunks: Iterator[bytes]) -> tuple[int, int]:
    """Size and CRC of a stream."""
    size = crc = 0
    for chunk in chunks:
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
    return size, crc


def send(method: str, url: str, headers: dict[str, str], size: int) -> int:
    """Send `size` bytes; the status. The standard client, for it costs the least."""
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request(
        method,
        url.partition(address.netloc)[2],
        body=blocks(size),
        headers=headers | {"Content-Length": str(size)},
    )
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def own_process(tmp_path: Path) -> Iterator[tuple[Running, str]]:
    """A stand-in in a process of its own, and a bucket; its peak memory is checked at the end."""
    database = postgres.start(tmp_path / "postgres")
    url = fresh_database(database)
    child = Child("tests.rigs.processes.storage", [url, str(tmp_path)], dict(os.environ))
    try:
        base = child.ready()
        with httpx.Client(trust_env=False, timeout=60) as http:
            stack_keys = keys.load(tmp_path / "keys.json")
            server = Running(base, tmp_path / "files", url, stack_keys, http)
            yield server, server.bucket()
    finally:
        child.stop()
        database.stop()
        for path in (tmp_path / "files").rglob("*"):
            if path.is_file():
                path.unlink()  # pytest keeps folders for a while
    peak = int((tmp_path / "peak").read_text())
    print(f"peak memory: {peak // MB} MB")
    assert peak < MEMORY


@pytest.mark.slow
def test_a_gigabyte_up_by_link_and_down(own_process: tuple[Running, str]) -> None:
    server, bucket = own_process
    assert send("PUT", server.upload_link(bucket, "a"), {}, GB) == 200
    with server.http.stream("GET", server.download_link(bucket, "a")) as answer:
        assert checksum(answer.iter_raw(MB)) == checksum(blocks(GB))


@pytest.mark.slow
def test_a_gigabyte_in_resumable_chunks(own_process: tuple[Running, str]) -> None:
    server, bucket = own_process
    tus = server.as_caller() | {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
    }
    name = base64.b64encode(bucket.encode()).decode()
    answer = {"Upload-Length": str(GB), "Upload-Metadata": f"bucketName {name},objectName YQ=="}
    created = server.http.post(
        f"{server.base}/upload/resumable",
        headers=server.as_caller() | answer | {"Tus-Resumable": "1.0.0"},
    )
    step = GB // TUS_CHUNKS
    for offset in range(0, GB, step):
        headers = tus | {"Upload-Offset": str(offset)}
        assert send("PATCH", created.headers["location"], headers, step) == 204
    head = server.http.head(server.download_link(bucket, "a"))
    assert head.headers["content-length"] == str(GB)


def test_large_bodies_of_the_other_uploads(
    own_process: tuple[Running, str], tmp_path: Path
) -> None:
    """More than the memory allowed, raw and as the stock client's form."""
    server, bucket = own_process
    size = 300 * MB
    raw = server.as_caller() | {"Content-Type": "video/mp4"}
    assert send("POST", f"{server.base}/object/{bucket}/raw", raw, size) == 200
    holes = tmp_path / "holes"
    with holes.open("wb") as file:
        file.truncate(size)
    client = SyncStorageClient(f"{server.base}/", server.as_caller(), http_client=server.http)
    client.from_(bucket).upload("form", holes)
    for key in ("raw", "form"):
        assert client.from_(bucket).info(key)["size"] == size


def test_a_body_that_is_refused_is_not_held_in_memory(own_process: tuple[Running, str]) -> None:
    server, _ = own_process
    small = server.bucket(file_size_limit=1)
    url = f"{server.base}/object/{small}/a"
    assert send("POST", url, server.as_caller(), 300 * MB) == 400
    assert send("POST", f"{server.base}/nowhere", server.as_caller(), 300 * MB) == 404
