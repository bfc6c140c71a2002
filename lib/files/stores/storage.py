"""Supabase Storage: private buckets, one folder per account, reached by signed links only.

Signing, listing, removing and looking up go through the stock client; bytes are streamed with
httpx, since the stock client holds whole files in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote

from lib.files.stores.requests import (
    Missing,
    StorageError,
    TooSlow,
    auth,
    base,
    expect,
    retried,
    retry_once,
    translated,
)
from lib.files.stores.resumable import CHUNK, Upload
from lib.platform.supabase.http_client import http

if TYPE_CHECKING:
    import httpx
    from storage3 import SyncStorageClient

__all__ = ["CHUNK", "Missing", "StorageError", "TooSlow", "Upload"]

UPLOADS = "uploads"
OUTPUTS = "outputs"
EXPORTS = "exports"
BUCKETS = (UPLOADS, OUTPUTS, EXPORTS)
SIGNED = "/storage/v1/object/sign/"
"""What the path of a signed link begins with, before bucket and object."""
READ_SIZE = 256 * 1024
STATUS_SECONDS = 3


def sign_upload(object_name: str) -> str:
    """A link that takes one PUT of the object's bytes. Raises StorageError."""
    signed = retry_once(lambda: _client().from_(UPLOADS).create_signed_upload_url(object_name))
    return str(signed["signed_url"])


def sign_download(bucket: str, object_name: str, seconds: int, filename: str | None = None) -> str:
    """A link that serves the object for `seconds`, as an attachment when `filename` is given.

    Raises Missing, StorageError.
    """
    signed = retry_once(
        lambda: (
            _client()
            .from_(bucket)
            .create_signed_url(object_name, seconds, {"download": filename} if filename else None)
        )
    )
    link = signed["signedUrl"]
    if not link:
        raise Missing(object_name)
    return link


class Info(NamedTuple):
    """What Storage says of an object."""

    size: int
    version: str | None
    """Another for each time that bytes were stored under the name."""


def info(bucket: str, object_name: str) -> Info:
    """The object's size in bytes and its version. Raises Missing, StorageError."""
    answer = retry_once(lambda: _client().from_(bucket).info(object_name))
    return Info(int(answer["size"]), answer.get("version"))


def size(bucket: str, object_name: str) -> int:
    """The object's size in bytes. Raises Missing, StorageError."""
    return info(bucket, object_name).size


def remove(bucket: str, object_names: list[str]) -> None:
    """Delete objects; those that are not there do not matter. Raises StorageError."""
    if object_names:
        retry_once(lambda: _client().from_(bucket).remove(object_names))


def folder(bucket: str, prefix: str) -> list[str]:
    """The names of all objects whose name starts with `prefix`. Raises StorageError."""
    names: list[str] = []
    cursor: str | None = None
    while True:
        options: dict[str, Any] = {"prefix": prefix, "limit": 1000, "with_delimiter": False}
        if cursor:
            options["cursor"] = cursor
        page = retry_once(partial(_client().from_(bucket).list_v2, options))  # type: ignore[arg-type]
        names += [entry.name for entry in page.objects]
        if not page.hasNext or not page.nextCursor:
            return names
        cursor = page.nextCursor


def download(bucket: str, object_name: str, destination: Path, canceled: Callable[[], bool]) -> int:
    """Stream the object into `destination`; its size in bytes.

    Stops early, with the bytes so far, once `canceled` says so. Raises Missing, StorageError.
    """
    with (
        translated(),
        destination.open("wb") as file,
        _get(bucket, object_name) as response,
    ):
        for chunk in response.iter_raw(READ_SIZE):
            file.write(chunk)
            if canceled():
                break
        return file.tell()


@contextmanager
def stream(bucket: str, object_name: str, start: int) -> Iterator[Iterator[bytes]]:
    """The object's bytes from `start` on, which may be left early. Raises Missing, StorageError.

    Reading the bytes raises StorageError as well.
    """
    headers = {"Range": f"bytes={start}-"}
    with translated(), _get(bucket, object_name, headers) as response:
        yield _bytes(response)


def upload(bucket: str, object_name: str, source: Path, content_type: str) -> None:
    """Store the file, replacing what is there; large ones in chunks that are tried again.

    Raises StorageError.
    """
    with translated(), source.open("rb") as file:
        total = source.stat().st_size
        if total <= CHUNK:
            _put_whole(bucket, object_name, file, total, content_type)
        else:
            with Upload(bucket, object_name, content_type, total) as parts:
                while data := file.read(CHUNK):
                    parts.append(data)
                parts.finish()


def healthy() -> tuple[int, str]:
    """Status code and text of Storage's own status route. Raises StorageError."""
    with translated():
        response = http().get(f"{base()}/status", timeout=STATUS_SECONDS)
        return response.status_code, response.reason_phrase


def _put_whole(bucket: str, name: str, file: BinaryIO, total: int, content_type: str) -> None:
    headers = auth() | {
        "Content-Type": content_type,
        "Content-Length": str(total),
        "x-upsert": "true",
    }
    url = f"{base()}/object/{bucket}/{quote(name)}"

    def put() -> None:
        file.seek(0)
        expect(http().post(url, headers=headers, content=_chunks(file)))

    retried(put)


def _bytes(response: httpx.Response) -> Iterator[bytes]:
    with translated():  # whoever reads may be in another thread, outside of the caller's context
        yield from response.iter_raw(READ_SIZE)


@contextmanager
def _get(
    bucket: str, object_name: str, headers: dict[str, str] | None = None
) -> Iterator[httpx.Response]:
    url = f"{base()}/object/authenticated/{bucket}/{quote(object_name)}"
    with http().stream("GET", url, headers=auth() | (headers or {})) as response:
        if response.status_code >= 400:
            response.read()
        expect(response)
        yield response


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(READ_SIZE):
        yield chunk


def _client() -> SyncStorageClient:
    return _client_over(http())


@cache
def _client_over(http_client: httpx.Client) -> SyncStorageClient:
    from storage3 import SyncStorageClient

    return SyncStorageClient(f"{base()}/", auth(), http_client=http_client)
