"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from flask import request


def client_ip() -> str | None:
    """The caller's address; behind Vercel's proxy it comes in x-real-ip, which Vercel sets."""
    text = request.headers.get("x-real-ip") or request.remote_addr or ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def client_network() -> str:
    """What calls are counted by: an IPv4 address, or the /64 that one IPv6 line has to itself."""
    address = client_ip()
    if address is None:
        return "unknown"
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
