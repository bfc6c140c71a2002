"""Keys derived from a secret, one for each purpose (HKDF-SHA256, RFC 5869, one block)."""

from __future__ import annotations

import hashlib
import hmac


def derive(secret: str, purpose: str) -> str:
    """The key for `purpose`, 64 hex digits. It reveals neither the secret nor another key."""
    extracted = hmac.digest(bytes(32), secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256).hex()
