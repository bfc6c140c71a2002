"""The tus protocol 1.0.0: its headers, the addresses of uploads, and its refusals.

The extensions are those of the real server.
"""

from __future__ import annotations

import base64
import binascii

from flask import Response, request

from standins.supabase.storage.bodies import max_age
from standins.supabase.storage.service import FILE_BYTES

VERSION = "1.0.0"
BODY_TYPE = "application/offset+octet-stream"
COMMON = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Authorization, Content-Type, Location, Tus-Extension, Tus-Max-Size, Tus-Resumable,"
        " Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata,"
        " Upload-Offset, X-HTTP-Method-Override, X-Requested-With, X-Forwarded-Host,"
        " X-Forwarded-Proto, Forwarded,"
    ),
    "Tus-Resumable": VERSION,
}
OPTIONS = COMMON | {
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Location, Tus-Extension, Tus-Max-Size, Tus-Resumable,"
        " Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata,"
        " Upload-Offset, X-HTTP-Method-Override, X-Requested-With, X-Forwarded-Host,"
        " X-Forwarded-Proto, Forwarded, Authorization, X-Upsert, Upload-Expires, ApiKey,"
        " x-signature"
    ),
    "Access-Control-Allow-Methods": "POST, HEAD, PATCH, OPTIONS, DELETE",
    "Access-Control-Max-Age": "86400",
    "Tus-Extension": "creation,creation-with-upload,creation-defer-length,termination,expiration",
    "Tus-Max-Size": str(FILE_BYTES),
    "Tus-Version": VERSION,
}


class TusError(Exception):
    """A refusal by the protocol."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def reply(status: int, text: str = "", headers: dict[str, str] | None = None) -> Response:
    """A response with the headers that all of them have; refusals are plain text."""
    response = Response(text, status, COMMON | (headers or {}))
    if status == 204:
        response.headers.remove("Content-Type")
    else:
        response.headers["Content-Type"] = "text/plain;charset=UTF-8"
    return response


def read_metadata() -> dict[str, str]:
    """The `Upload-Metadata` header, its cache rule as it will be served. Raises TusError (400)."""
    header = request.headers.get("Upload-Metadata")
    if not header:
        raise TusError(400, "Metadata header is required")
    metadata: dict[str, str] = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            metadata[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise TusError(400, "Upload-Metadata is invalid\n") from None
    return metadata | {"cacheControl": max_age(metadata.get("cacheControl"))}


def write_metadata(metadata: dict[str, str]) -> str:
    """The `Upload-Metadata` header of these names and values."""
    return ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items()
    )


def announced_length() -> int | None:
    """The bytes announced; None when that comes later. Raises TusError (400)."""
    length = whole_number("Upload-Length")
    deferred = request.headers.get("Upload-Defer-Length") == "1"
    if (length is None) != deferred:
        raise TusError(400, "Upload-Length or Upload-Defer-Length header required\n")
    return length


def whole_number(header: str) -> int | None:
    """The header's value; None without it. Raises TusError (400)."""
    text = request.headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise TusError(400, f"Invalid {header.lower()}\n")
    return int(text)


def encode_id(bucket: str, key: str, version: str) -> str:
    """The last part of an upload's address."""
    return base64.urlsafe_b64encode(f"{bucket}/{key}/{version}".encode()).decode().rstrip("=")


def decode_id(upload_id: str) -> tuple[str, str]:
    """`bucket/key` and the version in an upload's address; empty when it holds none."""
    encoded = upload_id.encode()
    try:
        text = base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, _, version = text.rpartition("/")
    return name, version
