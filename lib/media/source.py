"""Fetching inputs by URL: by us, never by ffmpeg, from public addresses only.

The address is checked where it counts: a name is resolved once, every address it gives must be
public, and the connection goes to the very address that was checked. Redirects are followed here,
each hop under the same rules. Where its server answers with ranges, a file can be read from any
place, and every such request obeys them too.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urljoin, urlunsplit

import httpcore

from lib.media import address
from lib.media.errors import Canceled, MediaError, connection_reason, status_reason
from lib.media.ranges import broke_off, never

MAX_HOPS = 5
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
POLL_SECONDS = 0.25
LOOKUPS = threading.BoundedSemaphore(32)
"""Look-ups of names at once. One that hangs can't be stopped and keeps its thread for a while."""

Result = TypeVar("Result")


class Fetched(NamedTuple):
    """A file that was fetched."""

    size: int
    sha256: str


class Pace(NamedTuple):
    """The least that a server must send: on average over the last `grace` seconds of waiting."""

    bytes_per_second: int = 4096
    grace: float = 30.0


SLOWEST = Pace()


class _NotPublic(Exception):
    """The name leads to an address that is not public."""


def fetch(
    url: str,
    destination: Path,
    *,
    max_bytes: int,
    seconds: float,
    allow: Sequence[str] = (),
    cancelled: Callable[[], bool] = never,
    pace: Pace = SLOWEST,
) -> Fetched:
    """Fetch `url` into `destination`. Raises MediaError, Canceled.

    `allow` are host:port entries of the operator's that need not be public. `seconds` are for all
    the waiting for the server. Categories: validation for an address that is refused or answers
    4xx, file_size past `max_bytes`, upload for a server that can't be reached, fails, is too slow
    or breaks off.
    """
    with closing(_follow(url, (), allow, _Watch(seconds, cancelled, pace))) as answer:
        _expect(answer.status, 200)
        _check_size(answer.stated_length, max_bytes)
        return _save(answer.body(), destination, max_bytes)


def open_url(
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    allow: Sequence[str] = (),
    canceled: Callable[[], bool] = never,
    pace: Pace = SLOWEST,
) -> Remote:
    """Ask for the file at `url`, to be read from any place if its server can. To be closed.

    The limits are those of `fetch`, `seconds` until the file is closed. Raises as `fetch`.
    """
    watch = _Watch(seconds, canceled, pace)
    answer = _follow(url, [("Range", "bytes=0-")], allow, watch)
    try:
        return Remote(url, answer, max_bytes, allow, watch)
    except BaseException:
        answer.close()
        raise


class Remote:
    """A file on somebody's server; `open_url` makes it. One thread at a time may read it."""

    size: int | None
    """In bytes; None when the server does not tell."""
    ranged: bool
    """Whether it can be read from any place, else only once and from its start."""

    def __init__(
        self, url: str, first: _Answer, max_bytes: int, allow: Sequence[str], watch: _Watch
    ) -> None:
        self.size, self.ranged = _extent(first)
        _check_size(self.size, max_bytes)
        self._urls = (first.url, url)
        self._first: _Answer | None = first
        self._validator = first.validator
        self._max_bytes = max_bytes
        self._allow = allow
        self._watch = watch

    @contextmanager
    def open(self, offset: int) -> Iterator[Iterator[bytes]]:
        """The bytes from `offset` on to the end: an Opener. The first one of 0 asks nothing anew.

        Their iterator raises as `fetch`, and MediaError (upload) when the file is not what it was
        at first.
        """
        with closing(self._body(offset)) as body:
            yield body

    def save(self, destination: Path) -> Fetched:
        """Bring the whole file into `destination`. Raises as `fetch`."""
        with self.open(0) as body:
            return _save(body, destination, self._max_bytes)

    def close(self) -> None:
        """Read no more; who is reading in another thread gets Canceled."""
        self._watch.stop()
        if self._first:
            self._first.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _body(self, offset: int) -> Generator[bytes, None, None]:
        while offset != self.size:
            with closing(self._answer(offset)) as answer:
                end = answer.part.end if self.ranged and answer.part else None
                for data in answer.body():
                    offset += len(data)
                    if end is not None and offset > end:
                        raise broke_off()
                    yield data
            if end is None:
                return
            if offset < end:
                raise broke_off()
            # A server may answer with less than it was asked for: the rest is the next answer's.

    def _answer(self, offset: int) -> _Answer:
        """The answer whose body begins at `offset`."""
        if offset == 0 and self._first:
            first, self._first = self._first, None
            return first
        headers = [("Range", f"bytes={offset}-")]
        if self._validator and not self._validator[1].startswith(b"W/"):
            headers.append(("If-Range", self._validator[1].decode("latin-1")))
        # What a redirect led to may have expired before the address that gave it.
        for url in dict.fromkeys(self._urls):
            answer = _follow(url, headers, self._allow, self._watch)
            if answer.status not in (401, 403, 404, 410):
                break
            answer.close()
        try:
            self._check_same(answer, offset)
        except BaseException:
            answer.close()
            raise
        return answer

    def _check_same(self, answer: _Answer, offset: int) -> None:
        """Raises MediaError unless it is a part, from `offset`, of what the file was at first."""
        _expect(answer.status, 200, 206, 416)
        part = answer.part
        name, value = self._validator or (b"", b"")
        same = answer.headers.get(name, value) == value
        if answer.status != 206 or part is None or part.total != self.size or not same:
            raise MediaError(
                "upload",
                "The input's file changed while it was read from its server. Send the job again"
                " when the file stays as it is.",
                "changed",
            )
        if part.start != offset:
            raise broke_off()


