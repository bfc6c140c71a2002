"""/.well-known/security.txt (RFC 9116): where to report a vulnerability."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from lib.platform.settings import settings

VALID = timedelta(days=180)
"""RFC 9116 recommends less than a year. The text is written for each request."""


def text(now: datetime | None = None) -> str:
    """The file, with SUPPORT_EMAIL as the contact."""
    expires = (now or datetime.now(UTC)) + VALID
    lines = (
        f"Contact: mailto:{quote(settings().support_email, safe='@+')}",
        f"Expires: {expires:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: en",
        f"Canonical: {settings().site_url}/.well-known/security.txt",
        f"Policy: {settings().site_url}/docs/security",
    )
    return "".join(f"{line}\n" for line in lines)
