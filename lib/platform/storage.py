"""Supabase Storage: private buckets, one folder per account, reached by signed links only.

Signing, listing, removing and looking up go through the stock client; bytes are streamed with
httpx, since the stock client holds whole files in memory.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lib.platform.once import once
from lib.platform.settings import settings

if TYPE_CHECKING:
    import httpx
    from storage3 import SyncStorageClient

UPLOADS = "uploads"
OUTPUTS = "outputs"
TUS_CHUNK = 6 * 1024 * 1024
"""Supabase's resumable uploads take chunks of exactly this size, but for the last."""
READ_SIZE = 256 * 1024
TRIES = 3


class StorageError(Exception):
    """Storage did not do what was asked; the text is for logs, not for callers."""


class Missing(StorageError):
    """There is no such object."""


def sign_upload(object_name: str) -> str:
    """A link that takes one PUT of the object's bytes. Raises StorageError."""
    with _translated():
        return str(_client().from_(UPLOADS).create_signed_upload_url(object_name)["signed_url"])


def sign_download(bucket: str, object_name: str, seconds: int, filename: str | None = None) -> str:
    """A link that serves the object for `seconds`, as an attachment when `filename` is given.

    Raises Missing, StorageError.
    """
    with _translated():
        signed = (
            _client()
            .from_(bucket)
            .create_signed_url(object_name, seconds, {"download": filename} if filename else None)
        )
    link = signed["signedUrl"]
    if not link:
        raise Missing(object_name)
    return link


def size(bucket: str, object_name: str) -> int:
    """The object's size in bytes. Raises Missing, StorageError."""
    with _translated():
        return int(_client().from_(bucket).info(object_name)["size"])


def remove(bucket: str, object_names: list[str]) -> None:
    """Delete objects; those that are not there do not matter. Raises StorageError."""
    if object_names:
        with _translated():
            _client().from_(bucket).remove(object_names)


def folder(bucket: str, prefix: str) -> list[str]:
    """The names of all objects whose name starts with `prefix`. Raises StorageError."""
    names: list[str] = []
    cursor: str | None = None
    while True:
        options: dict[str, Any] = {"prefix": prefix, "limit": 1000, "with_delimiter": False}
        if cursor:
            options["cursor"] = cursor
        with _translated():
            page = _client().from_(bucket).list_v2(options)  # type: ignore[arg-type]
        names += [entry.name for entry in page.objects]
        if not page.hasNext or not page.nextCursor:
            return names
        cursor = page.nextCursor


def download(
    bucket: str, object_name: str, destination: Path, cancelled: Callable[[], bool]
) -> int:
    """Stream the object into `destination`; its size in bytes.

    Stops early, with the bytes so far, once `cancelled` says so. Raises Missing, StorageError.
    """
    with _translated(), destination.open("wb") as file, _get(bucket, object_name) as response:
        for chunk in response.iter_raw(READ_SIZE):
            file.write(chunk)
            if cancelled():
                break
        return file.tell()


def read_range(bucket: str, object_name: str, start: int, length: int) -> bytes:
    """`length` bytes of the object from `start`; fewer at its end. Raises Missing, StorageError."""
    headers = {"Range": f"bytes={start}-{start + length - 1}"}
    with _translated(), _get(bucket, object_name, headers) as response:
        return response.read()


@contextmanager
def stream(bucket: str, object_name: str, start: int) -> Iterator[Iterator[bytes]]:
    """The object's bytes from `start` on, which may be left early. Raises Missing, StorageError."""
    headers = {"Range": f"bytes={start}-"}
    with _translated(), _get(bucket, object_name, headers) as response:
        yield response.iter_raw(READ_SIZE)


def upload(bucket: str, object_name: str, source: Path, content_type: str) -> None:
    """Store the file, replacing what is there; large ones in chunks that are tried again.

    Raises StorageError.
    """
    with _translated(), source.open("rb") as file:
        total = source.stat().st_size
        if total <= TUS_CHUNK:
            _put_whole(bucket, object_name, file, total, content_type)
        else:
            _put_chunks(bucket, object_name, file, total, content_type)


