"""Heads of old and home-made servers are read as browsers read them."""

from __future__ import annotations

import pytest

from lib.media.fetch.http_head import MAX_BYTES, MAX_INFORMATIONAL, HeadReader, speaks_tls, strict


@pytest.mark.parametrize(
    ("head", "read"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", b"HTTP/1.1 200 -\r\nA: b\r\n\r\n"),
        (b"HTTP/1.1 200\nA: b\n\n", b"HTTP/1.1 200 -\r\nA: b\r\n\r\n"),
        (b"http/1.1  200\r\n\r\n", b"HTTP/1.1 200 -\r\n\r\n"),
        (b"\r\n\nHTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 -\r\n\r\n"),
        (b"ICY 200 OK\r\nA: b\r\n\r\n", b"HTTP/1.0 200 -\r\nA: b\r\n\r\n"),
        (b"HTTP/2 200\r\n\r\n", b"HTTP/1.0 200 -\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX Bad: x\r\nA : b\r\nno colon\r\n: c\r\n\r\n",
         b"HTTP/1.1 200 -\r\nA: b\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nX Bad: x\r\n d\r\n\r\n",
         b"HTTP/1.1 200 -\r\nA: b   c\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nA: \x00b\x07\r\nB: \xc3\xa9\r\n\r\n",
         b"HTTP/1.1 200 -\r\nA: b\r\nB: \xc3\xa9\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: -1\r\n"
         b"Transfer-Encoding: identity\r\n\r\n", b"HTTP/1.1 200 -\r\n\r\n"),
        (b"SSH-2.0-x\r\n\r\n", b"SSH-2.0-x\r\n\r\n"),
        (b"HTTP/1.1 2000\r\n\r\n", b"HTTP/1.1 2000\r\n\r\n"),
    ],
)  # fmt: skip
def test_a_head_is_made_strict(head: bytes, read: bytes) -> None:
    assert strict(head) == read


def whole(*pieces: bytes) -> bytes:
    reader = HeadReader()
    return b"".join(map(reader.feed, pieces))


def test_the_body_is_handed_on_as_it_is() -> None:
    body = b"X Bad: x\r\n\r\n\x00body"
    payload = b"HTTP/1.1 200 OK\r\nX Bad: x\r\n\r\n" + body
    expected = b"HTTP/1.1 200 -\r\n\r\n" + body
    assert whole(payload) == expected
    assert whole(*(payload[at : at + 1] for at in range(len(payload)))) == expected


def test_informational_responses_come_before_the_final_one() -> None:
    payload = b"HTTP/1.1 103 Early\r\nX Y: z\r\n\r\nHTTP/1.1 200 OK\r\nX Y: z\r\n\r\nHTTP/1.1 x"
    expected = b"HTTP/1.1 103 -\r\n\r\nHTTP/1.1 200 -\r\n\r\nHTTP/1.1 x"
    assert whole(payload) == expected
    assert whole(payload[:50], payload[50:70], payload[70:]) == expected


def test_what_is_no_head_is_handed_on_at_once() -> None:
    reader = HeadReader()
    assert reader.feed(b"SSH-2.0") == b"SSH-2.0"
    assert reader.done
    assert whole(b"HTTP/1.1 200 O", b"") == b"HTTP/1.1 200 O"
    assert whole(b"") == b""


@pytest.mark.parametrize(("extra", "places"), [(0, True), (1, False)])
def test_a_head_has_a_limit(extra: int, places: bool) -> None:
    reader = HeadReader()
    begun = b"HTTP/1.1 200 OK\r\nX: "
    reader.feed(begun)
    reader.feed(b"y" * (MAX_BYTES - len(begun) + extra))
    assert reader.done is not places


def test_informational_responses_have_a_limit() -> None:
    one = b"HTTP/1.1 100 Continue\r\n\r\n"
    last = b"HTTP/1.1 200 OK\r\n\r\n"
    assert whole(one * MAX_INFORMATIONAL + last).endswith(b"200 -\r\n\r\n")
    with pytest.raises(ValueError, match="informational"):
        whole(one * (MAX_INFORMATIONAL + 1) + last)


def test_a_server_that_expects_tls() -> None:
    assert speaks_tls(b"\x15\x03\x01\x00\x02\x02\x46")
    assert not speaks_tls(b"HTTP/1.1 400")
