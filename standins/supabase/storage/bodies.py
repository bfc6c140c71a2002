"""Request bodies: JSON, and the bytes of an object, raw or as a form, never whole in memory."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart

from standins import models
from standins.supabase.storage.errors import BodyCutError, StorageError, invalid_request
from standins.supabase.storage.files import CHUNK

JSON_BYTES = 1024 * 1024
FORM_BUFFER = 4 * CHUNK
"""What of a form may wait in memory for the end of a part's headers."""
DEFAULT_TYPE = "application/octet-stream"
NO_CACHE = "no-cache"

T = TypeVar("T")


@dataclass(frozen=True)
class ObjectUpload:
    """An object on its way in; `chunks` is read once."""

    chunks: Iterator[bytes]
    content_type: str
    cache_control: str
    metadata: dict[str, Any] | None
    """The caller's own."""
    size_hint: int | None
    """The size in bytes that the request claims, at least; None when it does not say."""


def read_json(request: Request, shape: type[T]) -> T:
    """The body as `shape`; numbers may come as text. Raises StorageError (400)."""
    body = request.stream.read(JSON_BYTES + 1)
    if len(body) > JSON_BYTES:
        raise StorageError(413, "Payload too large", "Request body is too large", "InvalidRequest")
    try:
        return models.convert(msgspec.json.decode(body or b"{}"), shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_request(_explain(str(error))) from None
    except msgspec.DecodeError:
        raise invalid_request("Body is not valid JSON") from None


def _explain(text: str) -> str:
    """Turn msgspec's words into those of the real server's validator."""
    what, _, path = text.partition(" - at `$")
    place = f"body{path.rstrip('`').replace('.', '/')}"
    if missing := re.fullmatch(r"Object missing required field `(.+)`", what):
        return f"{place} must have required property '{missing[1]}'"
    if bound := re.fullmatch(r"Expected `\w+` (>=|<=) (-?\d+)", what):
        return f"{place} must be {bound[1]} {bound[2]}"
    if kind := re.match(r"Expected `(\w+)", what):
        return f"{place} must be {_JSON_TYPES.get(kind[1], kind[1])}"
    return f"{place}: {what}"


_JSON_TYPES = {"int": "integer", "str": "string", "bool": "boolean"}


def read_upload(request: Request) -> ObjectUpload:
    """The object in the body: raw bytes, or the first file of a form and the fields before it.

    Raises StorageError (400); reading the chunks raises BodyCutError when the client goes away.
    """
    kind, options = parse_options_header(request.content_type)
    chunks = raw_chunks(request)
    if kind == "multipart/form-data":
        return _read_form(chunks, options.get("boundary", ""))
    return ObjectUpload(
        chunks,
        request.content_type or DEFAULT_TYPE,
        request.headers.get("Cache-Control", NO_CACHE),
        decode_metadata(request.headers.get("x-metadata")),
        request.content_length,
    )


def raw_chunks(request: Request) -> Iterator[bytes]:
    """The body as it arrives. Raises BodyCutError when it ends too early."""
    stream: IO[bytes] = request.environ["wsgi.input"]
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    missing = None if chunked else request.content_length or 0
    try:
        while missing != 0 and (
            chunk := stream.read(CHUNK if missing is None else min(CHUNK, missing))
        ):
            if missing is not None:
                missing -= len(chunk)
            yield chunk
    except (OSError, ValueError) as error:  # ValueError: a chunk without a proper head
        raise BodyCutError from error
    if missing:
        raise BodyCutError


def decode_metadata(header: str | None) -> dict[str, Any]:
    """The caller's metadata from a header: JSON in base64; what can't be read counts as none."""
    if not header:
        return {}
    try:
        return parse_metadata(base64.b64decode(header))
    except binascii.Error:
        return {}


def parse_metadata(text: bytes | str) -> dict[str, Any]:
    """The caller's metadata from JSON; what can't be read counts as none."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def max_age(seconds: str | None) -> str:
    """A form's or an upload's `cacheControl`, in seconds, as the header that is served."""
    return f"max-age={seconds}" if seconds and re.fullmatch(r"-?\d+", seconds) else NO_CACHE


def _read_form(body: Iterator[bytes], boundary: str) -> ObjectUpload:
    decoder = multipart.MultipartDecoder(boundary.encode(), FORM_BUFFER)
    events = _events(decoder, body)
    fields: dict[str, bytes] = {}
    name = ""
    for event in events:
        if isinstance(event, multipart.File):
            return ObjectUpload(
                _file_data(events),
                event.headers.get("Content-Type", DEFAULT_TYPE),
                max_age(fields.get("cacheControl", b"").decode(errors="replace")),
                parse_metadata(fields["metadata"]) if "metadata" in fields else {},
                None,
            )
        if isinstance(event, multipart.Field):
            name = event.name
        if isinstance(event, multipart.Data):
            fields[name] = fields.get(name, b"") + event.data
            if len(fields[name]) > JSON_BYTES:
                raise invalid_request("A form field is too large")
    raise invalid_request("The form holds no file")


def _file_data(events: Iterator[multipart.Event]) -> Iterator[bytes]:
    """The first file's bytes; the rest of the form is read too, to know that it is whole."""
    done = False
    for event in events:
        if isinstance(event, multipart.Data) and not done:
            yield event.data
            done = not event.more_data


def _events(
    decoder: multipart.MultipartDecoder, body: Iterator[bytes]
) -> Iterator[multipart.Event]:
    """The parts of a form as they arrive. Raises StorageError (400) when it is not one."""
    try:
        for chunk in itertools.chain(body, (None,)):
            decoder.receive_data(chunk)
            while not isinstance(event := decoder.next_event(), multipart.NeedData):
                yield event
                if isinstance(event, multipart.Epilogue):
                    return
    except RequestEntityTooLarge:
        raise invalid_request("The form's headers are too large") from None
    except ValueError:
        raise invalid_request("The form is not valid multipart/form-data") from None
