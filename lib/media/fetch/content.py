"""What the bytes of a response are: encoded for the way although we asked for none, or a page."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator, Sequence

from lib.media.errors import MediaError

PIECE_BYTES = 256 * 1024
"""The most that is decoded at once, however small the encoded bytes are."""
MAX_ENCODINGS = 2
"""Encodings on top of each other."""
PAGE_BYTES = 64 * 1024
"""How much of a web page is read for its title."""
SNIFF_BYTES = 16
"""What is enough to tell text from media."""
MAX_TITLE = 100
_HARMLESS = frozenset({"", "identity", "none", "binary", "utf-8", "aws-chunked", "8bit"})
_GZIP = frozenset({"gzip", "x-gzip"})
_UNREAD = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_HTML = re.compile(rb"<(?:!doctype html|html|head|body|title|meta|script|div|h1)[\s>]", re.I)


def encodings(header: str) -> list[str]:
    """The encodings of a Content-Encoding that have to be undone, the first one applied first.

    Raises MediaError for one that can't be, or too many.
    """
    named = [each.strip().lower() for each in header[:200].split(",")]
    known = [each for each in named if each in _GZIP or each == "deflate"]
    unread = [each for each in named if each in _UNREAD]
    if unread or len(known) > MAX_ENCODINGS:
        what = unread[0] if unread else "several encodings"
        raise MediaError(
            "validation",
            f"The input's server compresses the file ({what}), although it was asked not to. Turn"
            " that off for media files, or upload the file.",
            "content_encoding",
        )
    return known


def decoded(body: Iterator[bytes], names: Sequence[str]) -> Iterator[bytes]:
    """The body without its encodings, in pieces of at most PIECE_BYTES. Raises MediaError."""
    for name in reversed(names):
        body = _Inflated(body, gzip=name in _GZIP).pieces()
    return body


class Cut(Exception):
    """The encoded body ended before its end."""


class _Inflated:
    """One gzip or deflate encoding undone. What only claims to be encoded is passed on."""

    def __init__(self, body: Iterator[bytes], *, gzip: bool) -> None:
        self._body = body
        self._gzip = gzip

    def pieces(self) -> Iterator[bytes]:
        """The decoded bytes. Raises MediaError, Cut."""
        data = self._two_bytes(b"")
        bits = self._window(data)
        if bits is None:
            yield data
            yield from self._body
            return
        while True:
            decoder = zlib.decompressobj(bits)
            while not decoder.eof:
                if not data:
                    more = next(self._body, None)
                    if more is None:
                        raise Cut
                    data = more
                yield from self._inflate(decoder, data)
                data = decoder.unused_data
            data = self._two_bytes(data)
            if not (self._gzip and data[:2] == b"\x1f\x8b"):
                return  # whatever follows the end is not part of it

    def _two_bytes(self, data: bytes) -> bytes:
        """`data` and what follows it, two bytes at least; fewer at the end."""
        while len(data) < 2 and (more := next(self._body, None)) is not None:
            data += more
        return data

    def _inflate(self, decoder: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        """All that `data` decodes to, a bounded piece at a time."""
        try:
            while data and not decoder.eof:
                piece = decoder.decompress(data, PIECE_BYTES)
                if piece:
                    yield piece
                data = decoder.unconsumed_tail
        except zlib.error:
            raise MediaError(
                "validation",
                "The input's server says that the file is compressed (Content-Encoding), but it"
                " can't be decompressed. Upload the file, or use another server.",
                "content_encoding",
            ) from None

    def _window(self, data: bytes) -> int | None:
        """zlib's window bits; None for a body that is not encoded at all."""
        if self._gzip:
            return 31 if data[:2] == b"\x1f\x8b" else None
        zlib_header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        return 15 if zlib_header else -15


def undecided(data: bytes) -> bool:
    """Whether more is needed to tell what the first bytes of a file are."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    return len(data) < 2048 and (not text or (text[:1] in b"<{[" and len(text) < SNIFF_BYTES))


def is_text_document(data: bytes) -> bool:
    """Whether a file that begins so is a web page, XML or JSON, none of which is media."""
    text = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return re.match(rb"<[A-Za-z!?]", text) is not None
    return re.match(rb"[{\[]\s{0,50}[\"{\[]", text) is not None and b"\x00" not in text


def document_error(data: bytes) -> MediaError:
    """What to say of a text document, of which `data` is the beginning."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return _no_media("answered with JSON, not with a media file", "json")
    if not _HTML.search(text[:PAGE_BYTES]):
        return _no_media("answered with an XML document, not with a media file", "xml")
    title = page_title(text)
    if "Google Drive" in title and "scan" in title.lower():
        return MediaError(
            "validation",
            "Google Drive answered with a web page that warns that it can't scan the file for"
            " viruses, not with the file. Upload the file here, or share it from another host.",
            "web_page",
        )
    named = f' ("{title}")' if title else ""
    return _no_media(f"answered with a web page{named}, not with a media file", "web_page")


def page_title(page: bytes) -> str:
    """The text of a web page's <title>, bounded and plain; empty without one."""
    head = page[:PAGE_BYTES].decode("utf-8", "replace")
    lower = head.lower()
    start = lower.find("<title")
    start = lower.find(">", start) + 1 if start >= 0 else 0
    end = lower.find("</", start) if start else -1
    if end < 0:
        return ""
    text = html.unescape(head[start : min(end, start + 1000)])
    plain = "".join(each if each.isprintable() and each not in '<>&"' else " " for each in text)
    short = " ".join(plain.split())
    return short if len(short) <= MAX_TITLE else f"{short[:MAX_TITLE].rstrip()}…"


def _no_media(what: str, reason: str) -> MediaError:
    return MediaError(
        "validation",
        f"The input's server {what}. Link to the file itself, so that it downloads without a login"
        " or a click, or upload it.",
        reason,
    )