class _Part(NamedTuple):
    """What a Content-Range states: bytes [start, end) of `total`, which may be unknown."""

    start: int
    end: int
    total: int | None


class _Answer:
    """The answer to one request; its body is still to be read. To be closed."""

    def __init__(
        self, url: str, headers: Sequence[tuple[str, str]], allow: Sequence[str], watch: _Watch
    ) -> None:
        self.url = url
        target = _target(url, allow)
        with _translated(), ExitStack() as stack:
            pool = httpcore.ConnectionPool(
                _tls(), network_backend=_Backend(allow, watch), max_connections=1, retries=0
            )
            stack.enter_context(pool)
            self._response = stack.enter_context(
                pool.stream(
                    "GET",
                    target,
                    headers=[*_HEADERS, *headers],
                    extensions={"timeout": _TIMEOUTS},
                )
            )
            self._open = stack.pop_all()
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.headers}

    @property
    def leads_to(self) -> str | None:
        """The address it redirects to. Raises MediaError when that is none."""
        if self.status not in (301, 302, 303, 307, 308) or b"location" not in self.headers:
            return None
        try:
            return urljoin(self.url, self.headers[b"location"].decode("utf-8", "replace"))
        except ValueError:
            raise MediaError(
                "validation",
                "The input's URL redirects to an address that is not well formed.",
                "redirect",
            ) from None

    @property
    def stated_length(self) -> int | None:
        """Of the body, in bytes."""
        stated = self.headers.get(b"content-length", b"")
        return int(stated) if stated.isdigit() and len(stated) < 19 else None

    @property
    def part(self) -> _Part | None:
        """What part of the file the body is, if that is stated and makes sense."""
        stated = self.headers.get(b"content-range", b"").decode("latin-1")
        match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", stated, re.ASCII)
        if match is None:
            return None
        total = None if match[3] == "*" else int(match[3])
        part = _Part(int(match[1]), int(match[2]) + 1, total)
        sensible = part.start < part.end and (total is None or part.end <= total)
        return part if sensible else None

    @property
    def validator(self) -> tuple[bytes, bytes] | None:
        """The header that tells one state of the file from another, the best there is."""
        tag = self.headers.get(b"etag", b"")
        modified = self.headers.get(b"last-modified", b"")
        if modified and (not tag or tag.startswith(b"W/")):
            return b"last-modified", modified
        return (b"etag", tag) if tag else None

    def body(self) -> Iterator[bytes]:
        """The body as it comes. Raises MediaError, Canceled."""
        with _translated():
            yield from self._response.iter_stream()

    def close(self) -> None:
        """End the connection."""
        self._open.close()


def _follow(
    url: str, headers: Sequence[tuple[str, str]], allow: Sequence[str], watch: _Watch
) -> _Answer:
    """The first answer that is no redirect. Raises MediaError, Canceled."""
    for _ in range(MAX_HOPS + 1):
        answer = _Answer(url, headers, allow, watch)
        try:
            target = answer.leads_to
        except MediaError:
            answer.close()
            raise
        if target is None:
            return answer
        answer.close()
        url = target
    raise MediaError(
        "validation", f"The input's URL redirects more than {MAX_HOPS} times.", "redirects"
    )


