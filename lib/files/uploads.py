"""Uploads: a link to put bytes to, their confirmation, and looking into what was stored."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from lib.files import addresses, names, records, retention, upload_types
from lib.files.addresses import Address
from lib.files.lookup import own_files
from lib.files.open import open_stored
from lib.files.probes import probed
from lib.files.records import Beyond
from lib.files.stores import storage
from lib.media import scratch
from lib.media.errors import MediaError
from lib.media.model import Probe, media_metadata
from lib.platform import postgres
from lib.platform.errors import UNAVAILABLE, Problem
from lib.platform.settings import MOST_FILE_BYTES, settings
from lib.platform.times import stamp
from lib.usage.price import SIGN_UP

MAX_BYTES = MOST_FILE_BYTES
LINK_SECONDS = 15 * 60
CONFIRMED_LINK_SECONDS = 3600
NOT_FOUND = "File not found in GCS bucket"
"""Official clients match this and the next two sentences (docs/contract.md, section 7.1)."""
MISSING = "Missing required fields: filename, contentType, fileSize"
BAD_SIZE = (
    "Invalid fileSize. Must be a positive number in bytes (not a formatted string like '1.46mbs')"
)


class UploaderPlan(Protocol):
    """The limits of an uploader's plan."""

    @property
    def name(self) -> str: ...
    @property
    def max_input_bytes(self) -> int: ...


class Uploader(Protocol):
    """Who uploads: what this room needs to know of a caller."""

    @property
    def account_id(self) -> UUID: ...
    @property
    def guest(self) -> bool: ...
    @property
    def plan(self) -> UploaderPlan: ...


class Presigned(msgspec.Struct):
    """Where to PUT the bytes."""

    uploadUrl: str  # noqa: N815 -- the wire's names are camelCase here
    """PUT the file's bytes here, with the same `Content-Type`; no key."""
    filename: str
    """The stored name, to be given to confirm."""
    expiresAt: str  # noqa: N815
    """When the link expires, ISO 8601."""


class Confirmed(msgspec.Struct):
    """A file that is stored and was looked into."""

    fileUrl: str  # noqa: N815
    """The `gs://` address, for `inputs[].url`."""
    downloadUrl: str  # noqa: N815
    """A signed link to the file; it lives an hour."""
    filename: str
    """The stored name."""
    fileSize: int  # noqa: N815
    """The file's size in bytes."""
    uploadedAt: str  # noqa: N815
    """When the upload was confirmed, ISO 8601."""
    metadata: dict[str, Any]
    """Format, duration, size and streams; empty if the file can't be read as media."""


class ProbeRequest(msgspec.Struct):
    """What to look into."""

    url: str
    """The gs:// address of one of the caller's uploads."""


def presign(caller: Uploader, request: Any) -> Presigned:
    """A link for one file that Storage takes, of at most 2,040,109,465 bytes.

    Raises Problem 400, 503.

    How large an input may be is the plan's, and checked when a job names it (docs/contract.md,
    section 6); but a visitor's uploads are checked here.
    """
    filename, content_type, size = _presign_fields(request)
    if caller.guest and size > caller.plan.max_input_bytes:
        raise Problem(
            "file_too_large",
            f"File size too large. The {caller.plan.name} plan takes files of at most"
            f" {_mebibytes(caller.plan.max_input_bytes)}.",
            f"fileSize may be at most {caller.plan.max_input_bytes} bytes. {_more(caller)}",
        )
    stored = stored_name(filename)
    address = addresses.upload(caller.account_id, stored)
    beyond = records.record_upload(
        caller.account_id,
        address,
        label=names.label(filename),
        content_type=content_type,
        size=size,
        hours=settings().input_hours,
    )
    if beyond:
        raise _too_many(caller, beyond)
    try:
        link = storage.sign_upload(address.key)
    except storage.StorageError as error:
        records.withdraw_upload(address)
        raise Problem("storage_unavailable", UNAVAILABLE) from error
    return Presigned(link, stored, stamp(datetime.now(UTC) + timedelta(seconds=LINK_SECONDS)))


