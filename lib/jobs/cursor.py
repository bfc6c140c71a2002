"""Cursors of the list of jobs: the place in an order that a page ended at.

A cursor is opaque to callers. It needs no signature: it only moves within the caller's own list.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from lib.platform.errors import Problem

ORDERS = ("created_at.desc", "updated_at.asc", "updated_at.desc")
"""As `order` names them; a cursor holds their index."""

_LAYOUT = struct.Struct(">Bq16s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999
"""Milliseconds of the last moment that a datetime holds."""


class Cursor(NamedTuple):
    """After which job of an order the next page begins."""

    order: str
    at: datetime
    """The job's `created_at` or `updated_at`, in whole milliseconds."""
    id: UUID

    def text(self) -> str:
        """The cursor on the wire: 34 characters of A-Z, a-z, 0-9, `-` and `_`."""
        milliseconds = (self.at - _EPOCH) // timedelta(milliseconds=1)
        data = _LAYOUT.pack(ORDERS.index(self.order), milliseconds, self.id.bytes)
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parse(text: str) -> Cursor:
    """The cursor of a list's answer. Raises Problem 400 for anything else."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        order, milliseconds, job_id = _LAYOUT.unpack(data)
        if not 0 <= milliseconds <= _LAST:
            raise ValueError
        at = _EPOCH + timedelta(milliseconds=milliseconds)
        cursor = Cursor(ORDERS[order], at, UUID(bytes=job_id))
    except (ValueError, IndexError, struct.error, binascii.Error):
        raise _not_valid() from None
    if cursor.text() != text:
        raise _not_valid()
    return cursor


def _not_valid() -> Exception:
    return Problem(
        "invalid_cursor",
        "`cursor` is not valid. Use the `next_cursor` or `end_cursor` of a list's answer, or leave"
        " it out to start from the beginning.",
    )
