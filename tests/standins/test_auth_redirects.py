"""Where mailed links may lead."""

from __future__ import annotations

import pytest

from standins.supabase.auth import redirects

SITE = "https://app.example.com"
ALLOWED = (
    "https://*.preview.example.com/**",
    "https://one.example.com/path/*",
    "myapp://callback",
    "https://x[0-9].example.com/{a,b}",
)


@pytest.mark.parametrize(
    "url",
    [
        f"{SITE}/any/where?x=1#y",
        "https://app.example.com:443/",
        "http://127.0.0.1:3000/x",
        "http://[::1]:3000/x",
        "https://pr-7.preview.example.com/a/b.html",
        "https://one.example.com/path/page",
        "myapp://callback",
        "https://x7.example.com/b",
    ],
)
def test_allowed(url: str) -> None:
    assert redirects.choose([url], SITE, ALLOWED) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://evil.example.org",
        "http://app.example.com/other-scheme",
        "https://app.example.com:8443/other-port",
        "https://app.example.com@evil.example.org/",
        "https://app.example.com\\@evil.example.org/",
        "https://app.example.com.evil.example.org/",
        "http://192.168.1.2/",
        "http://127.0.0.1@evil.example.org/",
        "https://app.example.com/\r\nSet-Cookie: x",
        "javascript://127.0.0.1/%0aalert(1)",
        "https://app.example.com:port/",
        "https://[::1",
        "https://a.b.preview.example.com/x",
        "https://one.example.com/path/deeper/page",
        "https://evil.example.org/?https://one.example.com/path/x",
        "https://xx.example.com/a",
        "/relative",
        "//evil.example.org",
    ],
)
def test_refused(url: str) -> None:
    assert redirects.choose([url], SITE, ALLOWED) == SITE


def test_first_allowed_wins() -> None:
    request = [None, "https://evil.example.org", f"{SITE}/a", f"{SITE}/b"]
    assert redirects.choose(request, SITE, ()) == f"{SITE}/a"


def test_address_in_a_link_is_encoded_where_it_must_be() -> None:
    assert redirects.in_link(f"{SITE}/welcome") == f"{SITE}/welcome"
    assert redirects.in_link(f"{SITE}/?a=1&b=2") == (
        "https%3A%2F%2Fapp.example.com%2F%3Fa%3D1%26b%3D2"
    )
