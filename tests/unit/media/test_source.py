"""Fetching from servers that are honest, wrong, slow and hostile."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.media.errors import Canceled, MediaError
from lib.media.source import Fetched, fetch, is_public
from tests.sources import SourceServer


def get(
    url: str,
    folder: Path,
    *,
    max_bytes: int = 10**6,
    seconds: float = 10,
    allow: tuple[str, ...] = (),
) -> Fetched:
    """Fetch into a folder."""
    return fetch(
        url, folder / "input0", max_bytes=max_bytes, seconds=seconds, allow=allow,
        cancelled=lambda: False,
    )  # fmt: skip


def refused(url: str, folder: Path, **limits: object) -> MediaError:
    """The error of a fetch that must fail."""
    with pytest.raises(MediaError) as error:
        get(url, folder, **limits)  # type: ignore[arg-type]
    assert "token=" not in str(error.value)
    assert "127.0.0.1" not in str(error.value)
    return error.value


@contextmanager
def answering(*parts: bytes, pause: float = 0) -> Iterator[int]:
    """A port that answers each connection with these bytes, whatever is asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        over.wait(pause)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def allowed(sources: SourceServer) -> tuple[str, ...]:
    """The file server's address, as the operator names it."""
    return (f"127.0.0.1:{sources.port}",)


def test_a_file_arrives_whole(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    (sources.folder / "a.bin").write_bytes(b"x" * 700_000)
    fetched = get(sources.url("a.bin?token=secret"), tmp_path, allow=allowed)
    assert fetched == Fetched(700_000, hashlib.sha256(b"x" * 700_000).hexdigest())
    assert (tmp_path / "input0").read_bytes() == b"x" * 700_000


def test_names_are_quoted(sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="404"):
        get(sources.url("ä%20b.bin?q=ü"), tmp_path, allow=allowed)
    assert sources.hits[-1] == "/%C3%A4%20b.bin?q=%C3%BC"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.1",  # noqa: S104
        "2130706433",
        "0x7f000001", "0177.0.0.1", "localhost.", "LOCALHOST", "[::]", "[::127.0.0.1]",
    ],
)  # fmt: skip
def test_this_machine_is_refused_however_spelled(
    sources: SourceServer, tmp_path: Path, host: str
) -> None:
    before = len(sources.hits)
    error = refused(f"http://{host}:{sources.port}/a.bin?token=secret", tmp_path)
    assert error.category in ("validation", "upload")  # some names do not resolve everywhere
    assert len(sources.hits) == before


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
        "192.0.2.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.1.2.3",
        "192.0.0.8", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "2001::1", "2002:7f00:1::",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8%1", "::7f00:1",
    ],
)  # fmt: skip
def test_special_addresses(address: str) -> None:
    assert not is_public(address) or address.startswith("::ffff:8.8")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def test_a_redirect_is_followed(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    (sources.folder / "b.bin").write_bytes(b"yes")
    assert get(sources.url("redirect?to=/b.bin"), tmp_path, allow=allowed).size == 3


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/a.bin", "http://127.0.0.2:{port}/a.bin", "http://10.0.0.1/",
        "file:///etc/passwd", "http://169.254.169.254/latest/", "ftp://example.com/",
        "http://u:p@127.0.0.1:{port}/", "http://127.0.0.1:22/", "http://[::1]:{port}/", "//[::1]/",
    ],
)  # fmt: skip
def test_each_hop_obeys_the_rules(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path, target: str
) -> None:
    hop = sources.url("redirect?to=" + target.format(port=sources.port))
    before = len(sources.hits)
    assert refused(hop, tmp_path, allow=allowed).category == "validation"
    assert len(sources.hits) == before + 1


def test_redirects_end(sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n") as port:
        error = refused(f"http://127.0.0.1:{port}/", tmp_path, allow=(f"127.0.0.1:{port}",))
    assert error.category == "validation"
    assert "redirects" in str(error)


@pytest.mark.parametrize(
    ("code", "category"),
    [(404, "validation"), (403, "validation"), (500, "upload"), (503, "upload")],
)
def test_statuses(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path, code: int, category: str
) -> None:
    error = refused(sources.url(f"status?code={code}&token=secret"), tmp_path, allow=allowed)
    assert error.category == category
    assert str(code) in str(error)


def test_a_stated_length_that_is_not_met(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    (sources.folder / "c.bin").write_bytes(b"x" * 1000)
    assert refused(sources.url("lie?name=c.bin"), tmp_path, allow=allowed).category == "upload"


@pytest.mark.parametrize("path", ["endless", "big.bin"])
def test_what_is_too_large(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path, path: str
) -> None:
    (sources.folder / "big.bin").write_bytes(b"x" * 200_000)
    error = refused(sources.url(path), tmp_path, allow=allowed, max_bytes=100_000)
    assert error.category == "file_size"
    target = tmp_path / "input0"
    assert not target.exists() or target.stat().st_size <= 100_000


@pytest.mark.parametrize("path", ["drip", "hang"])
def test_slow_servers_are_left(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path, path: str
) -> None:
    began = time.monotonic()
    assert refused(sources.url(path), tmp_path, allow=allowed, seconds=0.8).category == "upload"
    assert time.monotonic() - began < 1.8


def test_dripping_headers_are_left(tmp_path: Path) -> None:
    drips = [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 100
    with answering(*drips, pause=0.1) as port:
        began = time.monotonic()
        url = f"http://127.0.0.1:{port}/"
        error = refused(url, tmp_path, allow=(f"127.0.0.1:{port}",), seconds=0.5)
    assert error.category == "upload"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000]
)
def test_what_is_no_http(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as port:
        url = f"http://127.0.0.1:{port}/"
        assert refused(url, tmp_path, allow=(f"127.0.0.1:{port}",)).category == "upload"


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    assert refused(url, tmp_path, allow=(f"127.0.0.1:{port}",)).category == "upload"
    assert refused("http://no-such-host.invalid/", tmp_path).category == "upload"


def test_cancel_ends_a_fetch_that_hangs(
    sources: SourceServer, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(Canceled):
        fetch(
            sources.url("hang"), tmp_path / "o", max_bytes=10, seconds=30, allow=allowed,
            cancelled=lambda: time.monotonic() - began > 0.3,
        )  # fmt: skip
    assert time.monotonic() - began < 2


def test_encoded_answers_are_not_inflated(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
    with answering(head + b"\x1f\x8bzip") as port:
        get(f"http://127.0.0.1:{port}/", tmp_path, allow=(f"127.0.0.1:{port}",))
    assert (tmp_path / "input0").read_bytes() == b"\x1f\x8bzip"


def test_proxies_of_the_environment_are_ignored(
    sources: SourceServer,
    allowed: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (sources.folder / "d.bin").write_bytes(b"direct")
    assert get(sources.url("d.bin"), tmp_path, allow=allowed).size == 6


def test_a_certificate_nobody_vouches_for(tmp_path: Path, sources: SourceServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    error = refused(f"https://localhost:{port}/", tmp_path, allow=(f"localhost:{port}",))
    thread.join(5)
    listener.close()
    assert error.category == "upload"


def _certificate(folder: Path) -> Path:
    """A key and a certificate for localhost, signed by itself."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "pair.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
