"""Which addresses a URL input may name: rules that need no look at the network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

BLOCKED_PORTS = frozenset({
    1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 5984, 6000, 6379, 6443, 6665,
    6666, 6667, 6668, 6669, 8500, 9042, 9092, 9200, 9300, 10250, 11211, 15672, 27017, 27018, 50000,
})  # fmt: skip
"""Ports above 1024 where databases and the like listen."""
MAX_LENGTH = 4096


def split(url: str, allow: Sequence[str] = ()) -> SplitResult:
    """The parts of an http(s) URL. Raises ValueError with the rule that it breaks.

    `allow` are host:port entries for which the rule about ports does not hold.
    """
    if len(url) > MAX_LENGTH or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("it holds a space, a control character, a backslash, or is too long.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("it is not well formed.") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("only http:// and https:// addresses and gs:// files of yours are read.")
    if not host:
        raise ValueError("it names no host.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user name or password.")
    number = port if port is not None else (443 if parts.scheme.lower() == "https" else 80)
    if f"{host}:{number}" in allow:
        return parts
    if number not in (80, 443) and (number < 1024 or number in BLOCKED_PORTS):
        raise ValueError(f"port {number} is not read from; use 80, 443 or another web port.")
    return parts
