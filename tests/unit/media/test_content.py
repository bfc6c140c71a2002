"""Encoded bodies are decoded within bounds, and pages are told from media."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from lib.media.errors import MediaError
from lib.media.fetch.content import (
    MAX_TITLE,
    PIECE_BYTES,
    Cut,
    decoded,
    document_error,
    encodings,
    is_text_document,
    page_title,
    undecided,
)

DATA = bytes(range(256)) * 3000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("gzip", gzip.compress(DATA)), ("X-GZIP", gzip.compress(DATA)),
        ("gzip", gzip.compress(DATA[:5000]) + gzip.compress(DATA[5000:])),
        ("gzip", gzip.compress(DATA) + b"trailing"), ("deflate", zlib.compress(DATA)),
        ("deflate", raw_deflate(DATA)), ("gzip, gzip", gzip.compress(gzip.compress(DATA))),
        ("identity", DATA), ("", DATA), ("aws-chunked", DATA), ("utf-8", DATA),
        ("gzip", DATA),  # says so, and is not
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_encodings_are_undone(header: str, sent: bytes, size: int) -> None:
    if size == 1 and len(sent) > 100_000:
        size = 3
    assert b"".join(decoded(pieces(sent, size), encodings(header))) == DATA


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, br", "compress", "gzip, gzip, gzip"])
def test_encodings_that_are_not_read(header: str) -> None:
    with pytest.raises(MediaError, match="compresses the file") as error:
        encodings(header)
    assert error.value.category == "validation"


def test_a_cut_body_is_known() -> None:
    with pytest.raises(Cut):
        list(decoded(pieces(gzip.compress(DATA)[:-5]), ["gzip"]))


def test_a_damaged_body() -> None:
    sent = bytearray(gzip.compress(DATA))
    sent[20:40] = bytes(20)
    with pytest.raises(MediaError, match="can't be decompressed"):
        list(decoded(pieces(bytes(sent)), ["gzip"]))


def test_a_bomb_is_decoded_a_piece_at_a_time() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(10**6)) for _ in range(100)) + packer.flush()
    twice = gzip.compress(bomb)
    assert len(twice) < 5000
    tracemalloc.start()
    try:
        total = 0
        for piece in decoded(iter([twice]), ["gzip", "gzip"]):
            assert len(piece) <= PIECE_BYTES
            total += len(piece)
        assert total == 10**8
        assert tracemalloc.get_traced_memory()[1] < 10 * PIECE_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE html><html><head><title>Sign in</title>", "web_page"),
        (b"\xef\xbb\xbf \r\n<HTML>x", "web_page"), (b"<!-- a --><html>", "web_page"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html>", "web_page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "xml"),
        (b"<Error>", "xml"), (b'{"error":"not found","code":404}', "json"),
        (b'[\n  {"a": 1}]', "json"),
    ],
)  # fmt: skip
def test_text_documents_are_named(data: bytes, reason: str) -> None:
    assert is_text_document(data)
    error = document_error(data)
    assert (error.category, error.reason) == ("validation", reason)
    assert "AccessDenied" not in str(error)
    assert "404" not in str(error)


@pytest.mark.parametrize(
    "data",
    [b"\x00\x00\x00\x18ftypmp42", b"ID3\x04", b"RIFF", b"[Script Info]\nTitle: x", b"{1}{25}Hello",
     b"1\n00:00:00,000 --> ", b"WEBVTT", b"<\x00\x01\x02", b"", b"#EXTM3U", b"{\\rtf1"],
)  # fmt: skip
def test_what_may_be_media_or_subtitles(data: bytes) -> None:
    assert not is_text_document(data)


def test_few_bytes_do_not_decide() -> None:
    assert undecided(b"")
    assert undecided(b" \n ")
    assert undecided(b"<htm")
    assert not undecided(b"<html><head><title>")
    assert not undecided(b"\x00\x00")
    assert not undecided(b" " * 2048)


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<html><title>Sign in</title>", "Sign in"),
        (b"<TITLE lang=en>\n Sign\r\n in </TITLE>", "Sign in"),
        (b"<title>A &amp; B &lt;script&gt;</title>", "A B script"),
        ("<title>x\u202ey\x00\x1bz</title>".encode(), "x y z"),
        (b"<title>\xff\xfe</title>", "\ufffd\ufffd"),
        (b"<title>never ends", ""),
        (b"<title", ""),
        (b"<html>", ""),
        (b"<title></title>", ""),
        (b"<title>" + b"a" * MAX_TITLE + b"</title>", "a" * MAX_TITLE),
        (b"<title>" + b"a" * (MAX_TITLE + 1) + b"</title>", "a" * MAX_TITLE + "…"),
    ],
)
def test_titles_are_bounded_and_plain(page: bytes, title: str) -> None:
    assert page_title(page) == title


def test_the_virus_warning_of_google_drive_is_explained() -> None:
    page = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>"
    assert "viruses" in str(document_error(page))
