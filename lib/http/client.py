"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from flask import request

from lib.accounts.rates import WIDER, Network
from lib.platform.settings import Settings, settings


def client_ip() -> str | None:
    """The address of the current request's caller."""
    return address(request.remote_addr, request.headers.get("X-Real-IP"), settings())


def client_networks() -> tuple[Network, ...]:
    """What calls of the current request's caller are counted by."""
    return networks(client_ip())


def address(peer: str | None, real_ip: str | None, configuration: Settings) -> str | None:
    """The caller's address: that of the connection, or what X-Real-IP says.

    The header counts only where a trusted proxy sets it: on Vercel, or from an address in
    TRUSTED_PROXIES. Anyone else could send any address in it.
    """
    ip = _parse(peer)
    trusted = ip is not None and any(ip in each for each in configuration.trusted_proxies)
    if configuration.on_vercel or trusted:
        ip = _parse(real_ip) or ip
    return str(ip) if ip else None


def networks(ip: str | None) -> tuple[Network, ...]:
    """An IPv4 address, or both the /64 and the /48 of an IPv6 one.

    A /64 is one connection; whoever has a whole /48 has 65,536 of them.
    """
    if ip is None:
        return (Network("unknown"),)
    if ":" not in ip:
        return (Network(ip),)
    line, site = (str(ipaddress.ip_network(f"{ip}/{bits}", strict=False)) for bits in (64, 48))
    return (Network(line), Network(site, WIDER))


def _parse(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address without its scope; IPv4 that is mapped into IPv6 counts as IPv4."""
    try:
        ip = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip
