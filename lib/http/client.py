"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from flask import request

from lib.accounts.rates import WIDER, Network
from lib.platform.settings import settings


def client_ip() -> str | None:
    """The caller's address.

    `X-Real-IP` counts only where a proxy of ours sets it: on Vercel, or from an address in
    TRUSTED_PROXIES. Anyone else could send any address in it.
    """
    peer = _address(request.remote_addr)
    if settings().on_vercel or _trusted(peer):
        peer = _address(request.headers.get("X-Real-IP")) or peer
    return str(peer) if peer else None


def client_networks() -> tuple[Network, ...]:
    """What calls are counted by: an IPv4 address, or both the /64 and the /48 of an IPv6 one.

    A /64 is one connection; whoever has a whole /48 has 65,536 of them.
    """
    text = client_ip()
    if text is None:
        return (Network("unknown"),)
    if ":" not in text:
        return (Network(text),)
    line, site = (str(ipaddress.ip_network(f"{text}/{bits}", strict=False)) for bits in (64, 48))
    return (Network(line), Network(site, WIDER))


def _trusted(peer: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    return peer is not None and any(peer in network for network in settings().trusted_proxies)


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address without its scope; IPv4 that is mapped into IPv6 counts as IPv4."""
    try:
        address = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
