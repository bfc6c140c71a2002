"""Each way in which a server fails has a sentence of its own, and is retried where that helps."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from lib.media.errors import MediaError
from lib.media.fetch import connection
from lib.media.fetch.retries import Patience
from lib.media.fetch.source import open_url
from lib.media.fetch.source_errors import MAX_RETRY_AFTER, seconds_to_wait, status_error
from tests.rigs.media.certificates import certificate
from tests.rigs.media.fetching import answering, closed_port, resetting
from tests.rigs.sources import SourceServer

NOW = datetime(2026, 11, 27, 12, 0, 0, 500_000, tzinfo=UTC)
TWICE = Patience(failures=2, pause=0.01)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0), ("1", 1), (" 7 ", 7), (f"{MAX_RETRY_AFTER:.0f}", MAX_RETRY_AFTER),
        (f"{MAX_RETRY_AFTER + 1:.0f}", MAX_RETRY_AFTER), ("9" * 5000, MAX_RETRY_AFTER),
        (format_datetime(NOW + timedelta(seconds=5), usegmt=True), 4.5),
        (format_datetime(NOW - timedelta(seconds=5), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=5), usegmt=True), MAX_RETRY_AFTER),
        ("Fri, 27 Nov 2026 12:00:03 -0000", 2.5), ("", 0), ("soon", 0), ("-1", 0), ("1.5", 0),
        ("\u0663", 0), ("Fri, 99 Nov 2026 12:00:03 GMT", 0), ("x" * 5000, 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_and_bounded(header: str, seconds: float) -> None:
    assert seconds_to_wait(header, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("status", "retry"),
    [(408, True), (429, True), (500, True), (502, True), (503, True), (504, True), (520, True),
     (501, False), (505, False), (400, False), (401, False), (404, False), (410, False),
     (451, False), (204, False), (304, False)],
)  # fmt: skip
def test_which_statuses_are_tried_again(status: int, retry: bool) -> None:
    error = status_error(status, "3", NOW)
    assert error.retry is retry
    assert error.wait == (3 if retry else 0)
    assert str(status) in str(error)


def said(url: str, *, allow: str = "") -> tuple[str, str]:
    """The sentence and the reason for a source that can't be read."""
    host = allow or url.split("/")[2]
    with pytest.raises(MediaError) as error:
        open_url(url, max_bytes=10**6, seconds=20, allow=(host,), patience=TWICE)
    assert error.value.category == "upload"
    return str(error.value), error.value.reason


def test_a_name_that_does_not_exist() -> None:
    sentence, reason = said("https://no-such-host.invalid/a.mp4")
    assert reason == "dns"
    assert "name of the input's server" in sentence
    assert "(DNS)" in sentence


def test_a_look_up_that_fails_for_a_moment_is_tried_again(
    sources: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sources.folder / "dns.bin").write_bytes(b"here")
    real, request = socket.getaddrinfo, []

    def flaky(*arguments: object, **names: object) -> object:
        request.append(arguments)
        if len(request) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(*arguments, **names)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", flaky)
    open_url(
        sources.url("dns.bin"), max_bytes=10, seconds=20, patience=TWICE,
        allow=(f"127.0.0.1:{sources.port}",),
    ).close()  # fmt: skip
    assert len(request) > 1


def test_a_connection_that_is_refused() -> None:
    sentence, reason = said(f"http://127.0.0.1:{closed_port()}/")
    assert reason == "refused"
    assert "refused the connection twice within 1 s" in sentence


def test_a_connection_that_is_reset() -> None:
    with resetting() as port:
        sentence, reason = said(f"http://127.0.0.1:{port}/")
    assert reason == "reset"
    assert "reset the connection twice" in sentence


def test_a_server_that_closes_without_a_word() -> None:
    with answering() as port:
        sentence, reason = said(f"http://127.0.0.1:{port}/")
    assert reason == "protocol"
    assert "closed the connection twice" in sentence


def test_a_server_that_speaks_something_else() -> None:
    with answering(b"SSH-2.0-x\r\n") as port:
        sentence, reason = said(f"http://127.0.0.1:{port}/")
    assert reason == "protocol"
    assert "not HTTP" in sentence


def test_https_of_a_port_of_http() -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        sentence, reason = said(f"https://127.0.0.1:{port}/")
    assert reason == "tls"
    assert "does not speak TLS (https) on this port" in sentence


def test_https_of_a_port_that_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    monkeypatch.setitem(connection_timeouts(), "connect", 0.3)
    with answering(b"", pause=20) as port:
        sentence, reason = said(f"https://127.0.0.1:{port}/")
    assert reason == "tls"
    assert "did not answer the TLS (https) handshake" in sentence


def connection_timeouts() -> dict[str, float]:
    """The timeouts of a request."""
    from lib.media.fetch import responses

    return responses._TIMEOUTS


def test_http_of_a_port_of_https() -> None:
    with answering(b"\x15\x03\x01\x00\x02\x02\x46") as port:
        sentence, reason = said(f"http://127.0.0.1:{port}/")
    assert reason == "tls"
    assert "expects https" in sentence


@contextmanager
def tls_server(pair: Path) -> Iterator[int]:
    """A port of https with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(accepted, server_side=True).close()
            except OSError:
                accepted.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("name", "days", "trusted", "says"),
    [
        ("localhost", 1, False, "a self-signed TLS certificate"),
        ("localhost", -1, True, "a TLS certificate that has expired"),
        ("other.example", 1, True, "a TLS certificate for another host name"),
    ],
)
def test_what_is_wrong_with_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, trusted: bool, says: str
) -> None:
    pair = certificate(tmp_path, name=name, days=days)
    if trusted:
        context = ssl.create_default_context(cafile=str(pair))
        monkeypatch.setattr("lib.media.fetch.responses.tls_context", lambda: context)
    with tls_server(pair) as port:
        sentence, reason = said(f"https://localhost:{port}/")
    assert reason == "tls"
    assert says in sentence
    assert "within" not in sentence  # it is not tried again


def test_an_operator_can_allow_an_ipv6_address(sources: SourceServer, tmp_path: Path) -> None:
    """[::1]:port in SOURCE_ALLOW lets that address and port be read, and no other."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = listener.getsockname()[1]

    def serve() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        url = f"http://[0:0:0::1]:{port}/a"
        with open_url(url, max_bytes=9, seconds=20, allow=(f"[::1]:{port}",)) as remote:
            assert remote.save(tmp_path / "o").size == 3
        thread.join(20)
        for refused in (f"http://[::1]:{port + 1}/", f"http://[::2]:{port}/"):
            with pytest.raises(MediaError, match="not public"):
                open_url(refused, max_bytes=9, seconds=20, allow=(f"[::1]:{port}",))
