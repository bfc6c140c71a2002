"""Connections to the servers of sources: to addresses that were checked, within limits of time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import httpcore

from lib.media import address, urls
from lib.media.errors import Canceled, connection_reason
from lib.media.fetch import source_errors
from lib.media.fetch.http_head import HeadReader, speaks_tls

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
POLL_SECONDS = 0.25
LOOKUPS = threading.BoundedSemaphore(32)
"""Look-ups of names at once. One that hangs can't be stopped and keeps its thread for a while."""

Result = TypeVar("Result")


class Pace(NamedTuple):
    """The least that a server must send: on average over the last `grace` seconds of waiting."""

    bytes_per_second: int = 4096
    grace: float = 30.0


SLOWEST = Pace()


class Watch:
    """The time left to wait for a server, its pace, and whether its file is still wanted."""

    def __init__(self, seconds: float, canceled: Callable[[], bool], pace: Pace) -> None:
        self._seconds = seconds
        self._canceled = canceled
        self._pace = pace
        self._waited = 0.0
        self._rested = 0.0
        """Seconds between tries, which count as time but not for the pace."""
        self._received: deque[tuple[float, int]] = deque()
        """How long had been waited when how many bytes came, in the last `grace` seconds."""
        self._recent = 0
        """Their sum."""
        self._stopped = False

    @property
    def left(self) -> float:
        """Seconds of waiting that are left."""
        return self._seconds - self._waited - self._rested

    def stop(self) -> None:
        """End all waiting."""
        self._stopped = True

    def check(self) -> None:
        """Raises Canceled when the file is not wanted any more."""
        if self._stopped or self._canceled():
            raise Canceled

    def wait(self, step: Callable[[float], Result], seconds: float) -> Result:
        """What `step` gives, let wait at most `seconds` and what is left; only this time counts.

        Raises Canceled, MediaError when none is left or the server is too slow, and what `step`
        raises.
        """
        self.check()
        left = self.left
        if left <= 0:
            raise source_errors.too_slow(
                f"the file did not arrive within {self._seconds:.0f} seconds"
            )
        self._check_pace()
        began = time.monotonic()
        try:
            return step(min(seconds, left))
        finally:
            self._waited += time.monotonic() - began

    def rest(self, seconds: float) -> None:
        """Let time pass before a server is asked again. Raises Canceled."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, POLL_SECONDS))
        self._rested += seconds

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
            raise source_errors.too_slow(
                f"it sent less than {least} bytes a second for {grace:.0f} seconds"
            )


@cache
def tls_context() -> ssl.SSLContext:
    """Created once: it reads hundreds of certificates."""
    return httpcore.default_ssl_context()


@contextmanager
def translated(backend: Backend) -> Iterator[None]:
    """Turn what goes wrong on the wire into what a caller reads."""
    try:
        yield
    except _NotPublic:
        raise source_errors.not_public() from None
    except _TlsTimeout:
        raise source_errors.tls_timeout() from None
    except _ExpectsTls:
        raise source_errors.expects_tls() from None
    except httpcore.TimeoutException as error:
        connecting = isinstance(error, httpcore.ConnectTimeout)
        raise source_errors.no_answer(connecting=connecting) from None
    except httpcore.ProtocolError:
        if backend.head_read:
            raise source_errors.broke_off() from None
        raise source_errors.no_http(answered=backend.answered) from None
    except (httpcore.NetworkError, OSError) as error:
        raise _network_error(error) from None


def _network_error(error: BaseException) -> source_errors.SourceError:
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, ssl.SSLError):
            return source_errors.tls(each)
        if isinstance(each, socket.gaierror):
            return source_errors.not_found(retry=each.errno == socket.EAI_AGAIN)
        each = each.__cause__ or each.__context__
    match connection_reason(error):
        case "refused":
            return source_errors.refused()
        case "reset":
            return source_errors.reset()
        case "unreachable":
            return source_errors.unreachable()
        case _:
            return source_errors.broke_off()


class _NotPublic(Exception):
    """The name leads to an address that is not public."""


class _ExpectsTls(Exception):
    """An http:// URL names a port of https."""


class _TlsTimeout(Exception):
    """The TLS handshake got no answer."""


def look_up(host: str, port: int, watch: Watch) -> list[str]:
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
            answers.append(socket.gaierror(socket.EAI_NONAME, "the name is not well formed"))
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


class Backend(httpcore.NetworkBackend):
    """Connects to addresses it has checked, and to no other. For one request."""

    def __init__(self, allow: Sequence[str], watch: Watch) -> None:
        self._allow = allow
        self._watch = watch
        self._real = httpcore.SyncBackend()
        self.answered = False
        """Whether anything came."""
        self.head_read = False
        """Whether the head of a response came."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As the interface says; TLS goes on to verify the host's name, not the address."""
        addresses = look_up(host.strip("[]"), port, self._watch)
        allowed = urls.endpoint(host, port) in map(urls.allowed, self._allow)
        if not allowed and not all(map(address.is_public, addresses)):
            raise _NotPublic
        for number, each in enumerate(addresses, 1):
            try:
                stream = self._watch.wait(
                    partial(self._real.connect_tcp, each, port), timeout or CONNECT_SECONDS
                )
                return _Stream(stream, self._watch, self)
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

    def __init__(
        self, real: httpcore.NetworkStream, watch: Watch, backend: Backend, *, secure: bool = False
    ) -> None:
        self._real = real
        self._watch = watch
        self._backend = backend
        self._secure = secure
        self._head = HeadReader()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the interface says, checking now and then; the head of a response comes strict."""
        while True:
            data = self._read(max_bytes, timeout)
            if self._head.done:
                return data
            if not self._secure and not self._backend.answered and speaks_tls(data):
                raise _ExpectsTls
            self._backend.answered |= bool(data)
            try:
                ready = self._head.feed(data)
            except ValueError as error:
                raise httpcore.RemoteProtocolError(str(error)) from None
            if self._head.has_status:
                self._backend.head_read = True
            if ready or not data:
                return ready

    def _read(self, max_bytes: int, timeout: float | None) -> bytes:
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
        try:
            stream = self._watch.wait(start, timeout or CONNECT_SECONDS)
        except httpcore.ConnectTimeout:
            raise _TlsTimeout from None
        return _Stream(stream, self._watch, self._backend, secure=True)

    def get_extra_info(self, info: str) -> Any:
        """As the interface says."""
        return self._real.get_extra_info(info)
