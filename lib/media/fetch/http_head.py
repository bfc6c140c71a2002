"""The head of an HTTP response, made strict: old and home-made servers send lines that browsers
pass over and HTTP libraries refuse. Pure functions in linear time.
"""

from __future__ import annotations

import re

MAX_INFORMATIONAL = 20
"""Responses before the final one, such as 103 Early Hints."""
MAX_BYTES = 96 * 1024
"""Of a head; what reads it next takes 100 KiB."""
_STATUS = re.compile(rb"(HTTP/[0-9](?:\.[0-9])?|ICY)[ \t]{1,9}([1-9][0-9]{2})(?![0-9])", re.I)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")


class HeadReader:
    """Collects what comes over a connection until the head of the final response is complete."""

    def __init__(self) -> None:
        self.done = False
        """Whether what follows is handed on as it comes."""
        self.has_status = False
        """Whether the head of a response came."""
        self._buffer = bytearray()
        self._searched = 0
        """How much of it holds no end of a head."""
        self._informational = 0

    def feed(self, data: bytes) -> bytes:
        """Take what came, b"" for the end; return what may be read: b"" for nothing yet.

        Raises ValueError for a server that never comes to its final response.
        """
        self._buffer += data
        ready = b""
        while not self.done:
            end = self._end()
            if end is None:
                if data and len(self._buffer) <= MAX_BYTES and _may_be_http(self._buffer):
                    return ready
                break  # no head will come: whoever reads it says so
            head, self._buffer = bytes(self._buffer[:end]), self._buffer[end:]
            status = _STATUS.match(head.lstrip(b"\r\n"))
            self.has_status |= status is not None
            self.done = status is None or status[2][:1] != b"1"
            self._searched = 0
            self._informational += not self.done
            if self._informational > MAX_INFORMATIONAL:
                raise ValueError("too many informational responses")
            ready += strict(head)
        self.done = True
        ready += self._buffer
        self._buffer = bytearray()
        return ready

    def _end(self) -> int | None:
        """Where the head ends: after its first empty line."""
        start = self._searched or len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        ends = [
            at + len(mark)
            for mark in (b"\n\r\n", b"\n\n")
            if (at := self._buffer.find(mark, start)) >= 0
        ]
        if not ends and start < len(self._buffer):
            self._searched = max(start, len(self._buffer) - 2)
        return min(ends, default=None)


def speaks_tls(data: bytes) -> bool:
    """Whether an answer begins as a server's does that expects TLS."""
    return data.startswith(_TLS_RECORDS)


def strict(head: bytes) -> bytes:
    """The lines of the head that HTTP's grammar allows; unchanged if it is not an HTTP response."""
    lines = [line.rstrip(b"\r") for line in head.strip(b"\r\n").split(b"\n")]
    status = _STATUS.match(lines[0])
    if status is None:
        return head
    version = b"HTTP/1.1" if status[1].upper() == b"HTTP/1.1" else b"HTTP/1.0"
    allowed = [version + b" " + status[2] + b" -"]
    allowed += [name + b": " + value for name, value in _fields(lines[1:])]
    return b"\r\n".join(allowed) + b"\r\n\r\n"


def _may_be_http(data: bytearray) -> bool:
    """Whether an answer may still become an HTTP response."""
    begun = bytes(data[:64]).lstrip(b"\r\n")[:5].upper()
    return b"HTTP/".startswith(begun) or b"ICY ".startswith(begun[:4])


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """The header fields that are well formed; a folded line belongs to the one before it."""
    fields: list[tuple[bytes, list[bytes]]] = []
    usable = False
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if usable:
                fields[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        usable = bool(colon) and _NAME.fullmatch(name) is not None
        if usable:
            fields.append((name, [value]))
    joined = [(name, _CONTROL.sub(b" ", b" ".join(values)).strip()) for name, values in fields]
    return [(name, value) for name, value in joined if _makes_sense(name.lower(), value)]


def _makes_sense(name: bytes, value: bytes) -> bool:
    """False for a field about the body's length that says nothing."""
    if name == b"content-length":
        return all(part.strip().isdigit() for part in value.split(b","))
    return name != b"transfer-encoding" or value.lower() not in (b"", b"identity")
