"""Text documents are recognized and named."""

from __future__ import annotations

import pytest

from lib.media.fetch.content import (
    MAX_TITLE,
    document_error,
    is_text_document,
    page_title,
    undecided,
)


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
