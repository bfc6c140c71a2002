"""Media files whose headers state another length than they hold."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

POLYNOMIAL = 0x04C11DB7


def forge(path: Path, seconds: float) -> Path:
    """A copy of the file that claims to last `seconds`; its packets are untouched."""
    data = bytearray(path.read_bytes())
    match path.suffix:
        case ".mkv" | ".webm":
            _matroska(data, seconds)
        case ".flv":
            _flv(data, seconds)
        case ".avi":
            _avi(data, seconds)
        case ".mp4" | ".m4a" | ".mov":
            _mp4(data, seconds)
        case ".mp3":
            _mp3(data, seconds)
        case ".ogg" | ".opus":
            _ogg(data, seconds)
        case ".wav":
            _wav(data, seconds)
        case other:
            raise ValueError(other)
    forged = path.with_name(f"forged-{seconds:g}{path.suffix}")
    forged.write_bytes(data)
    return forged


def _matroska(data: bytearray, seconds: float) -> None:
    at = data.index(b"\x44\x89\x88") + 3  # Duration, 8 bytes
    data[at : at + 8] = struct.pack(">d", seconds * 1000)


def _flv(data: bytearray, seconds: float) -> None:
    at = data.index(b"duration\x00") + 9
    data[at : at + 8] = struct.pack(">d", seconds)


def _avi(data: bytearray, seconds: float) -> None:
    at = data.index(b"avih") + 8
    (microseconds,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at + 16, round(seconds * 1e6 / microseconds))
    for result in _all(data, b"strh"):
        at = result + 8
        scale, rate = struct.unpack_from("<II", data, at + 20)
        struct.pack_into("<I", data, at + 32, round(seconds * rate / scale))


def _mp4(data: bytearray, seconds: float) -> None:
    (movie,) = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)
    for kind in (b"mvhd", b"mdhd"):
        for at in _all(data, kind):
            (scale,) = struct.unpack_from(">I", data, at + 16)
            struct.pack_into(">I", data, at + 20, round(seconds * scale))
    for at in _all(data, b"tkhd"):
        struct.pack_into(">I", data, at + 24, round(seconds * movie))
    for at in _all(data, b"elst"):  # else the rest would be cut off, and not be read
        data[at : at + 4] = b"free"


def _mp3(data: bytearray, seconds: float) -> None:
    at = max(data.find(b"Xing"), data.find(b"Info"))
    assert at > 0
    struct.pack_into(">I", data, at + 8, round(seconds * 44100 / 1152))


def _ogg(data: bytearray, seconds: float) -> None:
    rate = 48_000 if b"OpusHead" in data else 44_100
    at = data.rindex(b"OggS")
    struct.pack_into("<q", data, at + 6, round(seconds * rate))
    struct.pack_into("<I", data, at + 22, 0)
    struct.pack_into("<I", data, at + 22, _ogg_checksum(bytes(data[at:])))


def _wav(data: bytearray, seconds: float) -> None:
    at = data.index(b"fmt ") + 8
    (bytes_per_second,) = struct.unpack_from("<I", data, at + 8)
    struct.pack_into("<I", data, data.index(b"data") + 4, round(seconds * bytes_per_second))


def _all(data: bytearray, kind: bytes) -> Iterator[int]:
    at = data.find(kind)
    while at >= 0:
        yield at
        at = data.find(kind, at + 4)


def _ogg_checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ POLYNOMIAL if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value
