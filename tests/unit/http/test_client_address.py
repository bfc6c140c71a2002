"""Whom a call is counted for: X-Real-IP only from a proxy we know, IPv6 by /64 and /48."""

from __future__ import annotations

import pytest

from lib.accounts.rates import WIDER, Network
from lib.http import client
from lib.platform.settings import SettingsError, read

NEEDED = {
    "POSTGRES_URL": "postgresql://nobody@127.0.0.1:9/none",
    "SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_SECRET_KEY": "sb_secret_" + "k" * 32,
    "CRON_SECRET": "c" * 40,
    "API_URL": "https://api.example.com",
}


def seen(peer: str, header: str | None, **environment: str) -> str | None:
    return client.address(peer, header, read(NEEDED | environment))


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.1", "203.0.113.5"])
def test_nobody_is_believed_by_default(peer: str) -> None:
    assert seen(peer, "198.51.100.1") == peer


def test_vercel_is_believed() -> None:
    assert seen("127.0.0.1", "198.51.100.1", VERCEL="1") == "198.51.100.1"
    assert seen("127.0.0.1", None, VERCEL="1") == "127.0.0.1"
    for other in ("0", "true", ""):
        assert seen("127.0.0.1", "198.51.100.1", VERCEL=other) == "127.0.0.1"


def test_named_proxies_are_believed_and_no_others() -> None:
    proxies = "10.1.0.0/16, 2001:db8::7,192.0.2.1"
    for peer in ("10.1.255.255", "2001:db8::7", "192.0.2.1", "::ffff:10.1.0.1"):
        assert seen(peer, "198.51.100.1", TRUSTED_PROXIES=proxies) == "198.51.100.1", peer
    for peer in ("10.2.0.0", "2001:db8::8", "192.0.2.2", "127.0.0.1"):
        assert seen(peer, "198.51.100.1", TRUSTED_PROXIES=proxies) == peer
    for wrong in ("", "x", "1.2.3.4, 5.6.7.8", "1" * 5000):
        assert seen("10.1.0.1", wrong, TRUSTED_PROXIES=proxies) == "10.1.0.1"


def test_a_proxy_that_is_no_address_is_refused() -> None:
    assert read(NEEDED).trusted_proxies == ()
    for wrong in ("proxy.example.com", "10.0.0.0/33", "10.0.0.1/8"):
        with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
            read(NEEDED | {"TRUSTED_PROXIES": wrong})


@pytest.mark.parametrize(
    ("peer", "networks"),
    [
        ("203.0.113.5", (Network("203.0.113.5"),)),
        ("::ffff:203.0.113.5", (Network("203.0.113.5"),)),
        (
            "2001:db8:1:2:3:4:5:6",
            (Network("2001:db8:1:2::/64"), Network("2001:db8:1::/48", WIDER)),
        ),
        ("fe80::1%eth0", (Network("fe80::/64"), Network("fe80::/48", WIDER))),
        ("", (Network("unknown"),)),
    ],
)
def test_what_calls_are_counted_by(peer: str, networks: tuple[Network, ...]) -> None:
    assert client.networks(seen(peer, None)) == networks