def _extent(first: _Answer) -> tuple[int | None, bool]:
    """Size and whether there are ranges, by the answer to a request of all bytes as a range."""
    if first.status == 416 and first.headers.get(b"content-range", _EMPTY) == _EMPTY:
        return 0, False
    _expect(first.status, 200, 206)
    if first.status == 200:
        return first.stated_length, False
    part = first.part
    if part is None or part.start != 0:
        raise MediaError(
            "upload",
            "The input's server answered with another part of the file than was asked for. Upload"
            " the file instead, or use another server.",
            "wrong_range",
        )
    if part.total is None or first.stated_length not in (None, part.end):
        return None, False
    return part.total, True


_EMPTY = b"bytes */0"
_HEADERS = [("User-Agent", "ffmpeg-micro"), ("Accept", "*/*"), ("Accept-Encoding", "identity")]
_TIMEOUTS = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS}


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it reads hundreds of certificates."""
    return httpcore.default_ssl_context()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what goes wrong on the wire into what a caller is told."""
    try:
        yield
    except _NotPublic:
        raise MediaError(
            "validation",
            "The input's URL leads to an address that is not public. Use a public http(s) URL, or"
            " upload the file.",
            "not_public",
        ) from None
    except httpcore.TimeoutException as error:
        connecting = isinstance(error, httpcore.ConnectTimeout)
        raise _too_slow(
            "it did not answer, or sent nothing, for too long",
            "connect_timeout" if connecting else "slow",
        ) from None
    except httpcore.ProtocolError:
        raise broke_off("protocol") from None
    except (httpcore.NetworkError, OSError) as error:
        raise broke_off(connection_reason(error)) from None


def _target(url: str, allow: Sequence[str]) -> httpcore.URL:
    """The address as it is asked for. Raises MediaError when it breaks a rule."""
    try:
        parts = address.split(url, allow)
        return httpcore.URL(
            scheme=parts.scheme.lower(),
            host=_ascii_host(parts.hostname or ""),
            port=parts.port,
            target=quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), _KEPT),
        )
    except ValueError as error:
        raise MediaError("validation", f"The input's URL is refused: {error}", "url") from None


_KEPT = "%/:=&?~+!$,;'@()*[]"
"""What quoting leaves in a path and query as it is."""


def _ascii_host(host: str) -> str:
    """The name as DNS knows it. Raises ValueError."""
    if ":" in host:  # an IPv6 address
        return f"[{host}]"
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("its host is not well formed.") from None


def _save(body: Iterable[bytes], destination: Path, max_bytes: int) -> Fetched:
    """The body, counted as it comes: what the server states of its length is not trusted."""
    digest = hashlib.sha256()
    size = 0
    with destination.open("wb") as file:
        for chunk in body:
            size += len(chunk)
            _check_size(size, max_bytes)
            digest.update(chunk)
            file.write(chunk)
    return Fetched(size, digest.hexdigest())


def _check_size(size: int | None, max_bytes: int) -> None:
    """Raises MediaError for one that is known and too large."""
    if size is not None and size > max_bytes:
        raise MediaError(
            "file_size",
            f"The input is larger than the {max_bytes} bytes that your plan takes. Send a smaller"
            " file or upgrade the plan.",
            "input_bytes",
        )


def _expect(status: int, *accepted: int) -> None:
    if status >= 500:
        raise MediaError(
            "upload",
            f"The input's server answered {status}. Try again when it works.",
            status_reason(status),
        )
    if status not in accepted:
        raise MediaError(
            "validation",
            f"The input's server answered {status}. Check that the URL opens without a login and"
            " has not expired.",
            status_reason(status),
        )


def _too_slow(what: str, reason: str = "slow") -> MediaError:
    return MediaError(
        "upload",
        f"The input's server was too slow: {what}. Upload the file instead, or use a faster"
        " server.",
        reason,
    )


