"""Where a mailed link may lead after it was verified."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
GLOB_PART = re.compile(r"\*\*|\*|\?|\[!?[^\[\]]+\]|\{[^{}]*\}|.", re.DOTALL)
PORTS = {"http": 80, "https": 443}


def choose(candidates: Sequence[str | None], site_url: str, patterns: Sequence[str]) -> str:
    """The first address that is allowed, or the site's: a bad one is never an error.

    Allowed are the site's own scheme, host and port, loopback addresses, and what matches one of
    the patterns of the allow list.
    """
    return next(
        (url for url in candidates if url and _is_allowed(url, site_url, patterns)), site_url
    )


def _is_allowed(url: str, site_url: str, patterns: Sequence[str]) -> bool:
    if FORBIDDEN.search(url):
        return False
    try:
        origin, site = _origin(url), _origin(site_url)
    except ValueError:
        return False
    if origin == site:
        return True
    try:
        return ipaddress.ip_address(origin[1]).is_loopback and origin[0] in PORTS
    except ValueError:
        pass
    return any(_pattern(glob).fullmatch(url.partition("#")[0]) for glob in patterns)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern of the allow list: `*` and `?` stop at `.` and `/`, `**` does not."""
    return re.compile("".join(_glob_part(part) for part in GLOB_PART.findall(glob)))


def _glob_part(part: str) -> str:
    if part in ("*", "**", "?"):
        return {"*": r"[^./]*", "**": ".*", "?": r"[^./]"}[part]
    if part.startswith("[") and len(part) > 2:
        negated = part.startswith("[!")
        members = re.escape(part[1 + negated : -1]).replace(r"\-", "-")
        return f"[{'^' if negated else ''}{members}]"
    if part.startswith("{") and len(part) > 1:
        return f"(?:{'|'.join(re.escape(choice) for choice in part[1:-1].split(','))})"
    return re.escape(part)


def in_link(url: str) -> str:
    """The address as a mailed link carries it: taken as it is, unless that would break the link."""
    return quote_plus(url) if re.search("[&=#]", url) else url


def with_query(url: str, values: dict[str, str]) -> str:
    """The address with `values` added to its query."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | values
    return urlunsplit(parts._replace(query=urlencode(sorted(query.items()))))


def with_fragment(url: str, values: dict[str, str]) -> str:
    """The address with `values` as its fragment, sorted, and the mark by which clients know it."""
    return f"{url.partition('#')[0]}#{urlencode(sorted((values | {'sb': ''}).items()))}"
