"""What servers of media do that is out of the ordinary, and that browsers and curl read anyway.

A path is /quirk/MODE/NAME or /quirk/MODE:ARGUMENT/NAME, with any query to tell one test from
another. Each mode is a function in MODES; it writes raw bytes, since no HTTP library would.
"""

from __future__ import annotations

import gzip
import re
import socket
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import brotli

TAG, MODIFIED = '"tag-1"', "Wed, 01 Oct 2025 10:00:00 GMT"


class Exchange:
    """One request for a file, and what a mode needs to answer it."""

    def __init__(
        self, handler: BaseHTTPRequestHandler, file: Path, argument: str, number: int, state: State
    ) -> None:
        self.handler = handler
        self.path = handler.path
        self.name = file.name
        self.data = file.read_bytes() if file.is_file() else b""
        self.size = len(self.data)
        self.argument = argument
        self.number = number
        """How many requests for this very path there have been, this one included."""
        self.state = state
        match = re.fullmatch(r"bytes=(\d+)-", self.header("Range"))
        self.ranged = match is not None
        self.start = int(match[1]) if match else 0

    def header(self, name: str) -> str:
        """A header of the request; empty without it."""
        return str(self.handler.headers.get(name, ""))

    def send(self, head: str | bytes, body: bytes = b"") -> None:
        """A response whose head lines are separated by newlines; the connection ends after it."""
        text = head if isinstance(head, bytes) else head.encode()
        lines = text.replace(b"\n", b"\r\n")
        self.handler.wfile.write(lines + b"\r\nConnection: close\r\n\r\n" + body)
        self.handler.close_connection = True

    def status(self, code: int, body: bytes = b"no", *headers: str) -> None:
        """A short response."""
        length = f"Content-Length: {len(body)}"
        self.send("\n".join([f"HTTP/1.1 {code} X", length, *headers]), body)

    def whole(self, *headers: str, data: bytes | None = None) -> None:
        """All of the file, with 200."""
        data = self.data if data is None else data
        self.send("\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(data)}", *headers]), data)

    def part(self, *headers: str, tag: str = TAG, span: str | None = None) -> None:
        """What was asked for, with 206, and `span` as the Content-Range."""
        body = self.data[self.start :]
        span = span or f"bytes {self.start}-{self.size - 1}/{self.size}"
        lines = ["HTTP/1.1 206 P", f"Content-Length: {len(body)}", f"Content-Range: {span}"]
        lines += [f"ETag: {tag}"] if tag else []
        self.send("\n".join([*lines, *headers]), body)

    def good(self, *, if_range: bool = True) -> None:
        """As a server without quirks."""
        expected = self.header("If-Range")
        if self.ranged and not (if_range and expected and expected not in (TAG, MODIFIED)):
            self.part(f"Last-Modified: {MODIFIED}")
        else:
            self.whole(f"ETag: {TAG}", f"Last-Modified: {MODIFIED}")

    def cut(self, count: int) -> None:
        """The first `count` bytes of what was asked for, then a reset, however often."""
        body = self.data[self.start :] if self.ranged else self.data
        head = f"HTTP/1.1 200 OK\nContent-Length: {len(body)}\nETag: {TAG}"
        if self.ranged:
            span = f"bytes {self.start}-{self.size - 1}/{self.size}"
            head = head.replace("200 OK", "206 P") + f"\nContent-Range: {span}"
        self.send(head, body[:count])
        if count < len(body):
            time.sleep(0.05)  # else the reset overtakes the bytes
            self.reset()

    def reset(self) -> None:
        """Reset the connection."""
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()
        self.handler.close_connection = True


