"""Fetching inputs by URL: by us, never by ffmpeg, from public addresses only.

The address is checked where it counts: a name is resolved once, every address it gives must be
public, and the connection goes to the very address that was checked. Redirects are followed here,
each hop under the same rules.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlunsplit

import httpcore

from lib.media import address
from lib.media.errors import Canceled, MediaError

MAX_HOPS = 5
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
POLL_SECONDS = 0.25

_SPECIAL = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
        "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96",
    )
]  # fmt: skip
"""Special-use ranges (IANA registries) beyond what the ipaddress module calls not global."""


class Fetched(NamedTuple):
    """A file that was fetched."""

    size: int
    sha256: str


class _NotPublic(Exception):
    """The name leads to an address that is not public."""


def fetch(
    url: str,
    destination: Path,
    *,
    max_bytes: int,
    seconds: float,
    allow: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Fetch `url` into `destination`. Raises MediaError, Canceled.

    `allow` are host:port entries of the operator's that need not be public. Categories: validation
    for an address that is refused or answers 4xx, file_size past `max_bytes`, upload for a server
    that can't be reached, fails, is too slow or breaks off.
    """
    watch = _Watch(seconds, cancelled)
    for _ in range(MAX_HOPS + 1):
        next_url = _hop(url, destination, max_bytes, allow, watch)
        if isinstance(next_url, Fetched):
            return next_url
        url = next_url
    raise MediaError("validation", f"The input's URL redirects more than {MAX_HOPS} times.")


def is_public(text: str) -> bool:
    """Whether an IP address may be fetched from: global unicast and nothing special."""
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return (
        found.is_global
        and not found.is_multicast
        and not found.is_reserved
        and not any(found.version == net.version and found in net for net in _SPECIAL)
    )


def _hop(
    url: str,
    destination: Path,
    max_bytes: int,
    allow: Sequence[str],
    watch: _Watch,
) -> Fetched | str:
    """One request: the file, or the address it redirects to."""
    try:
        parts = address.split(url, allow)
        request_url = httpcore.URL(
            scheme=parts.scheme.lower(),
            host=_ascii_host(parts.hostname or ""),
            port=parts.port,
            target=quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), _KEPT),
        )
    except ValueError as error:
        raise MediaError("validation", f"The input's URL is refused: {error}") from None
    host = request_url.host.decode() + (f":{parts.port}" if parts.port else "")
    headers = [
        ("Host", host),
        ("User-Agent", "ffmpeg-micro"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
    ]
    timeouts = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
    pool = httpcore.ConnectionPool(
        network_backend=_Backend(allow, watch), max_connections=1, retries=0
    )
    try:
        with (
            pool,
            pool.stream(
                "GET", request_url, headers=headers, extensions={"timeout": timeouts}
            ) as response,
        ):
            answered = {name.lower(): value for name, value in response.headers}
            if response.status in (301, 302, 303, 307, 308) and b"location" in answered:
                return urljoin(url, answered[b"location"].decode("utf-8", "replace"))
            _expect(response.status)
            return _save(response, answered, destination, max_bytes)
    except _NotPublic:
        raise MediaError(
            "validation",
            "The input's URL leads to an address that is not public. Use a public http(s) URL, or"
            " upload the file.",
        ) from None
    except httpcore.TimeoutException:
        raise _too_slow() from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
        raise MediaError(
            "upload",
            "The input's server could not be reached, or broke off. Check that the URL opens in a"
            " browser without a login, and try again.",
        ) from None


_KEPT = "%/:=&?~+!$,;'@()*[]"
"""What quoting leaves in a path and query as it is."""


def _ascii_host(host: str) -> str:
    """The name as DNS knows it. Raises ValueError."""
    if ":" in host:  # an IPv6 address
        return f"[{host}]"
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("its host is not well formed.") from None


def _save(
    response: httpcore.Response,
    headers: dict[bytes, bytes],
    destination: Path,
    max_bytes: int,
) -> Fetched:
    """The body, counted as it comes: what the server states of its length is not trusted."""
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > max_bytes:
        raise _too_large(max_bytes)
    digest = hashlib.sha256()
    size = 0
    with destination.open("wb") as file:
        for chunk in response.iter_stream():
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            digest.update(chunk)
            file.write(chunk)
    return Fetched(size, digest.hexdigest())


def _expect(status: int) -> None:
    if status >= 500:
        raise MediaError(
            "upload", f"The input's server answered {status}. Try again when it works."
        )
    if status != 200:
        raise MediaError(
            "validation",
            f"The input's server answered {status}. Check that the URL opens without a login and"
            " has not expired.",
        )


def _too_slow() -> MediaError:
    return MediaError(
        "upload",
        "The input's server was too slow: the file did not arrive in time. Upload the file instead,"
        " or use a faster server.",
    )


def _too_large(max_bytes: int) -> MediaError:
    return MediaError(
        "file_size",
        f"The input is larger than the {max_bytes} bytes that your plan takes. Send a smaller file"
        " or upgrade the plan.",
    )


class _Watch:
    """The time left for the whole of a fetch, and whether it is still wanted."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        self._end = time.monotonic() + seconds
        self._cancelled = cancelled

    def left(self) -> float:
        """Seconds left. Raises Canceled, httpcore.ReadTimeout."""
        if self._cancelled():
            raise Canceled
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses it has checked, and to no other."""

    def __init__(self, allow: Sequence[str], watch: _Watch) -> None:
        self._allow = allow
        self._watch = watch
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As the interface says; TLS goes on to verify the host's name, not the address."""
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if f"{host}:{port}" not in self._allow and not all(map(is_public, addresses)):
            raise _NotPublic
        for number, each in enumerate(addresses, 1):
            try:
                stream = self._real.connect_tcp(
                    each, port, min(timeout or CONNECT_SECONDS, self._watch.left()),
                    local_address, socket_options,
                )  # fmt: skip
                return _Stream(stream, self._watch)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError("the name has no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: no URL names a socket."""
        raise _NotPublic


class _Stream(httpcore.NetworkStream):
    """A connection that ends with its fetch's time, however the bytes (or headers) drip."""

    def __init__(self, real: httpcore.NetworkStream, watch: _Watch) -> None:
        self._real = real
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the interface says, looking up every now and then."""
        idle_end = time.monotonic() + (timeout or IDLE_SECONDS)
        while True:
            left = self._watch.left()
            try:
                return self._real.read(max_bytes, min(POLL_SECONDS, left))
            except httpcore.ReadTimeout:
                if time.monotonic() > idle_end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the interface says."""
        self._real.write(buffer, min(timeout or IDLE_SECONDS, self._watch.left()))

    def close(self) -> None:
        """As the interface says."""
        self._real.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """As the interface says."""
        left = min(timeout or CONNECT_SECONDS, self._watch.left())
        return _Stream(self._real.start_tls(ssl_context, server_hostname, left), self._watch)

    def get_extra_info(self, info: str) -> Any:
        """As the interface says."""
        return self._real.get_extra_info(info)