def confirm(caller: Uploader, request: Any) -> Confirmed:
    """Check that the bytes arrived, look into them and keep what was found.

    Raises Problem 400 in the sentences of docs/contract.md, section 7.1, and 503.
    """
    filename, stated = _confirm_fields(request)
    address = addresses.upload(caller.account_id, filename)
    declared = _declared_bytes(address)
    if declared is None:
        raise Problem("file_not_found", NOT_FOUND, _UNKNOWN_UPLOAD)
    try:
        stored = storage.info(*address)
        _same_size(address, stored, stated, declared)
        probe = _probe_or_none(address, stored.size)
    except storage.Missing as error:
        raise Problem(
            "upload_incomplete",
            NOT_FOUND,
            "Nothing was uploaded to the link yet. PUT the bytes to `uploadUrl` first.",
        ) from error
    except storage.StorageError as error:
        raise Problem("storage_unavailable", UNAVAILABLE) from error
    confirmed = records.confirm_upload(
        address, size=stored.size, version=stored.version, probe=probe
    )
    if confirmed is None:
        raise Problem("file_not_found", NOT_FOUND, _UNKNOWN_UPLOAD)
    refusal = retention.expired("The file", confirmed.expires_at, None)
    if refusal:
        raise refusal
    seconds = retention.link_seconds(CONFIRMED_LINK_SECONDS, confirmed.expires_at)
    try:
        link = storage.sign_download(*address, seconds, names.label(confirmed.filename))
    except storage.StorageError as error:
        raise Problem("storage_unavailable", UNAVAILABLE) from error
    return Confirmed(
        fileUrl=str(address),
        downloadUrl=link,
        filename=filename,
        fileSize=stored.size,
        uploadedAt=stamp(confirmed.confirmed_at),
        metadata=media_metadata(probe) if probe else {},
    )


def inspect(caller: Uploader, url: str) -> dict[str, Any]:
    """The metadata of one of the caller's uploads. Raises Problem 400, 404, 422, 502.

    `details` is a list here, as the official client expects of this route alone.
    """
    address = addresses.parse(url)
    if not url.startswith(addresses.SCHEME):
        raise Problem(
            "not_a_stored_file",
            "Only stored files can be probed.",
            ["url must be the gs:// address that POST /v1/upload/confirm answered."],
        )
    file = own_files(caller.account_id, [url]).get(url)
    if address is None or address.bucket != storage.UPLOADS or file is None:
        raise Problem(
            "file_not_found", "There is no upload of yours at this address.", [_UNKNOWN_UPLOAD]
        )
    expired = retention.expired("The file", file.expires_at, file.deleted_at)
    if expired:
        raise Problem("file_deleted", expired.error, ["Upload it again."])
    try:
        size = storage.size(*address)
        if size > caller.plan.max_input_bytes:
            raise Problem(
                "file_too_large",
                f"The file is larger than the {caller.plan.name} plan allows.",
                [f"It has {size} bytes; the limit is {caller.plan.max_input_bytes}."],
            )
        return media_metadata(_probe(address, size))
    except MediaError as error:
        raise Problem(
            "unreadable_media", "The file can't be read as media.", [str(error)]
        ) from error
    except storage.Missing as error:
        raise Problem(
            "file_deleted", "The bytes of this upload are not there.", [_UNKNOWN_UPLOAD]
        ) from error
    except storage.StorageError as error:
        raise Problem(
            "file_unavailable", UNAVAILABLE, ["The file could not be fetched."]
        ) from error


def stored_name(filename: str) -> str:
    """A name for Storage: the moment, a random part, and the ASCII letters of `filename`.

    The caller's own name is a label only; it never becomes a path.
    """
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = f"{moment}-{secrets.token_hex(4)}-{names.stored_stem(names.label(filename))}"
    extension = names.extension(filename)
    return f"{name}.{extension}" if extension else name


_UNKNOWN_UPLOAD = "Ask for a link with POST /v1/upload/presigned-url and use the name it answers."


