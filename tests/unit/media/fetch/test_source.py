"""Fetching from servers that are honest, wrong, slow and hostile."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.media.address import is_public
from lib.media.errors import Canceled, MediaError
from lib.media.fetch.connection import Pace
from lib.media.fetch.source import Fetched, Remote, open_url
from tests.rigs.media.fetching import BRISK, answering, fetch, get, refused
from tests.rigs.sources import SourceServer


@contextmanager
def conversation(*answers: str | bytes) -> Iterator[tuple[str, list[str]]]:
    """A URL where the nth connection gets the nth answer, and the requests it has got.

    Of a text, "PORT" is the port; the first line is the status, what follows a blank line the body.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    requests: list[str] = []

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                requests.append(connection.recv(65536).decode())
                text = answer if isinstance(answer, bytes) else answer.encode()
                head, _, body = text.replace(b"PORT", str(port).encode()).partition(b"\n\n")
                if b"Content-Length" not in head:
                    head += b"\nContent-Length: %d" % len(body)
                lines = b"HTTP/1.1 " + head.replace(b"\n", b"\r\n")
                connection.sendall(lines + b"\r\n\r\n" + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/file", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def opened(url: str, *, max_bytes: int = 10**6, seconds: float = 5) -> Remote:
    """An open file of a server that the operator allows."""
    return open_url(
        url, max_bytes=max_bytes, seconds=seconds, allow=(url.split("/")[2],), patience=BRISK
    )


def read(remote: Remote, offset: int) -> bytes:
    """All from an offset on."""
    with remote.open(offset) as body:
        return b"".join(body)


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
    assert time.monotonic() - began < 15  # both would go on for much longer


def test_dripping_headers_are_left(tmp_path: Path) -> None:
    drips = [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 600
    with answering(*drips, pause=0.1) as port:
        began = time.monotonic()
        url = f"http://127.0.0.1:{port}/"
        error = refused(url, tmp_path, allow=(f"127.0.0.1:{port}",), seconds=0.5)
    assert error.category == "upload"
    assert time.monotonic() - began < 30  # the headers would take a minute


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000]
)
def test_what_is_no_http(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as port:
        url = f"http://127.0.0.1:{port}/"
        assert refused(url, tmp_path, allow=(f"127.0.0.1:{port}",)).category == "upload"


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
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
            canceled=lambda: time.monotonic() - began > 0.3,
        )  # fmt: skip
    assert time.monotonic() - began < 15  # of the 30 seconds it may take


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


def test_a_file_is_read_from_any_place(sources: SourceServer) -> None:
    data = bytes(range(256)) * 1000
    (sources.folder / "e.bin").write_bytes(data)
    before = len(sources.hits)
    with opened(sources.url("redirect?to=/e.bin")) as remote:
        assert (remote.size, remote.ranged) == (len(data), True)
        assert len(sources.hits) == before + 2
        assert read(remote, 0) == data
        assert len(sources.hits) == before + 2  # the answer that was open
        assert read(remote, 0) == data
        assert read(remote, 200_000) == data[200_000:]
        assert read(remote, len(data)) == b""
    assert sources.hits[before + 2 :] == ["/e.bin", "/e.bin"]
    assert sources.ranges[before:] == ["bytes=0-"] * 3 + ["bytes=200000-"]


@pytest.mark.parametrize("path", ["f.bin", "whole/f.bin"])
def test_a_file_is_saved_whole(sources: SourceServer, tmp_path: Path, path: str) -> None:
    data = b"abc" * 50_000
    (sources.folder / "f.bin").write_bytes(data)
    with opened(sources.url(path)) as remote:
        assert remote.size == len(data)
        assert remote.ranged == (path == "f.bin")
        fetched = remote.save(tmp_path / "o")
    assert fetched == Fetched(len(data), hashlib.sha256(data).hexdigest())
    assert (tmp_path / "o").read_bytes() == data


def test_a_length_nobody_states(sources: SourceServer, tmp_path: Path) -> None:
    with opened(sources.url("endless")) as remote:
        assert (remote.size, remote.ranged) == (None, False)
        with pytest.raises(MediaError) as error:
            remote.save(tmp_path / "o")
    assert error.value.category == "file_size"


@pytest.mark.parametrize("path", ["g.bin", "whole/g.bin"])
def test_too_large_to_open(sources: SourceServer, path: str) -> None:
    (sources.folder / "g.bin").write_bytes(b"x" * 1001)
    opened(sources.url(path), max_bytes=1001).close()
    with pytest.raises(MediaError) as error:
        opened(sources.url(path), max_bytes=1000)
    assert error.value.category == "file_size"


def test_an_empty_file(sources: SourceServer, tmp_path: Path) -> None:
    (sources.folder / "none.bin").write_bytes(b"")
    with opened(sources.url("none.bin")) as remote:
        assert remote.size == 0
        assert remote.save(tmp_path / "o").size == 0
    assert (tmp_path / "o").read_bytes() == b""


PARTIAL = "206 Partial Content\nContent-Range: bytes "


