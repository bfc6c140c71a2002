"""Fetching inputs by URL: by us, never by ffmpeg, from public addresses only.

The address is checked where it counts: a name is resolved once, every address it gives must be
public, and the connection goes to the very address that was checked. Redirects are followed here,
each hop under the same rules.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import httpcore

from lib.media import address
from lib.media.errors import Canceled, MediaError

MAX_HOPS = 5
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
CHUNK = 256 * 1024

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
    end = time.monotonic() + seconds
    for _ in range(MAX_HOPS + 1):
        with httpcore.ConnectionPool(
            network_backend=_Backend(allow), max_connections=1, retries=0
        ) as pool:
            next_url = _hop(pool, url, destination, max_bytes, end, allow, cancelled)
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
    pool: httpcore.ConnectionPool,
    url: str,
    destination: Path,
    max_bytes: int,
    end: float,
    allow: Sequence[str],
    cancelled: Callable[[], bool],
) -> Fetched | str:
    """One request: the file, or the address it redirects to."""
    try:
        parts = address.split(url, allow)
    except ValueError as error:
        raise MediaError("validation", f"The input's URL is refused: {error}") from None
    try:
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else
                                             "ascii").decode()  # fmt: skip
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request_url = httpcore.URL(
            scheme=parts.scheme.lower().encode(),
            host=host.encode(),
            port=parts.port,
            target=target.encode("ascii", "backslashreplace"),
        )
        with pool.stream(
            "GET",
            request_url,
            headers=[
                ("Host", parts.netloc.encode("ascii", "ignore")),
                ("User-Agent", "ffmpeg-micro"),
                ("Accept", "*/*"),
                ("Accept-Encoding", "identity"),
            ],
            extensions={
                "timeout": {
                    "connect": CONNECT_SECONDS,
                    "read": min(IDLE_SECONDS, max(0.1, end - time.monotonic())),
                    "write": IDLE_SECONDS,
                    "pool": CONNECT_SECONDS,
                }
            },
        ) as response:
            headers = {name.lower(): value for name, value in response.headers}
            if response.status in (301, 302, 303, 307, 308) and b"location" in headers:
                return urljoin(url, headers[b"location"].decode("latin-1"))
            _expect(response.status)
            return _save(response, headers, destination, max_bytes, end, cancelled)
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
    except (UnicodeError, ValueError):
        raise MediaError("validation", "The input's URL is not well formed.") from None


def _save(
    response: httpcore.Response,
    headers: dict[bytes, bytes],
    destination: Path,
    max_bytes: int,
    end: float,
    cancelled: Callable[[], bool],
) -> Fetched:
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > max_bytes:
        raise _too_large(max_bytes)
    digest = hashlib.sha256()
    size = 0
    with destination.open("wb") as file:
        for chunk in _timed(response.iter_stream(), end):
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            if cancelled():
                raise Canceled
            digest.update(chunk)
            file.write(chunk)
    return Fetched(size, digest.hexdigest())


def _timed(chunks: Iterable[bytes], end: float) -> Iterable[bytes]:
    for chunk in chunks:
        if time.monotonic() > end:
            raise _too_slow()
        yield chunk


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


class _Backend(httpcore.NetworkBackend):
    """Connects to an address it has checked, and to no other."""

    def __init__(self, allow: Sequence[str]) -> None:
        self._allow = allow
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
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if f"{host}:{port}" not in self._allow and not all(map(is_public, addresses)):
            raise _NotPublic
        return self._real.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: no URL names a socket."""
        raise _NotPublic
