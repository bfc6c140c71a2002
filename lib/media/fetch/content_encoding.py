"""Response bodies that a server compressed, although Accept-Encoding asked it not to.

The encodings of RFC 9110, section 8.4, that browsers read: gzip, deflate, br (RFC 7932) and zstd
(RFC 8878). Memory is bounded: a decoder returns about PIECE_BYTES, and its window is limited.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from lib.media.errors import MediaError

PIECE_BYTES = 256 * 1024
"""The most that is decoded at once, however small the encoded bytes are; br: twice as much."""
MAX_ENCODINGS = 2
"""Encodings on top of each other."""
ZSTD_WINDOW_LOG = 23
"""8 MB, which is the limit of RFC 9659 for HTTP."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_NAMES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd"}
_UNREAD = frozenset({"compress", "x-compress", "dcb", "dcz"})
"""Browsers don't read these either, or only with a dictionary that was agreed on."""


class Cut(Exception):
    """The encoded body ended before its end."""


def encodings(header: str) -> list[str]:
    """The encodings of a Content-Encoding header that must be decoded, the first applied first.

    Unknown names are ignored, as browsers do. Raises MediaError for one that can't be decoded, and
    for too many.
    """
    names = [each.strip().lower() for each in header[:200].split(",")]
    known = [_NAMES[each] for each in names if each in _NAMES]
    unread = [each for each in names if each in _UNREAD]
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
    """The body without its encodings, in pieces of bounded size. Raises MediaError, Cut."""
    for name in reversed(names):
        body = _decoded(body, name)
    return body


class _Decoder(Protocol):
    """One compressed stream, which may be followed by others."""

    eof: bool

    def decode(self, data: bytes) -> Iterator[bytes]:
        """All that `data` decodes to. Raises ValueError for damaged data."""

    @property
    def unused(self) -> bytes:
        """What followed the end of the stream."""


def _decoded(body: Iterator[bytes], name: str) -> Iterator[bytes]:
    data = _at_least(4, b"", body)
    if not _begins(name, data):  # only claims to be encoded
        yield data
        yield from body
        return
    while True:
        decoder = _decoder(name, data)
        while not decoder.eof:
            if not data:
                more = next(body, None)
                if more is None:
                    raise Cut
                data = more
            try:
                yield from decoder.decode(data)
            except ValueError:
                raise MediaError(
                    "validation",
                    "The input's server says that the file is compressed (Content-Encoding), but"
                    " it can't be decompressed. Upload the file, or use another server.",
                    "content_encoding",
                ) from None
            data = b"" if not decoder.eof else decoder.unused
        data = _at_least(4, data, body)
        if name not in ("gzip", "zstd") or not _begins(name, data):
            return  # whatever follows the end is not part of it


def _at_least(size: int, data: bytes, body: Iterator[bytes]) -> bytes:
    """`data` and what follows it, `size` bytes at least; fewer at the end."""
    while len(data) < size and (more := next(body, None)) is not None:
        data += more
    return data


def _begins(name: str, data: bytes) -> bool:
    """Whether a stream of this encoding begins so; deflate and br can't be detected."""
    signature = {"gzip": _GZIP, "zstd": _ZSTD}.get(name, b"")
    return data.startswith(signature)


def _decoder(name: str, data: bytes) -> _Decoder:
    if name == "br":
        return _Brotli()
    if name == "zstd":
        return _Zstd()
    if name == "gzip":
        return _Zlib(31)
    header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return _Zlib(15 if header else -15)  # some servers send deflate without zlib's header


class _Zlib:
    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)
        self.eof = False

    @property
    def unused(self) -> bytes:
        return self._stream.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data and not self.eof:
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise ValueError from error
            self.eof = self._stream.eof
            data = self._stream.unconsumed_tail
            if piece:
                yield piece


class _Brotli:
    """Its pieces may be twice as large: the library's limit is that of a buffer which doubles."""

    unused = b""

    def __init__(self) -> None:
        import brotli

        self._error = brotli.error
        self._stream = brotli.Decompressor()
        self.eof = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._stream.process(data, output_buffer_limit=PIECE_BYTES)
            except self._error as error:
                raise ValueError from error
            self.eof = self._stream.is_finished()
            data = b""
            if piece:
                yield piece
            if self.eof or (not piece and self._stream.can_accept_more_data()):
                return


class _Zstd:
    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd

        limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        self._error = zstd.ZstdError
        self._stream = zstd.ZstdDecompressor(options=limit)
        self.eof = False

    @property
    def unused(self) -> bytes:
        return self._stream.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        while not self.eof:
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except self._error as error:
                raise ValueError from error
            self.eof = self._stream.eof
            data = b""
            if piece:
                yield piece
            if self._stream.needs_input:
                return
