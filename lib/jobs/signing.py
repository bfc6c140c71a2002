"""What we sign ourselves: links of ours that need no key."""

from __future__ import annotations

import hashlib
import hmac

from lib.platform.settings import settings


def signature(*parts: object) -> str:
    """The signature of what a link says, as hex; the first part is the link's kind."""
    signed = " ".join(map(str, parts))
    return hmac.new(settings().worker_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def matches(given: str, *parts: object) -> bool:
    """Whether a signature is the one of what a link says."""
    return hmac.compare_digest(signature(*parts).encode(), given.encode())
