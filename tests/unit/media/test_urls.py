"""URLs as people paste them are cleaned as browsers clean them, and nothing else is let in."""

from __future__ import annotations

import pytest

from lib.media import address
from lib.media.urls import MAX_LENGTH, RAW_LENGTH, allowed, clean, endpoint, join

BASE = "https://example.com/dir/a.mp4?x=1"


@pytest.mark.parametrize(
    ("payload", "cleaned"),
    [
        (" https://example.com/a.mp4", "https://example.com/a.mp4"),
        ("https://example.com/a.mp4\n", "https://example.com/a.mp4"),
        ("\t\x00\x1fhttps://example.com/a.mp4 \r\n", "https://example.com/a.mp4"),
        ("https://exam\nple.com/a\tb\r.mp4", "https://example.com/ab.mp4"),
        ("https://example.com/a b.mp4", "https://example.com/a%20b.mp4"),
        ("https://example.com/a%20b.mp4", "https://example.com/a%20b.mp4"),
        ("https://example.com/a%2Fb+c%2B.mp4", "https://example.com/a%2Fb+c%2B.mp4"),
        ("https://example.com/100%.mp4", "https://example.com/100%.mp4"),
        ("https://example.com/vidéo.mp4", "https://example.com/vid%C3%A9o.mp4"),
        ("https://example.com/a.mp4?q=ü x", "https://example.com/a.mp4?q=%C3%BC%20x"),
        ("https://example.com/?a=[1]|{2}", "https://example.com/?a=[1]|{2}"),
        ("https://example.com/{a}`^\"<>", "https://example.com/%7Ba%7D%60%5E%22%3C%3E"),
        ("https://example.com/?'\"<>", "https://example.com/?%27%22%3C%3E"),
        ("https://example.com/a;v=1?a=1;b=2#t=1 2", "https://example.com/a;v=1?a=1;b=2#t=1%202"),
        ("https://example.com/a#b?c", "https://example.com/a#b?c"),
        ("https:\\\\example.com\\a\\b.mp4", "https://example.com/a/b.mp4"),
        ("https://example.com/a?b\\c", "https://example.com/a?b\\c"),
        ("https:example.com/a", "https://example.com/a"),
        ("https:///example.com/a", "https://example.com/a"),
        ("HTTPS://EXAMPLE.com:443/A", "https://example.com/A"),
        ("http://example.com:080", "http://example.com/"),
        ("http://example.com:8080?x", "http://example.com:8080/?x"),
        ("http://example.com:/x", "http://example.com/x"),
        ("https://example.com/a/../b/./c/%2e%2E/d", "https://example.com/b/d"),
        ("https://example.com/../..", "https://example.com/"),
        ("https://example.com/a//b", "https://example.com/a//b"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://BÜCHER.example./a", "https://xn--bcher-kva.example./a"),
        ("https://日本語。jp/a", "https://xn--wgv71a119e.jp/a"),
        ("https://faß.de/", "https://xn--fa-hia.de/"),
        ("https://💩.la/", "https://xn--ls8h.la/"),
        ("https://ex%61mple.com/", "https://example.com/"),
        ("http://[2001:DB8:0::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("https://example.com/\ud800", "https://example.com/%EF%BF%BD"),
        ("gs://uploads/x/y.mp4\n", "gs://uploads/x/y.mp4"),
        (" ftp://example.com/x y", "ftp://example.com/x y"),
    ],
)  # fmt: skip
def test_urls_are_cleaned(payload: str, cleaned: str) -> None:
    assert clean(payload) == cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("https://user:secret@example.com/", "user name or password"),
        ("https://user@example.com/", "user name or password"),
        ("https://@example.com/", "user name or password"),
        ("https://a@b\\@example.com/", "user name or password"),
        ("https://example.com/a\x1bb", "control character"),
        ("https://example.com/a\x00b", "control character"),
        ("https://example.com/a\x7f", "control character"),
        ("https://", "no host"),
        ("https://:80/", "no host"),
        ("https://example.com:x/", "well formed"),
        ("https://example.com:65536/", "well formed"),
        ("https://example.com:-1/", "well formed"),
        ("https://[::1%25lo]/", "well formed"),
        ("https://[::1/", "well formed"),
        ("https://a b/", "well formed"),
        ("https://a..b/", "well formed"),
        ("https://127.0.0.1%00.example.com/", "well formed"),
        ("https://127.0.0.1%23.example.com/", "well formed"),
        ("https://127.0.0.1%2f.example.com/", "well formed"),
        (f"https://{'a' * 64}.example/", "too long"),
        (f"https://{'.'.join(['a' * 49] * 5)}.abcde/", "too long"),
    ],
)
def test_what_is_no_url_is_refused(payload: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        clean(payload)
    assert "secret" not in str(error.value)


def test_the_longest_host_names() -> None:
    label = f"https://{'a' * 63}.example/"
    assert clean(label) == label
    name = f"https://{'.'.join(['a' * 49] * 5)}.abc/"
    assert len(name) - len("https:///") == 253
    assert clean(name) == name
    assert clean(name.replace(".abc/", ".abc./")) == name.replace(".abc/", ".abc./")


def test_the_length_limit_is_that_of_the_cleaned_url() -> None:
    base = "https://example.com/"
    longest = base + "a" * (MAX_LENGTH - len(base))
    assert clean(f"\n {longest} \n") == longest
    spaces = base + " " * ((MAX_LENGTH - len(base)) // 3 - 1)
    spaces += "a" * (MAX_LENGTH - len(clean(spaces + "a")) + 1)
    assert len(clean(spaces)) == MAX_LENGTH
    for url in (longest + "a", spaces + "a", longest + "#"):
        with pytest.raises(ValueError, match=r"8,192 characters"):
            clean(url)
    assert clean(longest + " " * (RAW_LENGTH - MAX_LENGTH)) == longest
    with pytest.raises(ValueError, match=r"8,192 characters"):
        clean(longest + " " * (RAW_LENGTH - MAX_LENGTH + 1))


@pytest.mark.parametrize(
    "url",
    ["http://①②⑦.0.0.1/", "http://127。0。0。1/", "http://loc\u00adalhost/",
     "http://l\u24c4calhost/", "http:\\\\127.0.0.1\\x", "http:///127.0.0.1/", "http:127.0.0.1/",
     "http://127.0.0.1%2e/", "http://%31%32%37.0.0.1/", "http://10.0.0.1\\@example.com/",
     "http://\t10.0.0.1/", "http://1\n0.0.0.1/", "http://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_cleaning_shows_the_address_behind_a_disguise(url: str) -> None:
    with pytest.raises(ValueError, match="not public"):
        address.split(clean(url))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/a b.mp4", "https://example.com/a%20b.mp4"),
        ("/é x.mp4".encode(), "https://example.com/%C3%A9%20x.mp4"),
        (b"/\xe9.mp4", "https://example.com/%C3%A9.mp4"),
        (b"b.mp4", "https://example.com/dir/b.mp4"),
        (b"../b.mp4", "https://example.com/b.mp4"),
        (b"?y=2", "https://example.com/dir/a.mp4?y=2"),
        (b"//cdn.example/b", "https://cdn.example/b"),
        (b"\\b\\c.mp4", "https://example.com/b/c.mp4"),
        (b" http://h/x#t ", "http://h/x#t"),
        (b"", "https://example.com/dir/a.mp4?x=1"),
    ],
)
def test_where_redirects_lead(location: bytes, target: str) -> None:
    assert join(BASE, location) == target


@pytest.mark.parametrize("location", [b"http://[/", b"http://u:p@h/", b"/" * (RAW_LENGTH + 1)])
def test_redirects_to_no_url(location: bytes) -> None:
    with pytest.raises(ValueError):
        join(BASE, location)


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [("[::1]:8599", "::1", 8599), ("[0:0::1]:80", "[::1]", 80), ("NAS.lan:8099", "nas.lan", 8099),
     ("127.0.0.1:1", "127.0.0.1", 1)],
)  # fmt: skip
def test_source_allow_names_ipv6_hosts_in_brackets(entry: str, host: str, port: int) -> None:
    assert allowed(entry) == endpoint(host, port)
    assert allowed(entry) != endpoint(host, port + 1)
