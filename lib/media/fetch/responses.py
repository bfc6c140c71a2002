"""Requests for a source: redirects followed under the rules of addresses, cookies kept between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpcore

from lib.media import address, urls
from lib.media.errors import MediaError
from lib.media.fetch import content_encoding, source_errors
from lib.media.fetch.connection import (
    CONNECT_SECONDS,
    IDLE_SECONDS,
    Backend,
    Watch,
    tls_context,
    translated,
)

MAX_HOPS = 20
MAX_COOKIES = 50
"""Of a host; more are not kept."""
MAX_COOKIE_BYTES = 4096
AGENT = "Mozilla/5.0 (compatible; FFmpegMicro/1.0)"
"""The User-Agent where the operator has no address to name."""
_TIMEOUTS = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
_COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}=[\x20-\x3a\x3c-\x7e]{0,4000}")

Headers = Sequence[tuple[str, str]]


class Session:
    """What the requests for one source share: rules, time, cookies. Nothing of it is stored."""

    def __init__(self, allow: Sequence[str], watch: Watch, agent: str) -> None:
        self.allow = allow
        self.watch = watch
        self.agent = agent
        self._cookies: dict[str, dict[str, str]] = {}

    def get(self, url: str, headers: Headers = ()) -> Response:
        """The first response that is not a redirect, its body still to be read.

        Raises MediaError, Canceled.
        """
        for _ in range(MAX_HOPS + 1):
            response = Response(url, [*self._headers(url), *headers], self)
            try:
                self._keep_cookies(response)
                target = response.leads_to
            except BaseException:
                response.close()
                raise
            if target is None:
                return response
            response.close()
            url = target
        raise MediaError(
            "validation",
            f"The input's URL redirects more than {MAX_HOPS} times. Use the address that it leads"
            " to in a browser.",
            "redirects",
        )

    def _headers(self, url: str) -> list[tuple[str, str]]:
        headers = [("User-Agent", self.agent), ("Accept", "*/*"), ("Accept-Encoding", "identity")]
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        cookies = [
            pair
            for key, pair in self._cookies.get(parts.hostname or "", {}).items()
            if secure or not key.startswith("secure ")
        ]
        text = "; ".join(cookies)[:MAX_COOKIE_BYTES]
        return [*headers, ("Cookie", text)] if text else headers

    def _keep_cookies(self, response: Response) -> None:
        """Keep what Set-Cookie says, for this very host."""
        jar = self._cookies.setdefault(urlsplit(response.url).hostname or "", {})
        for line in response.cookies[:MAX_COOKIES]:
            pair, *attributes = (part.strip() for part in line.split(";", 20))
            if not _COOKIE.fullmatch(pair):
                continue
            options = {each.lower().replace(" ", "") for each in attributes}
            key = ("secure " if "secure" in options else "") + pair.partition("=")[0]
            if "max-age=0" in options:
                jar.pop(key, None)
            elif key in jar or len(jar) < MAX_COOKIES:
                jar[key] = pair


class Part(NamedTuple):
    """What a Content-Range states: bytes [start, end) of `total`, which may be unknown."""

    start: int
    end: int
    total: int | None


class Response:
    """The response to one request. To be closed."""

    def __init__(self, url: str, headers: Headers, session: Session) -> None:
        self.url = url
        self._backend = Backend(session.allow, session.watch)
        target = _target(url, session.allow)
        with translated(self._backend), ExitStack() as stack:
            pool = httpcore.ConnectionPool(
                tls_context(), network_backend=self._backend, max_connections=1, retries=0
            )
            stack.enter_context(pool)
            host = target.host.decode("ascii").strip("[]").removesuffix(".")
            self._response = stack.enter_context(
                pool.stream(
                    "GET",
                    target,
                    headers=headers,
                    extensions={"timeout": _TIMEOUTS, "sni_hostname": host},
                )
            )
            self._open = stack.pop_all()
        self.status = self._response.status
        self._fields = [(name.lower(), value) for name, value in self._response.headers]
        self.headers = dict(reversed(self._fields))
        """The first value of each, by its name in lower case."""

    def header(self, name: str) -> str:
        """A header's value; empty without it."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    @property
    def cookies(self) -> list[str]:
        """The values of Set-Cookie."""
        return [value.decode("latin-1") for name, value in self._fields if name == b"set-cookie"]

    @property
    def leads_to(self) -> str | None:
        """The address it redirects to, cleaned. Raises MediaError when that is none."""
        if self.status not in (301, 302, 303, 307, 308) or b"location" not in self.headers:
            return None
        try:
            return urls.join(self.url, self.headers[b"location"])
        except ValueError as error:
            raise MediaError(
                "validation",
                f"The input's URL redirects to an address that is refused: {error}",
                "redirect",
            ) from None

    @property
    def stated_length(self) -> int | None:
        """Of the body, in bytes."""
        stated = self.header("content-length").partition(",")[0].strip()
        digits = stated.isascii() and stated.isdigit() and len(stated) < 19
        return int(stated) if digits else None

    @property
    def part(self) -> Part | None:
        """What part of the file the body is, if the headers say so.

        The end is where the body ends: that of the header is off by one, or wrong, at some servers.
        """
        stated = self.header("content-range").lower().replace(" ", "")
        match = re.fullmatch(r"(?:bytes)?[=:]?([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", stated)
        if match is None:
            return None
        start, total = int(match[1]), None if match[3] == "*" else int(match[3])
        end = int(match[2]) + 1
        if self.stated_length is not None:
            end = start + self.stated_length
        elif total is not None:
            end = min(end, total)
        sensible = start < end and (total is None or end <= total)
        return Part(start, end, total) if sensible else None

    @property
    def total(self) -> int | None:
        """The file's size that a 416 states."""
        stated = self.header("content-range").lower().replace(" ", "").removeprefix("bytes")
        digits = stated.removeprefix("=").removeprefix("*/")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None

    @property
    def encodings(self) -> list[str]:
        """What the body is encoded with. Raises MediaError for what can't be decoded."""
        return content_encoding.encodings(self.header("content-encoding"))

    def body(self) -> Iterator[bytes]:
        """The body as it comes, decoded. Raises MediaError, Canceled."""
        with translated(self._backend):
            try:
                yield from content_encoding.decoded(self._response.iter_stream(), self.encodings)
            except content_encoding.Cut:
                raise source_errors.broke_off() from None

    def error(self) -> source_errors.SourceError:
        """The error of its status."""
        return source_errors.status_error(self.status, self.header("retry-after"))

    def close(self) -> None:
        """End the connection."""
        self._open.close()


def origin(url: str) -> str:
    """The address of a URL's own site, for servers that want a Referer."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/", "", ""))


def _target(url: str, allow: Sequence[str]) -> httpcore.URL:
    """The address as it is asked for. Raises MediaError when it breaks a rule."""
    try:
        parts = address.split(url, allow)
    except ValueError as error:
        raise MediaError("validation", f"The input's URL is refused: {error}", "url") from None
    host = parts.hostname or ""
    return httpcore.URL(
        scheme=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=parts.port,
        target=urlunsplit(("", "", parts.path or "/", parts.query, "")),
    )
