"""Bodies that a server compressed are decoded within bounds."""

from __future__ import annotations

import gzip
import random
import sys
import tracemalloc
import zlib
from collections.abc import Iterator

import brotli
import pytest

from lib.media.errors import MediaError
from lib.media.fetch.content_encoding import PIECE_BYTES, ZSTD_WINDOW_LOG, Cut, decoded, encodings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DATA = bytes(range(256)) * 3000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_of(data: bytes) -> bytes:
    return bytes(zstd.compress(data))


def pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ("gzip", gzip.compress(DATA)), ("X-GZIP", gzip.compress(DATA)),
        ("gzip", gzip.compress(DATA[:5000]) + gzip.compress(DATA[5000:])),
        ("gzip", gzip.compress(DATA) + b"trailing"), ("deflate", zlib.compress(DATA)),
        ("deflate", raw_deflate(DATA)), ("gzip, gzip", gzip.compress(gzip.compress(DATA))),
        ("identity", DATA), ("", DATA), ("aws-chunked", DATA), ("utf-8", DATA),
        ("gzip", DATA), ("zstd", DATA),  # says so, and is not
        ("br", brotli.compress(DATA)),
        ("zstd", zstd_of(DATA)), ("zstd", zstd_of(DATA) + b"trailing"),
        ("zstd", zstd_of(DATA[:5000]) + zstd_of(DATA[5000:])),
        ("gzip, br", brotli.compress(gzip.compress(DATA))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_encodings_are_undone(header: str, payload: bytes, size: int) -> None:
    if size == 1 and len(payload) > 100_000:
        size = 3
    assert b"".join(decoded(pieces(payload, size), encodings(header))) == DATA


@pytest.mark.parametrize("header", ["compress", "dcz", "gzip, compress", "gzip, br, zstd"])
def test_encodings_that_are_not_read(header: str) -> None:
    with pytest.raises(MediaError, match="compresses the file") as error:
        encodings(header)
    assert error.value.category == "validation"


COMPRESS = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstd_of,
            "deflate": zlib.compress}  # fmt: skip


@pytest.mark.parametrize("name", COMPRESS)
def test_a_cut_body_is_known(name: str) -> None:
    with pytest.raises(Cut):
        list(decoded(pieces(COMPRESS[name](DATA)[:-5]), [name]))


@pytest.mark.parametrize("name", COMPRESS)
def test_a_damaged_body(name: str) -> None:
    payload = bytearray(COMPRESS[name](random.Random(1).randbytes(10**5)))
    start = 0 if name == "br" else 6  # br has neither signature nor checksum
    payload[start:60] = b"\xff" * (60 - start)
    with pytest.raises(MediaError, match="can't be decompressed"):
        list(decoded(pieces(bytes(payload)), [name]))


@pytest.mark.parametrize(("log", "read"), [(ZSTD_WINDOW_LOG, True), (ZSTD_WINDOW_LOG + 1, False)])
def test_the_window_of_zstd_is_limited(log: int, read: bool) -> None:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    payload = packer.compress(DATA) + packer.flush()
    if read:
        assert b"".join(decoded(pieces(payload), ["zstd"])) == DATA
    else:
        with pytest.raises(MediaError, match="can't be decompressed"):
            list(decoded(pieces(payload), ["zstd"]))


def bombs() -> dict[str, bytes]:
    """100 MB of zeros, in few bytes."""
    packer = zlib.compressobj(9, wbits=31)
    once = b"".join(packer.compress(bytes(10**6)) for _ in range(100)) + packer.flush()
    zeros = bytes(10**8)
    return {
        "gzip, gzip": gzip.compress(once),
        "br": brotli.compress(zeros, quality=1),
        "zstd": zstd_of(zeros),
    }


@pytest.mark.parametrize("header", ["gzip, gzip", "br", "zstd"])
def test_a_bomb_is_decoded_a_piece_at_a_time(header: str) -> None:
    payload = bombs()[header]
    assert len(payload) < 20_000
    tracemalloc.start()
    try:
        total = 0
        for piece in decoded(iter([payload]), encodings(header)):
            assert len(piece) <= 2 * PIECE_BYTES
            total += len(piece)
        assert total == 10**8
        assert tracemalloc.get_traced_memory()[1] < 10 * PIECE_BYTES
    finally:
        tracemalloc.stop()