def healthy() -> tuple[int, str]:
    """Status code and text of Storage's own status route. Raises StorageError."""
    with _translated():
        response = _http().get(f"{_base()}/status", timeout=5)
        return response.status_code, response.reason_phrase


def _put_whole(bucket: str, name: str, file: BinaryIO, total: int, content_type: str) -> None:
    headers = _auth() | {
        "Content-Type": content_type,
        "Content-Length": str(total),
        "x-upsert": "true",
    }
    url = f"{_base()}/object/{bucket}/{name}"

    def put() -> None:
        file.seek(0)
        _expect(_http().post(url, headers=headers, content=_chunks(file)))

    _retried(put)


def _put_chunks(bucket: str, name: str, file: BinaryIO, total: int, content_type: str) -> None:
    """The tus protocol, version 1.0.0: create, then PATCH each chunk at its offset."""
    tus = _auth() | {"Tus-Resumable": "1.0.0"}
    told = {"bucketName": bucket, "objectName": name, "contentType": content_type}
    metadata = ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items()
    )
    created = _retried(
        lambda: _expect(
            _http().post(
                f"{_base()}/upload/resumable",
                headers=tus
                | {"Upload-Length": str(total), "Upload-Metadata": metadata, "x-upsert": "true"},
            )
        )
    )
    url = str(created.request.url.join(created.headers["location"]))
    position = 0
    while position < total:

        def patch(start: int) -> int:
            file.seek(start)
            response = _http().patch(
                url,
                headers=tus
                | {
                    "Upload-Offset": str(start),
                    "Content-Type": "application/offset+octet-stream",
                },
                content=file.read(TUS_CHUNK),
            )
            if response.status_code == 409:  # an answer was lost: ask where the upload stands
                response = _http().head(url, headers=tus)
            return int(_expect(response).headers["upload-offset"])

        start = position
        position = _retried(lambda: patch(start))  # noqa: B023 -- called before start changes


@contextmanager
def _get(
    bucket: str, object_name: str, headers: dict[str, str] | None = None
) -> Iterator[httpx.Response]:
    url = f"{_base()}/object/authenticated/{bucket}/{object_name}"
    with _http().stream("GET", url, headers=_auth() | (headers or {})) as response:
        if response.status_code >= 400:
            response.read()
        _expect(response)
        yield response


def _expect(response: httpx.Response) -> httpx.Response:
    if response.status_code < 400:
        return response
    text = response.text[:500]
    # Storage answers 400 with the true status inside the body.
    if response.status_code == 404 or '"statusCode":"404"' in text:
        raise Missing(text)
    raise StorageError(f"{response.status_code} {text}")


def _retried(step: Callable[[], Any]) -> Any:
    """Run `step` again, a little later each time, when the connection or the server failed."""
    import httpx

    for attempt in range(TRIES):
        try:
            return step()
        except (httpx.TransportError, StorageError) as error:
            if attempt == TRIES - 1 or isinstance(error, Missing):
                raise
            time.sleep(0.3 * 2**attempt)
    raise AssertionError("unreachable")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(READ_SIZE):
        yield chunk


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the clients' errors into ours."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        raise StorageError(f"{type(error).__name__}: {error}") from error
    except StorageError:
        raise
    except Exception as error:
        from storage3.exceptions import StorageApiError

        if not isinstance(error, StorageApiError):
            raise
        if str(error.status) == "404" or error.code in ("not_found", "NoSuchKey"):
            raise Missing(str(error)) from error
        raise StorageError(str(error)) from error


@once
def _client() -> SyncStorageClient:
    from storage3 import SyncStorageClient

    return SyncStorageClient(f"{_base()}/", _auth(), http_client=_http())


@once
def _http() -> httpx.Client:
    import httpx

    return httpx.Client(
        timeout=httpx.Timeout(30, connect=10),
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30),
        follow_redirects=False,
        trust_env=False,
    )


def _base() -> str:
    return f"{settings().supabase_url}/storage/v1"


def _auth() -> dict[str, str]:
    key = settings().supabase_secret_key
    return {"apikey": key, "Authorization": f"Bearer {key}"}