@pytest.mark.parametrize(
    ("answer", "size", "ranged"),
    [
        ("0-4/5", 5, True),
        ("0-4/*", None, False),
        ("0-3/5", 5, True),  # with a body of five bytes
        ("0-9/5", 5, True),
        ("0-4/5\nContent-Encoding: gzip", None, False),  # the size is that of the encoded bytes
    ],
)
def test_what_a_content_range_is_worth(answer: str, size: int | None, ranged: bool) -> None:
    with conversation(f"{PARTIAL}{answer}\n\nabcde") as (url, _), opened(url) as remote:
        assert (remote.size, remote.ranged) == (size, ranged)
        assert read(remote, 0) == b"abcde"


@pytest.mark.parametrize(
    "answer",
    [
        f"{PARTIAL}1-4/5\n\nbcde", f"{PARTIAL}nonsense\n\nabcde", "206 Partial Content\n\nabcde",
        "416 No\nContent-Range: bytes */9", "403 Forbidden",
    ],
)  # fmt: skip
def test_a_range_that_is_not_understood_is_asked_for_without_one(answer: str) -> None:
    with conversation(answer, "200 OK\n\nabcde") as (url, requests), opened(url) as remote:
        assert (remote.size, remote.ranged) == (5, False)
        assert read(remote, 0) == b"abcde"
    assert ["Range:" in each for each in requests] == [True, False]


@pytest.mark.parametrize(
    ("answers", "category"),
    [
        (["416 No\nContent-Range: bytes */9"] * 2, "validation"),
        (["403 Forbidden"] * 2, "validation"),
        (["404 Not Found"], "validation"),
        (["503 Later"] * 3, "upload"),
        (["302 Found\nLocation: http://169.254.169.254/"], "validation"),
        (["302 Found\nLocation: http://localhost:PORT/file"], "validation"),
        # Each try obeys the rules again.
        (["503 Later", "302 Found\nLocation: http://10.0.0.1/"], "validation"),
        (["416 No", "302 Found\nLocation: http://localhost:PORT/file"], "validation"),
        (["408 Slow", "302 Found\nLocation: file:///etc/passwd"], "validation"),
    ],
)
def test_answers_that_are_no_file(answers: list[str | bytes], category: str) -> None:
    with conversation(*answers) as (url, requests), pytest.raises(MediaError) as error:
        opened(url)
    assert error.value.category == category
    assert len(requests) == len(answers)


ONE = f'{PARTIAL}0-4/5\nETag: "1"\n\nabcde'


REST = f'{PARTIAL}2-4/5\nETag: "1"\n\ncde'


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([f"{PARTIAL}2-5/6\n\ncdef"], "changed"),
        (["200 OK\n\nabcdef", "200 OK\n\nabcdef"], "changed"),
        (["416 No\nContent-Range: bytes */1"], "changed"),
        (["503 Later"] * 3, "answered 503 three times within 1 s"),
        (["302 Found\nLocation: http://10.0.0.1/"], "not public"),
        (["302 Found\nLocation: http://localhost:PORT/file"], "not public"),
        (["302 Found\nLocation: http://127.0.0.1:22/file"], "port 22"),
        (["503 Later", "302 Found\nLocation: http://127.0.0.1:22/file"], "port 22"),
        ([b"\n"] * 3, "broke off|closed the connection|not HTTP"),
    ],
)
def test_later_answers_are_not_trusted(answers: list[str | bytes], says: str) -> None:
    with conversation(ONE, *answers) as (url, requests), opened(url) as remote:
        assert read(remote, 0) == b"abcde"
        with pytest.raises(MediaError, match=says) as error:
            read(remote, 2)
        assert error.value.category == ("validation" if "p" in says[:6] else "upload")
        assert 'If-Range: "1"' in requests[1]


@pytest.mark.parametrize(
    "answers",
    [
        [f'{PARTIAL}2-4/5\nETag: "2"\n\ncde'],  # of another node
        [f"{PARTIAL}2-4/*\n\ncde"],
        ["200 OK\n\nabcde", REST],  # not for this If-Range
        ["200 OK\n\nabcde", "200 OK\n\nabcde"],
        [f'{PARTIAL}1-4/5\nETag: "1"\n\nbcde'],
        [f'{PARTIAL}2-4/5\nETag: "1"\n\ncd', f"{PARTIAL}4-4/5\n\ne"],
        [f'{PARTIAL}2-4/5\nETag: "1"\nContent-Length: 3\n\ncd', f"{PARTIAL}4-4/5\n\ne"],
        [f"{PARTIAL}nonsense\n\ncde"],
        ["206 Partial Content\n\nab", "200 OK\n\nabcde"],
        ["416 No", "200 OK\n\nabcde"],
        ["503 Later", REST],
    ],
)  # fmt: skip
def test_later_answers_are_understood(answers: list[str | bytes]) -> None:
    with conversation(ONE, *answers) as (url, requests), opened(url) as remote:
        assert read(remote, 0) == b"abcde"
        assert read(remote, 2) == b"cde"
    assert len(requests) == 1 + len(answers)


