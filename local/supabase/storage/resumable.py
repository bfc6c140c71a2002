"""Resumable uploads: the tus protocol 1.0.0, with its extensions as the real server has them.

Refusals are plain text with the true status here, except for unknown callers.
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from dataclasses import dataclass

from flask import Blueprint, Response, g, request

from local.supabase.storage.bodies import (
    DEFAULT_TYPE,
    max_age,
    parse_metadata,
    raw_chunks,
)
from local.supabase.storage.callers import Caller
from local.supabase.storage.errors import StorageError, invalid_signature
from local.supabase.storage.files import Stored
from local.supabase.storage.partials import Partial
from local.supabase.storage.rows import Content, facts, keep, try_write
from local.supabase.storage.service import FILE_BYTES, Service, answer, check_key, upsert

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


@dataclass(frozen=True)
class Permit:
    """In whose name an upload may go on; without a caller, by a link."""

    caller: Caller | None
    owner: str | None
    upsert: bool


def routes(service: Service) -> Blueprint:
    """The routes below `/upload/resumable`."""
    blueprint = Blueprint("resumable", __name__)
    partials = service.partials

    def permit(bucket: str, key: str, *, replace: bool) -> Permit:
        """Who may write this object. Raises StorageError."""
        if g.signed:
            token = request.headers.get("x-signature")
            if not token:
                raise invalid_signature("Missing x-signature header")
            link = service.links.verify(token, bucket, key, "upload")
            try_write(service, None, bucket, key, upsert=link.upsert)
            return Permit(None, link.owner, link.upsert)
        caller: Caller = g.caller
        try_write(service, caller, bucket, key, upsert=replace)
        return Permit(caller, caller.owner, replace)

    def found(upload_id: str) -> Partial:
        """The upload that the address names. Raises TusError (404)."""
        name, _, version = _decode(upload_id.encode()).rpartition("/")
        partial = partials.find(version)
        if partial is None or name != f"{partial.bucket}/{partial.key}":
            raise TusError(404, "The file for this url was not found\n")
        return partial

    def received(partial: Partial) -> tuple[int, dict[str, str]]:
        """Take the body; once all has come, the object is there. Offset and headers."""
        offset = partials.append(partial, raw_chunks(request))
        if offset != partial.length:
            return offset, {"Upload-Offset": str(offset)}
        stored = Stored(partial.version, offset, partials.etag(partial))
        service.files.adopt(partials.bytes_of(partial), partial.version)
        told = facts(stored, partial.content_type, partial.cache_control)
        content = Content(partial.version, told, partial.metadata, partial.owner)
        keep(service, partial.bucket, partial.key, content, upsert=partial.upsert)
        partial.complete = True
        partials.save(partial)
        return offset, {"Upload-Offset": str(offset), "Tus-Complete": "1"}

    @blueprint.before_request
    def checked() -> Response | None:
        g.signed = "/upload/resumable/sign" in request.path
        if request.method == "OPTIONS":
            return None
        if not g.signed:
            try:
                g.caller = service.sender()
            except StorageError as error:
                return answer(error.body(), error.wire_status)
        if request.headers.get("Tus-Resumable") != VERSION:
            raise TusError(412, "Tus-Resumable Required\n")
        return None

    @blueprint.errorhandler(TusError)
    def refused(error: TusError) -> Response:
        return _tus(error.status, error.text)

    @blueprint.errorhandler(StorageError)
    def refused_by_storage(error: StorageError) -> Response:
        return _tus(error.status, error.message)

    @blueprint.route("/upload/resumable", methods=["OPTIONS"])
    @blueprint.route("/upload/resumable/sign", methods=["OPTIONS"])
    @blueprint.route("/upload/resumable/<upload_id>", methods=["OPTIONS"])
    @blueprint.route("/upload/resumable/sign/<upload_id>", methods=["OPTIONS"])
    def options(upload_id: str = "") -> Response:
        return Response(status=204, headers=OPTIONS)

    @blueprint.post("/upload/resumable")
    @blueprint.post("/upload/resumable/sign")
    def create() -> Response:
        metadata = _read_metadata()
        bucket = service.bucket(metadata.get("bucketName", ""))
        key = check_key(metadata.get("objectName", ""))
        length = _length()
        if length is not None and length > bucket.limit():
            raise TusError(413, "Maximum size exceeded\n")
        permitted = permit(bucket.id, key, replace=upsert())
        content_type = metadata.get("contentType", DEFAULT_TYPE)
        bucket.check(length, content_type)
        partial = Partial(
            version=str(uuid.uuid4()),
            bucket=bucket.id,
            key=key,
            length=length,
            limit=bucket.limit(),
            told=_write_metadata(metadata),
            content_type=content_type,
            cache_control=metadata["cacheControl"],
            metadata=parse_metadata(metadata["metadata"]) if "metadata" in metadata else None,
            owner=permitted.owner,
            upsert=permitted.upsert,
            created=time.time(),
        )
        partials.create(partial)
        place = "resumable/sign" if g.signed else "resumable"
        upload_id = f"{bucket.id}/{key}/{partial.version}".encode()
        encoded = base64.urlsafe_b64encode(upload_id).decode().rstrip("=")
        headers = {"Location": f"{service.public_url}/upload/{place}/{encoded}"}
        if request.content_type == BODY_TYPE or length == 0:
            with partials.lock(partial.version):
                headers |= received(partial)[1]
        return _tus(201, "", headers)

    @blueprint.route("/upload/resumable/<upload_id>", methods=["HEAD"])
    @blueprint.route("/upload/resumable/sign/<upload_id>", methods=["HEAD"])
    def offset(upload_id: str) -> Response:
        partial = found(upload_id)
        headers = {
            "Cache-Control": "no-store",
            "Upload-Offset": str(partials.offset(partial)),
            "Upload-Metadata": partial.told,
        }
        if partial.length is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(partial.length)
        return _tus(200, "", headers)

    @blueprint.patch("/upload/resumable/<upload_id>")
    @blueprint.patch("/upload/resumable/sign/<upload_id>")
    def append(upload_id: str) -> Response:
        if request.content_type != BODY_TYPE:
            raise TusError(415, "Content-Type header required\n")
        start = _whole_number("Upload-Offset")
        if start is None:
            raise TusError(403, "Upload-Offset header required\n")
        version = found(upload_id).version
        with partials.lock(version):
            partial = found(upload_id)
            permit(partial.bucket, partial.key, replace=partial.upsert)
            if start != partials.offset(partial):
                raise TusError(409, "Upload-Offset conflict\n")
            if partial.length is None and (length := _whole_number("Upload-Length")) is not None:
                if length > partial.limit:
                    raise TusError(413, "Maximum size exceeded\n")
                partial.length = length
                partials.save(partial)
            room = partial.limit if partial.length is None else partial.length
            if start + (request.content_length or 0) > room:
                raise TusError(413, "upload's size exceeded\n")
            return _tus(204, "", received(partial)[1])

    @blueprint.delete("/upload/resumable/<upload_id>")
    @blueprint.delete("/upload/resumable/sign/<upload_id>")
    def terminate(upload_id: str) -> Response:
        version = found(upload_id).version
        with partials.lock(version):
            partial = found(upload_id)
            permit(partial.bucket, partial.key, replace=partial.upsert)
            partials.remove(version)
        return _tus(204, "")

    return blueprint


def _tus(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    response = Response(text, status, COMMON | (headers or {}))
    if status == 204:
        response.headers.remove("Content-Type")
    else:
        response.headers["Content-Type"] = "text/plain;charset=UTF-8"
    return response


def _read_metadata() -> dict[str, str]:
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


def _write_metadata(metadata: dict[str, str]) -> str:
    return ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items()
    )


def _length() -> int | None:
    """The bytes announced; None when that comes later. Raises TusError (400)."""
    length = _whole_number("Upload-Length")
    deferred = request.headers.get("Upload-Defer-Length") == "1"
    if (length is None) != deferred:
        raise TusError(400, "Upload-Length or Upload-Defer-Length header required\n")
    return length


def _whole_number(header: str) -> int | None:
    """The header's value; None without it. Raises TusError (400)."""
    text = request.headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise TusError(400, f"Invalid {header.lower()}\n")
    return int(text)


def _decode(upload_id: bytes) -> str:
    """The text in an address; empty when it holds none."""
    try:
        return base64.urlsafe_b64decode(upload_id + b"=" * (-len(upload_id) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
