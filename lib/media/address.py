"""Which addresses a URL input may name: rules that need no look at the network."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from lib.media import urls

BLOCKED_PORTS = frozenset({
    1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 5984, 6000, 6379, 6443, 6665,
    6666, 6667, 6668, 6669, 8500, 9042, 9092, 9200, 9300, 10250, 11211, 15672, 27017, 27018, 50000,
})  # fmt: skip
"""Ports above 1024 where databases and the like listen."""
MAX_LENGTH = urls.MAX_LENGTH


_SPECIAL = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
        "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96",
    )
]  # fmt: skip
"""Special-use ranges (IANA registries) beyond what the ipaddress module calls not global."""


def split(url: str, allow: Sequence[str] = ()) -> SplitResult:
    """The parts of a cleaned http(s) URL that may be fetched. Raises ValueError with the rule it
    breaks.

    `allow` are host:port entries for which the rules about hosts and ports do not hold. A name is
    judged by what it resolves to, when we connect; a literal address is judged here, in all the
    ways resolvers read one.
    """
    split = parts(url)
    host, port = split.hostname or "", split.port
    number = port if port is not None else (443 if split.scheme.lower() == "https" else 80)
    if urls.endpoint(host, number) in map(urls.allowed, allow):
        return split
    if number not in (80, 443) and (number < 1024 or number in BLOCKED_PORTS):
        raise ValueError(f"port {number} is not read from; use 80, 443 or another web port.")
    if not _may_be_public(host):
        raise ValueError(
            "it leads to an address that is not public. Use a public address, or upload the file."
        )
    return split


def parts(url: str) -> SplitResult:
    """The parts of a well-formed http(s) URL. Raises ValueError with the rule that it breaks."""
    if len(url) > MAX_LENGTH or re.search(r"[\x00-\x20\x7f]", url):
        raise ValueError("it holds a space or a control character, or is too long.")
    try:
        split = urlsplit(url)
        host = split.hostname
        _ = split.port
    except ValueError:
        raise ValueError("it is not well formed.") from None
    if split.scheme.lower() not in ("http", "https"):
        raise ValueError("only http:// and https:// addresses and gs:// files of yours are read.")
    if not host:
        raise ValueError("it names no host.")
    if split.username is not None or split.password is not None:
        raise ValueError("it holds a user name or password.")
    return split


def is_public(text: str) -> bool:
    """Whether an IP address may be fetched from: global unicast and nothing special."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address.version == net.version and address in net for net in _SPECIAL)
    )


def _may_be_public(host: str) -> bool:
    """Whether a host is a name, or a literal address that is public."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        return is_public(name)
    except ValueError:
        pass
    try:  # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 to resolvers
        return is_public(socket.inet_ntoa(socket.inet_aton(name)))
    except (OSError, UnicodeError):
        return True