@pytest.mark.parametrize(
    ("state", "payload"),
    [
        ('ETag: W/"1"\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT', "Mon, 01 Jan 2024"),
        ('ETag: "1"\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT', '"1"'),
        ('ETag: W/"1"', None),
        ("X: y", None),
    ],
)
def test_what_tells_a_change(state: str, payload: str | None) -> None:
    first = f"{PARTIAL}0-4/5\n{state}\n\nabcde"
    with conversation(first, f"{PARTIAL}2-4/5\n\ncde") as (url, requests), opened(url) as remote:
        assert read(remote, 2) == b"cde"
    assert ("If-Range" in requests[1]) == (payload is not None)
    assert f"If-Range: {payload or ''}" in requests[1] or payload is None


def test_a_server_that_gives_less_than_it_was_asked() -> None:
    parts = (f"{PARTIAL}0-1/5\n\nab", f"{PARTIAL}2-3/5\n\ncd", f"{PARTIAL}4-4/5\n\ne")
    with conversation(*parts) as (url, requests), opened(url) as remote:
        assert remote.ranged
        assert read(remote, 0) == b"abcde"
    assert [line for each in requests for line in each.splitlines() if "Range" in line] == [
        "Range: bytes=0-", "Range: bytes=2-", "Range: bytes=4-",
    ]  # fmt: skip


def test_a_redirect_whose_target_expires() -> None:
    redirect = "302 Found\nLocation: /signed"
    rest = f"{PARTIAL}2-4/5\n\ncde"
    with (
        conversation(redirect, ONE, "403 Forbidden", redirect, rest) as (url, requests),
        opened(url) as remote,
    ):
        assert read(remote, 2) == b"cde"
    paths = [each.split()[1] for each in requests]
    assert paths == ["/file", "/signed", "/signed", "/file", "/signed"]


def test_closing_ends_a_read_that_hangs() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", pause=20) as port:
        remote = opened(f"http://127.0.0.1:{port}/")
        threading.Timer(0.2, remote.close).start()
        began = time.monotonic()
        with pytest.raises(Canceled):
            read(remote, 0)
        assert time.monotonic() - began < 15  # it does not wait for the server


def test_only_waiting_for_the_server_counts(sources: SourceServer) -> None:
    (sources.folder / "i.bin").write_bytes(b"x" * 900_000)
    with opened(sources.url("i.bin"), seconds=0.5) as remote:
        time.sleep(0.6)
        assert len(read(remote, 0)) == 900_000
        with (
            pytest.raises(MediaError, match="too slow"),
            opened(sources.url("drip"), seconds=0.5) as slow,
        ):
            read(slow, 0)


def paced(folder: Path, port: int, pace: Pace) -> Fetched:
    """Fetch from a port, which must keep a pace."""
    return fetch(
        f"http://127.0.0.1:{port}/f", folder / "input0", max_bytes=10**6, seconds=30,
        allow=(f"127.0.0.1:{port}",), pace=pace,
    )  # fmt: skip


def body(*parts: bytes) -> list[bytes]:
    """An answer in parts."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % sum(map(len, parts))
    return [head, *parts]


def test_a_dripping_server_is_given_up_after_a_grace(tmp_path: Path) -> None:
    began = time.monotonic()
    with answering(*body(*[b"x"] * 200), pause=0.1) as port, pytest.raises(MediaError) as error:
        paced(tmp_path, port, Pace(100, 1.0))
    assert error.value.category == "upload"
    assert "less than 100 bytes a second" in str(error.value)
    assert 1.0 <= time.monotonic() - began < 15


def test_dripping_headers_keep_no_pace(tmp_path: Path) -> None:
    drips = [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 200
    with answering(*drips, pause=0.1) as port, pytest.raises(MediaError, match="less than"):
        paced(tmp_path, port, Pace(1000, 1.0))


def test_a_server_just_fast_enough_is_not_given_up(tmp_path: Path) -> None:
    """50 bytes each tenth of a second, where 100 bytes a second are asked for."""
    with answering(*body(*[b"x" * 50] * 25), pause=0.1) as port:
        assert paced(tmp_path, port, Pace(100, 1.0)).size == 1250


def test_a_pause_within_the_grace_does_no_harm(tmp_path: Path) -> None:
    """As a server that has to wake up, then sends at full speed."""
    with answering(*body(b"x" * 1000, b"x" * 300_000), pause=1.0) as port:
        assert paced(tmp_path, port, Pace(4096, 2.5)).size == 301_000


def test_a_look_up_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_event = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        stop_event.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        assert refused("http://hangs.example/f", tmp_path, seconds=0.5).category == "upload"
        seconds = time.monotonic()
        with pytest.raises(Canceled):
            fetch(
                "http://hangs.example/f", tmp_path / "o", max_bytes=10, seconds=30,
                canceled=lambda: time.monotonic() > seconds + 0.3,
            )  # fmt: skip
    finally:
        stop_event.set()