class _Watch:
    """The time left to wait for a server, its pace, and whether its file is still wanted."""

    def __init__(self, seconds: float, canceled: Callable[[], bool], pace: Pace) -> None:
        self._seconds = seconds
        self._canceled = canceled
        self._pace = pace
        self._waited = 0.0
        self._received: deque[tuple[float, int]] = deque()
        """How long had been waited when how many bytes came, in the last `grace` seconds."""
        self._recent = 0
        """Their sum."""
        self._stopped = False

    def stop(self) -> None:
        """End all waiting."""
        self._stopped = True

    def wait(self, step: Callable[[float], Result], seconds: float) -> Result:
        """What `step` gives, let wait at most `seconds` and what is left; only this time counts.

        Raises Canceled, MediaError when none is left or the server is too slow, and what `step`
        raises.
        """
        if self._stopped or self._canceled():
            raise Canceled
        left = self._seconds - self._waited
        if left <= 0:
            raise _too_slow(f"the file did not arrive within {self._seconds:.0f} seconds")
        self._check_pace()
        began = time.monotonic()
        try:
            return step(min(seconds, left))
        finally:
            self._waited += time.monotonic() - began

    def receive(self, count: int) -> None:
        """Note that bytes have come."""
        self._received.append((self._waited, count))
        self._recent += count

    def _check_pace(self) -> None:
        least, grace = self._pace
        if self._waited < grace:
            return
        while self._received and self._received[0][0] < self._waited - grace:
            self._recent -= self._received.popleft()[1]
        if self._recent < least * grace:
            raise _too_slow(f"it sent less than {least} bytes a second for {grace:.0f} seconds")


def _look_up(host: str, port: int, watch: _Watch) -> list[str]:
    """The addresses of a name. Raises OSError, httpcore.ConnectTimeout, and as `watch.wait`.

    In a thread of its own, since the system's look-up can hang and has no time limit.
    """
    answers: list[list[str] | OSError] = []
    done = threading.Event()

    def look() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except OSError as error:
            answers.append(error)
        except ValueError:
            answers.append(OSError("the name is not well formed"))
        finally:
            LOOKUPS.release()
            done.set()

    end = time.monotonic() + CONNECT_SECONDS
    while not watch.wait(lambda seconds: LOOKUPS.acquire(timeout=seconds), POLL_SECONDS):
        if time.monotonic() > end:
            raise httpcore.ConnectTimeout
    threading.Thread(target=look, name="look-up", daemon=True).start()
    while not watch.wait(done.wait, POLL_SECONDS):
        if time.monotonic() > end:
            raise httpcore.ConnectTimeout
    answer = answers[0]
    if isinstance(answer, OSError):
        raise answer
    return answer


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses it has checked, and to no other."""

    def __init__(self, allow: Sequence[str], watch: _Watch) -> None:
        self._allow = allow
        self._watch = watch
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As the interface says; TLS goes on to verify the host's name, not the address."""
        addresses = _look_up(host.strip("[]"), port, self._watch)
        if f"{host}:{port}" not in self._allow and not all(map(address.is_public, addresses)):
            raise _NotPublic
        for number, each in enumerate(addresses, 1):
            try:
                stream = self._watch.wait(
                    partial(self._real.connect_tcp, each, port), timeout or CONNECT_SECONDS
                )
                return _Stream(stream, self._watch)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError("the name has no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: no URL names a socket."""
        raise _NotPublic


class _Stream(httpcore.NetworkStream):
    """A connection that ends with its fetch's time, however the bytes (or headers) drip."""

    def __init__(self, real: httpcore.NetworkStream, watch: _Watch) -> None:
        self._real = real
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the interface says, looking up every now and then."""
        idle_end = time.monotonic() + (timeout or IDLE_SECONDS)
        while True:
            try:
                data = self._watch.wait(partial(self._real.read, max_bytes), POLL_SECONDS)
                self._watch.receive(len(data))
                return data
            except httpcore.ReadTimeout:
                if time.monotonic() > idle_end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the interface says."""
        self._watch.wait(partial(self._real.write, buffer), timeout or IDLE_SECONDS)

    def close(self) -> None:
        """As the interface says."""
        self._real.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """As the interface says."""
        start = partial(self._real.start_tls, ssl_context, server_hostname)
        return _Stream(self._watch.wait(start, timeout or CONNECT_SECONDS), self._watch)

    def get_extra_info(self, info: str) -> Any:
        """As the interface says."""
        return self._real.get_extra_info(info)
