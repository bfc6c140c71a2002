"""A small client of the API, for the demo and the welcome: what any caller does with HTTP."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

import httpx

TYPES = {
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".opus": "audio/opus",
    ".wav": "audio/wav",
    ".webp": "image/webp",
}


class CallFailed(Exception):
    """The API did not do what was asked; the text says why."""


def connect(url: str, key: str) -> httpx.Client:
    """A client that sends the key; the environment's proxies do not matter on one machine."""
    return httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
    )


def call(
    client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One call; the answer's JSON object. Raises CallFailed for an error."""
    response = client.request(method, path, json=body)
    answer: dict[str, Any] = response.json()
    if response.is_error:
        raise CallFailed(f"{method} {path}: {response.status_code} {answer}")
    return answer


def presign(client: httpx.Client, file: Path) -> dict[str, Any]:
    """Ask for a link to upload `file` to."""
    body = {
        "filename": file.name,
        "contentType": _content_type(file),
        "fileSize": file.stat().st_size,
    }
    result: dict[str, Any] = call(client, "POST", "/v1/upload/presigned-url", body)["result"]
    return result


def put(link: str, file: Path) -> None:
    """Send the bytes, streamed."""
    headers = {"Content-Type": _content_type(file), "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as body:
        response = httpx.put(link, content=body, headers=headers, timeout=600, trust_env=False)
    if response.is_error:
        raise CallFailed(f"PUT of the bytes: {response.status_code} {response.text[:300]}")


def confirm(client: httpx.Client, filename: str, file: Path) -> dict[str, Any]:
    """Confirm the upload; what is stored."""
    body = {"filename": filename, "fileSize": file.stat().st_size}
    result: dict[str, Any] = call(client, "POST", "/v1/upload/confirm", body)["result"]
    return result


def upload(url: str, key: str, file: Path) -> str:
    """Upload and confirm `file`; its gs:// address."""
    with connect(url, key) as client:
        link = presign(client, file)
        put(link["uploadUrl"], file)
        return str(confirm(client, link["filename"], file)["fileUrl"])


def _content_type(path: Path) -> str:
    return TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "video/mp4"
