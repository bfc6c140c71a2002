"""Shapes of requests and responses that only routes have."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from lib.files.upload_types import TYPES
from lib.files.uploads import MAX_BYTES, Confirmed, Presigned


class Success(msgspec.Struct):
    """It was done."""

    success: bool
    """Always true."""


class PresignedAnswer(msgspec.Struct):
    """A link to upload a file to."""

    success: bool
    """Always true."""
    result: Presigned
    """The link."""


class ConfirmedAnswer(msgspec.Struct):
    """An upload that is stored."""

    success: bool
    """Always true."""
    result: Confirmed
    """The file."""


class Probed(msgspec.Struct):
    """What a stored file contains."""

    url: str
    """The address that was asked for."""
    metadata: dict[str, Any]
    """Format, duration, size and streams, as in `result.metadata` of a confirmed upload."""


_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class PresignRequest(msgspec.Struct):
    """A file to upload. The route parses it in the sentences that official clients match."""

    filename: _NonEmpty
    """Your name for the file, in any script. Jobs and downloads show it, without control characters
    and path separators; past 255 bytes of UTF-8 it is cut."""
    contentType: Annotated[  # noqa: N815 -- the wire's name
        str, msgspec.Meta(extra_json_schema={"enum": sorted(TYPES)})
    ]
    """With application/octet-stream and text/plain, the extension of `filename` must tell what the
    file is."""
    fileSize: Annotated[int, msgspec.Meta(ge=1, le=MAX_BYTES)]  # noqa: N815 -- the wire's name
    """The exact number of bytes you will send."""


class ConfirmRequest(msgspec.Struct):
    """An upload whose bytes were sent. Parsed by the route, as PresignRequest."""

    filename: _NonEmpty
    """`result.filename` of the presigned-url response."""
    fileSize: Annotated[int, msgspec.Meta(ge=1)]  # noqa: N815 -- the wire's name
    """Bytes sent."""
    uploadId: str | None = None  # noqa: N815 -- the wire's name
    """Accepted and not needed."""
