"""Uploads in parts, each tried again by itself: the tus protocol 1.0.0, as Storage speaks it."""

from __future__ import annotations

import base64

from lib.files.stores.requests import (
    StorageError,
    auth,
    base,
    expect,
    retried,
    translated,
)
from lib.platform.supabase.http_client import http

CHUNK = 6 * 1024 * 1024
"""Supabase takes parts of exactly this size, except for the last."""


class Upload:
    """An object that is stored part by part, and is there, replacing another, once finished.

    Nothing is asked of Storage before the first part. Leaving the context unfinished discards it.
    `length` is the object's in bytes, if it is known already.
    """

    def __init__(
        self, bucket: str, object_name: str, content_type: str, length: int | None = None
    ) -> None:
        self._metadata = {
            "bucketName": bucket,
            "objectName": object_name,
            "contentType": content_type,
        }
        self._length = length
        self._url: str | None = None
        self._part = b""
        self._position = 0
        self._finished = False

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._position + len(self._part)

    def append(self, data: bytes) -> None:
        """Take the next CHUNK bytes, or what is left as the last. Raises StorageError.

        The last part also tells the length, so a part is held until another follows it.
        """
        if len(self._part) not in (0, CHUNK):
            raise ValueError(f"only the last part may have other than {CHUNK} bytes")
        if self._part:
            self._send(last=False)
        self._part = data

    def finish(self) -> None:
        """Make the object of the parts. Raises StorageError."""
        self._send(last=True)
        self._finished = True

    def discard(self) -> None:
        """Forget what was sent, if it was not finished; Storage would by itself after a day."""
        if self._url is not None and not self._finished:
            url, self._url = self._url, None
            with translated():
                http().delete(url, headers=_tus())

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.discard()
        except StorageError:
            return  # what led here matters more

    def _send(self, *, last: bool) -> None:
        with translated():
            if self._url is None:
                self._url = retried(self._create)
            url, start, data = self._url, self._position, self._part
            length = {"Upload-Length": str(start + len(data))} if last and not self._length else {}

            def patch() -> int:
                response = http().patch(
                    url,
                    headers=_tus()
                    | length
                    | {
                        "Upload-Offset": str(start),
                        "Content-Type": "application/offset+octet-stream",
                    },
                    content=data,
                )
                if response.status_code == 409:  # an answer was lost: ask where the upload stands
                    response = http().head(url, headers=_tus())
                return int(expect(response).headers["upload-offset"])

            # Where less was taken than sent, what is missing follows.
            end = start + len(data)
            while start < end:
                reached = retried(patch)
                if not start < reached <= end:
                    raise StorageError(f"an upload went from {start} to {reached}")
                data = data[reached - start :]
                start = reached
            self._position, self._part = end, b""

    def _create(self) -> str:
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}"
            for key, value in self._metadata.items()
        )
        length = (
            {"Upload-Length": str(self._length)} if self._length else {"Upload-Defer-Length": "1"}
        )
        headers = _tus() | length | {"Upload-Metadata": metadata, "x-upsert": "true"}
        created = expect(http().post(f"{base()}/upload/resumable", headers=headers))
        return str(created.request.url.join(created.headers["location"]))


def _tus() -> dict[str, str]:
    return auth() | {"Tus-Resumable": "1.0.0"}
