"""The request that a job was created with, read back from its row."""

from __future__ import annotations

from typing import Any

import msgspec

from lib import models
from lib.media.request.models import MAX_EXPIRE_AFTER, TranscodeRequest

OUTDATED = (
    "The request is not valid any more: the rules have changed since it was accepted. Create the"
    " job again; POST /v1/validate says what to change."
)


def expire_after(stored: Any) -> int | None:
    """Seconds that the caller wants the files kept, at most MAX_EXPIRE_AFTER; never raises."""
    value = stored.get("expireAfter") if isinstance(stored, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(min(max(value, 0), MAX_EXPIRE_AFTER))


def stored_request(stored: Any) -> TranscodeRequest | None:
    """The request of a job's row; None when today's rules don't accept it (OUTDATED)."""
    if isinstance(stored, dict) and stored.get("expireAfter") is not None:
        stored = stored | {"expireAfter": expire_after(stored)}
    try:
        return models.convert(stored, TranscodeRequest)
    except (msgspec.ValidationError, RecursionError, OverflowError):
        return None