def _presign_fields(request: Any) -> tuple[str, str, int]:
    if not isinstance(request, dict):
        raise Problem("invalid_request", MISSING)
    filename, content_type, size = (
        request.get(name) for name in ("filename", "contentType", "fileSize")
    )
    if filename in (None, "") or content_type in (None, "") or size is None:
        raise Problem("invalid_request", MISSING)
    if not isinstance(filename, str) or not isinstance(content_type, str):
        raise Problem("invalid_request", "filename and contentType must be strings.")
    if isinstance(size, bool) or not isinstance(size, int | float) or size <= 0 or size % 1:
        raise Problem("invalid_file_size", BAD_SIZE)
    content_type = upload_types.checked(content_type, filename)
    if size > MAX_BYTES:
        raise Problem(
            "file_too_large",
            "File size too large. Maximum allowed size is 2GB.",
            f"fileSize may be at most {MAX_BYTES} bytes.",
        )
    most = settings().storage_max_bytes
    if size > most:
        raise Problem(
            "file_too_large",
            f"File size too large. This service stores files of at most {_mebibytes(most)}.",
            f"fileSize may be at most {most} bytes.",
        )
    return filename, content_type, int(size)


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:.0f} MiB"


def _more(caller: Uploader) -> str:
    """Where there is more than the caller's plan has."""
    return SIGN_UP if caller.guest else "A larger plan takes more."


def _confirm_fields(request: Any) -> tuple[str, int]:
    if not isinstance(request, dict):
        raise Problem("invalid_request", "Missing required fields: filename, fileSize")
    filename, size = request.get("filename"), request.get("fileSize")
    if filename in (None, "") or size is None:
        raise Problem("invalid_request", "Missing required fields: filename, fileSize")
    if not isinstance(filename, str):
        raise Problem("invalid_request", "filename must be a string.")
    if isinstance(size, bool) or not isinstance(size, int | float) or size <= 0 or size % 1:
        raise Problem("invalid_file_size", BAD_SIZE)
    if addresses.parse(str(addresses.upload(UUID(int=0), filename))) is None:
        raise Problem("file_not_found", NOT_FOUND)
    return filename, int(size)


def _declared_bytes(address: Address) -> int | None:
    """The size the link was asked for; None when no link was."""
    row = postgres.row(
        "select declared_bytes from app.files where address = %(address)s",
        {"address": str(address)},
    )
    return int(row["declared_bytes"]) if row else None


def _same_size(address: Address, stored: storage.Info, stated: int, declared: int) -> None:
    """Raises Problem 400 unless the object has the size that confirm states and the link allows.

    The object is kept. What was found of another version of it is forgotten.
    """
    if stored.size == stated and stored.size <= declared:
        return
    records.unconfirm_upload(address, stored.version)
    if stored.size != stated:
        raise Problem(
            "file_size_mismatch",
            "File size mismatch",
            f"fileSize says {stated} bytes, {stored.size} arrived. The upload is kept: if it is"
            f" whole, confirm it with {stored.size}. Else delete it with"
            " DELETE /v1/upload/{filename} and ask for a new link.",
        )
    raise Problem(
        "file_size_mismatch",
        "File size mismatch",
        f"The link was asked for with a fileSize of {declared} bytes, {stored.size} arrived. Ask"
        " for a new link with the file's exact size; this upload will be deleted.",
    )


def _too_many(caller: Uploader, beyond: Beyond) -> Problem:
    """The refusal of an upload past the plan's bounds."""
    plan = caller.plan.name
    bound = f"{beyond.most} uploads"
    if beyond.limit == "bytes":
        bound = f"{_mebibytes(beyond.most)} of uploads in all"
    return Problem(
        "upload_limit",
        f"The {plan} plan takes {bound}. {_more(caller)}",
        "Delete uploads that are no longer needed (DELETE /v1/upload/{filename}), or wait until"
        " they expire. An upload that is not confirmed is deleted after two hours.",
    )


def _probe_or_none(address: Address, size: int) -> Probe | None:
    """What ffmpeg finds; None when it can't read the file (docs/contract.md, section 4.3, has
    `{}` then).
    """
    try:
        return _probe(address, size)
    except MediaError:
        return None


def _probe(address: Address, size: int) -> Probe:
    """Look into a stored file, reading as much as it takes. Raises MediaError, StorageError."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch.folder("probe"))
        file = open_stored(stack, address, folder / "input", size)
        return probed(file, folder, exact=False)