class State:
    """What the modes of a server remember between requests."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: Counter[str] = Counter()
        self.open: Counter[str] = Counter()


def answer(handler: BaseHTTPRequestHandler, folder: Path, state: State) -> None:
    """Answer a request for /quirk/MODE:ARGUMENT/NAME."""
    mode, _, name = handler.path.removeprefix("/quirk/").partition("/")
    mode, _, argument = mode.partition(":")
    with state.lock:
        state.requests[handler.path] += 1
        number = state.requests[handler.path]
    file = folder / name.partition("?")[0].rpartition("%20")[2]
    try:
        MODES[mode](Exchange(handler, file, argument, number, state))
    except OSError:  # the client has enough
        handler.close_connection = True


def _first(x: Exchange) -> None:
    """The first so many responses are another status: 503, 503x3 or 503,Retry-After."""
    code, _, after = x.argument.partition(",")
    code, _, times = code.partition("x")
    if x.number <= int(times or 1):
        if after.startswith("in"):
            after = formatdate(time.time() + int(after[2:]), usegmt=True)
        x.status(int(code), b"later", *([f"Retry-After: {after}"] if after else []))
    else:
        x.good()


def _first_reset(x: Exchange) -> None:
    x.reset() if x.number <= int(x.argument or 1) else x.good()


def _cut(x: Exchange) -> None:
    x.cut(int(x.argument))


def _cut_once(x: Exchange) -> None:
    x.cut(x.size // 2 if x.number == 1 else x.size)


def _cut_whole(x: Exchange) -> None:
    """A server without ranges that breaks off in the middle of the first responses."""
    x.ranged = False
    x.cut(x.size // 2 if x.number <= int(x.argument or 1) else x.size)


def _further(x: Exchange) -> None:
    """A server without ranges that breaks off a little later each time."""
    x.ranged = False
    x.cut(min(x.size, int(x.argument) * x.number))


def _closed_at_half(x: Exchange) -> None:
    x.send(f"HTTP/1.1 200 OK\nContent-Length: {x.size}", x.data[: x.size // 2])


def _reject(x: Exchange) -> None:
    """Any Range is refused with this status."""
    if x.header("Range"):
        x.status(int(x.argument), b"no ranges")
    else:
        x.whole()


def _span(x: Exchange) -> None:
    """A Content-Range in another form."""
    first, last = x.start, x.size - 1
    x.part(span={
        "caps": f"Bytes {first}-{last}/{x.size}", "equals": f"bytes={first}-{last}/{x.size}",
        "past": f"bytes {first}-{x.size}/{x.size}", "short": f"bytes {first}-{last - 1}/{x.size}",
        "bare": f"{first}-{last}/{x.size}", "spaced": f"bytes  {first} - {last} / {x.size}",
        "star": f"bytes {first}-{last}/*", "wrong": f"bytes 7-{last}/{x.size}",
        "nonsense": "bytes all",
    }[x.argument])  # fmt: skip


def _only_first(x: Exchange) -> None:
    """206 for bytes=0- only."""
    x.part() if x.ranged and x.start == 0 else x.whole(f"ETag: {TAG}")


def _block(x: Exchange) -> None:
    """Ranges begin at multiples of 1,000."""
    x.start -= x.start % 1000
    x.part() if x.ranged else x.whole()


def _if_range_whole(x: Exchange) -> None:
    """Any If-Range is answered with the whole file."""
    x.whole(f"ETag: {TAG}") if x.header("If-Range") else x.good(if_range=False)


def _etag_node(x: Exchange) -> None:
    x.part(tag=f'"node-{x.number}"')


def _etag_node_strict(x: Exchange) -> None:
    """Another ETag each time, and If-Range compared with it."""
    x.part(tag=f'"n-{x.number}"') if not x.header("If-Range") else x.whole(f'ETag: "n-{x.number}"')


def _modified_node(x: Exchange) -> None:
    x.part(f"Last-Modified: {formatdate(time.time() + 100 * x.number, usegmt=True)}", tag="")


def _both_change(x: Exchange) -> None:
    x.part(f"Last-Modified: {formatdate(100 * x.number, usegmt=True)}", tag=f'"{x.number}"')


def _grows(x: Exchange) -> None:
    """The file is a byte longer with each request."""
    x.data += b"x" * x.number
    x.size = len(x.data)
    x.part(tag="")


def _one_connection(x: Exchange) -> None:
    """One connection at a time for a path, else this status."""
    with x.state.lock:
        busy = x.state.open[x.path]
        x.state.open[x.path] += 1
    try:
        if busy:
            x.status(int(x.argument), b"one connection only")
            return
        body = x.data[x.start :]
        x.send(
            f"HTTP/1.1 206 P\nContent-Length: {len(body)}\n"
            f"Content-Range: bytes {x.start}-{x.size - 1}/{x.size}"
        )
        for at in range(0, len(body), 65536):
            x.handler.wfile.write(body[at : at + 65536])
    finally:
        with x.state.lock:
            x.state.open[x.path] -= 1


def _once(x: Exchange) -> None:
    """A link that is good for one use."""
    x.good() if x.number == 1 else x.status(int(x.argument), b"used up")


def _zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return bytes(zstd.compress(data))


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=-15)
    return packer.compress(data) + packer.flush()


def _encoded(x: Exchange) -> None:
    name, data = {
        "gzip": ("gzip", gzip.compress(x.data, 1)), "raw": ("deflate", _raw_deflate(x.data)),
        "deflate": ("deflate", zlib.compress(x.data, 1)), "lie": ("gzip", x.data),
        "br": ("br", brotli.compress(x.data, quality=1)), "zstd": ("zstd", _zstd(x.data)),
        "compress": ("compress", x.data), "none": ("none", x.data),
    }[x.argument]  # fmt: skip
    x.whole(f"Content-Encoding: {name}", data=data)


def _encoded_part(x: Exchange) -> None:
    """A range of the encoded bytes."""
    x.data = gzip.compress(x.data, 1)
    x.size = len(x.data)
    x.part("Content-Encoding: gzip") if x.ranged else x.whole("Content-Encoding: gzip")


def _bomb(x: Exchange) -> None:
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(10**6)) for _ in range(int(x.argument)))
    x.whole("Content-Encoding: gzip", data=data + packer.flush())


def _cookie(x: Exchange) -> None:
    """A cookie is set by a redirect to itself, and wanted with the next request."""
    if "ok=1" in x.header("Cookie"):
        x.good()
    else:
        x.status(302, b"", f"Location: {x.path}", "Set-Cookie: ok=1; Path=/; HttpOnly")


def _hops(x: Exchange) -> None:
    count = int(x.argument)
    if count:
        x.status(302, b"", f"Location: /quirk/hops:{count - 1}/{x.name}")
    else:
        x.good()


def _location(x: Exchange) -> None:
    """A Location that is not well formed."""
    x.status(302, b"", "Location: " + {
        "space": f"/quirk/good/a b {x.name}", "utf8": f"/quirk/good/é {x.name}",
        "backslash": f"\\quirk\\good\\{x.name}", "padded": f"  /quirk/good/{x.name}  ",
        "relative": f"../good/{x.name}", "fragment": f"/quirk/good/{x.name}#t=1",
    }[x.argument])  # fmt: skip


def _head(x: Exchange) -> None:
    """A head that is not strict HTTP."""
    length = f"Content-Length: {x.size}"
    lines = {
        "bad": f"HTTP/1.1 200 OK\nX Bad: x\n{length}",
        "space": f"HTTP/1.1 200 OK\nContent-Type : video/mp4\n{length}",
        "nocolon": f"HTTP/1.1 200 OK\nnothing here\n{length}", "icy": "ICY 200 OK\nicy-name: x",
        "control": f"HTTP/1.1 200 OK\nX: \x01\x02\n{length}",
        "lower": f"http/1.1 200 ok\n{length}", "identity": f"HTTP/1.1 200 OK\n"
        f"Transfer-Encoding: identity\n{length}",
        "early": f"HTTP/1.1 103 Early Hints\nX Bad: y\n\nHTTP/1.1 200 OK\n{length}",
        "nolength": "HTTP/1.1 200 OK",
    }[x.argument]  # fmt: skip
    x.send(lines, x.data)


def _later(x: Exchange) -> None:
    """Another redirect with the second request: after a failure, a refusal, a cookie or a cut."""
    mode, _, target = x.argument.partition(",")
    if x.number > 1:
        x.status(302, b"", f"Location: {unquote(target)}")
    elif mode == "retry":
        x.status(503)
    elif mode == "unranged":
        x.status(416)
    elif mode == "cookie":
        x.status(302, b"", f"Location: {x.path}", "Set-Cookie: a=b")
    else:
        x.cut(x.size // 2)


def _no_span(x: Exchange) -> None:
    """206 with everything and without a Content-Range."""
    x.send(f"HTTP/1.1 206 P\nContent-Length: {x.size}", x.data)


def _agent(x: Exchange) -> None:
    expected = "Mozilla/5.0" in x.header("User-Agent") and "*/*" in x.header("Accept")
    x.good() if expected else x.status(403, b"<html>bot</html>")


def _referer(x: Exchange) -> None:
    x.good() if x.header("Referer") else x.status(403, b"hotlink")


def _say(x: Exchange) -> None:
    """A page in place of the file, with this status."""
    code, _, what = x.argument.partition(",")
    x.status(int(code), PAGES[what], "Content-Type: text/html")


PAGES = {
    "login": b"<!DOCTYPE html><html><head><title>Sign in &lt;b&gt;</title></head></html>",
    "drive": b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>",
    "json": b'{"error":"not found","code":404}',
    "xml": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "html": b"<html><h1>no</h1></html>",
}

MODES: dict[str, Callable[[Exchange], None]] = {
    "good": lambda x: x.good(), "first": _first, "reset": _first_reset, "cut": _cut,
    "cutonce": _cut_once, "cutwhole": _cut_whole, "closed": _closed_at_half, "further": _further,
    "reject": _reject,
    "span": _span, "nospan": _no_span, "only0": _only_first, "block": _block,
    "ifrange": _if_range_whole, "etag": _etag_node, "etagstrict": _etag_node_strict,
    "modified": _modified_node, "both": _both_change, "grows": _grows,
    "oneconn": _one_connection, "once": _once, "encoded": _encoded, "encodedpart": _encoded_part,
    "bomb": _bomb, "cookie": _cookie, "hops": _hops, "location": _location, "head": _head,
    "later": _later, "agent": _agent, "referer": _referer, "say": _say,
}  # fmt: skip
