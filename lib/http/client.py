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
