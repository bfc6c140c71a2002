"""ffmpeg reads a remote file through the loopback: all of it, a part of it, and nothing else."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lib.media.errors import MediaError
from lib.media.fetch import loopback
from lib.media.fetch.loopback import serve
from lib.media.fetch.ranges import RangeFile
from lib.media.fetch.source import Remote, open_url
from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

LIMITS = sandbox.Limits(wall_seconds=30, cpu_seconds=30, output_bytes=10**8, memory_bytes=10**9)
DATA = bytes(range(251)) * 8000


@contextmanager
def opened(server: SourceServer, path: str) -> Iterator[Remote]:
    """A file of a source server."""
    allow = (f"127.0.0.1:{server.port}",)
    with open_url(server.url(path), max_bytes=10**9, seconds=20, allow=allow) as remote:
        yield remote


@contextmanager
def mirrored(server: SourceServer, path: str, folder: Path) -> Iterator[tuple[RangeFile, str]]:
    """A file of a source server, and its address on the loopback."""
    with opened(server, path) as remote:
        assert remote.ranged
        assert remote.size is not None
        with RangeFile(folder / "input", remote.size, remote.open) as file, serve(file) as url:
            yield file, url


@pytest.fixture
def mirror(sources: SourceServer, tmp_path: Path) -> Iterator[tuple[RangeFile, str]]:
    """Two megabytes on the loopback."""
    (sources.folder / "two.bin").write_bytes(DATA)
    with mirrored(sources, "two.bin", tmp_path) as both:
        yield both


def ask(
    url: str, span: str | None = None, path: str | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
    connection.request(method, path or parts.path, headers={"Range": span} if span else {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), body


def connect(url: str) -> socket.socket:
    """A connection on which the whole file has been asked for."""
    parts = urlsplit(url)
    connection = socket.create_connection(("127.0.0.1", parts.port or 0), timeout=30)
    connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def ffmpeg(
    folder: Path, url: str, *arguments: str, ports: tuple[int, ...] = ()
) -> sandbox.Finished:
    """A run of ffmpeg in the sandbox, its input the loopback's address."""
    before, after = arguments[: arguments.index("-i")], arguments[arguments.index("-i") + 1 :]
    return sandbox.run(
        [str(binary()), "-hide_banner", "-nostdin", "-y", "-loglevel", "error",
         "-protocol_whitelist", "http,tcp", *before, "-i", url, *after],
        folder=folder, limits=LIMITS, connect=ports,
    )  # fmt: skip


def port(url: str) -> int:
    """The port of an address."""
    return urlsplit(url).port or 0


@pytest.mark.parametrize(
    ("header", "status", "span", "stated"),
    [
        (None, 200, slice(0, None), None),
        ("bytes=0-", 206, slice(0, None), "bytes 0-2007999/2008000"),
        ("bytes=100-199", 206, slice(100, 200), "bytes 100-199/2008000"),
        ("bytes=2000000-", 206, slice(2000000, None), "bytes 2000000-2007999/2008000"),
        ("bytes=2007999-9999999", 206, slice(2007999, None), "bytes 2007999-2007999/2008000"),
        ("bytes=2008000-", 416, slice(0, 0), "bytes */2008000"),
        ("bytes=5-4", 416, slice(0, 0), "bytes */2008000"),
        ("bytes=-5", 200, slice(0, None), None),
        ("bytes=1-2,5-6", 200, slice(0, None), None),
    ],
)
def test_ranges(
    mirror: tuple[RangeFile, str], header: str | None, status: int, span: slice, stated: str | None
) -> None:
    _, url = mirror
    for method in ("GET", "HEAD"):
        answer, headers, body = ask(url, header, method=method)
        assert answer == status
        assert headers.get("Content-Range") == stated
        assert headers["Accept-Ranges"] == "bytes"
        assert headers["Content-Length"] == str(len(DATA[span]))
        assert body == (DATA[span] if method == "GET" else b"")


def test_nothing_but_the_token_is_served(mirror: tuple[RangeFile, str]) -> None:
    file, url = mirror
    path = urlsplit(url).path
    assert len(path) > 30
    for wrong in ("/", path[:-1], path + "x", path + "/", path + "?a", "/%2e" + path, "/../x", "*"):
        for method in ("GET", "HEAD"):
            status, _, body = ask(url, path=wrong, method=method)
            assert (status, body) == (404, b"")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(url, method=method)[0] == 404
    assert file.requests == 0


def test_a_connection_is_used_again(mirror: tuple[RangeFile, str]) -> None:
    _, url = mirror
    connection = http.client.HTTPConnection("127.0.0.1", port(url), timeout=30)
    for start in (5, 1_500_000):
        connection.request("GET", urlsplit(url).path, headers={"Range": f"bytes={start}-{start}"})
        assert connection.getresponse().read() == DATA[start : start + 1]
    connection.close()


def test_eight_at_once(mirror: tuple[RangeFile, str]) -> None:
    _, url = mirror
    places = [connect(url) for _ in range(loopback.MAX_CONNECTIONS)]
    assert all(each.recv(20).startswith(b"HTTP/1.1 200") for each in places)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(url)
    for each in places:
        each.close()

    def free() -> bool:
        try:
            return ask(url)[2] == DATA
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return False

    eventually(free)


def test_a_ninth_connection_waits_for_one_that_ends(mirror: tuple[RangeFile, str]) -> None:
    """ffmpeg opens a new connection for a seek right after it closed another."""
    _, url = mirror
    places = [connect(url) for _ in range(loopback.MAX_CONNECTIONS)]
    assert all(each.recv(20).startswith(b"HTTP/1.1 200") for each in places)
    ninth = connect(url)
    for each in places:
        each.close()
    assert ninth.recv(20).startswith(b"HTTP/1.1 200")
    ninth.close()


def test_a_source_that_fails_cuts_the_connection(tmp_path: Path) -> None:
    @contextmanager
    def breaking(offset: int) -> Iterator[Iterator[bytes]]:
        yield iter((DATA[:100_000],))

    with RangeFile(tmp_path / "f", len(DATA), breaking) as file, serve(file) as url:
        with pytest.raises(http.client.IncompleteRead) as cut:
            ask(url)
        assert len(cut.value.partial) in (65536, 100_000)
        assert isinstance(file.error, MediaError)
        assert file.error.category == "upload"
        assert ask(url, "bytes=0-9")[2] == DATA[:10]


@pytest.mark.parametrize("silent", [True, False])
def test_the_end_leaves_nothing_behind(tmp_path: Path, silent: bool) -> None:
    """With a connection that waits for a source that hangs, and one that reads nothing."""
    before = set(threading.enumerate())
    hang = threading.Event()

    @contextmanager
    def source(offset: int) -> Iterator[Iterator[bytes]]:
        def body() -> Iterator[bytes]:
            if silent:
                hang.wait(60)
            yield DATA[offset:]

        yield body()

    with RangeFile(tmp_path / "f", len(DATA), source) as file:
        with serve(file) as url:
            connections = [connect(url), socket.create_connection(("127.0.0.1", port(url)))]
            time.sleep(0.2)
            began = time.monotonic()
        assert time.monotonic() - began < 20  # it does not wait for the source
        assert len(set(threading.enumerate()) - before) == 1  # the file's own
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port(url)))
        hang.set()
    for connection in connections:
        connection.close()
    assert set(threading.enumerate()) <= before


def test_who_leaves_stops_the_traffic(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "long.bin").write_bytes(bytes(20_000_000))
    with (
        SourceServer(folder, bytes_per_second=2e6) as server,
        mirrored(server, "long.bin", tmp_path) as (file, url),
    ):
        connection = connect(url)
        connection.recv(1000)
        connection.close()
        seen = -1
        while seen != file.fetched:  # until nothing more comes
            seen = file.fetched
            time.sleep(0.5)
        assert seen < 10_000_000  # all of it takes ten seconds
        assert server.bytes_sent < 15_000_000  # some of it waits in the kernel


def test_ffmpeg_reads_an_index_at_the_end(
    sources: SourceServer, clip: Path, tmp_path: Path
) -> None:
    at_end = tmp_path / "at_end.mp4"
    command = [str(binary()), "-loglevel", "error", "-i", str(clip), "-c", "copy", str(at_end)]
    subprocess.run(command, check=True, timeout=30)
    assert clip.read_bytes().index(b"mdat") > 0
    assert at_end.read_bytes().index(b"mdat") < at_end.read_bytes().index(b"moov")
    sources.put(at_end)
    out = tmp_path / "o.mp4"
    with mirrored(sources, "at_end.mp4", tmp_path) as (file, url):
        reading = ("-xerror", "-i", "-c", "copy", "-f", "mp4", str(out))
        finished = ffmpeg(tmp_path, url, *reading, ports=(port(url),))
        assert (finished.returncode, finished.report) == (0, "")
        assert file.error is None
        file.fill()
        assert (tmp_path / "input").read_bytes() == at_end.read_bytes()
    assert out.stat().st_size > 0.9 * at_end.stat().st_size


@pytest.mark.skipif("landlock-tcp" not in sandbox.features(), reason="Landlock's ABI is below 4")
def test_ffmpeg_connects_to_no_other_port(mirror: tuple[RangeFile, str], tmp_path: Path) -> None:
    file, url = mirror
    for ports in ((), (port(url) + 1,)):
        finished = ffmpeg(tmp_path, url, "-i", "-f", "null", "-", ports=ports)
        assert finished.returncode != 0
        assert "Permission denied" in finished.report
    assert file.requests == 0


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One minute in 40 MB or a little more, a key frame every two seconds, the index at the end."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    command = [
        str(binary()), "-loglevel", "quiet", "-f", "lavfi", "-i",
        "testsrc2=s=480x270:r=25:d=60,noise=alls=40:allf=t", "-f", "lavfi", "-i", "sine=d=60",
        "-c:v", "mpeg4", "-b:v", "5500k", "-g", "50", "-c:a", "aac", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    assert 40e6 < path.stat().st_size < 60e6
    return path


def test_a_thumbnail_costs_little(long_film: Path, tmp_path: Path) -> None:
    with (
        SourceServer(long_film.parent, bytes_per_second=12.5e6, latency=0.03) as server,
        mirrored(server, "long.mp4", tmp_path) as (file, url),
    ):
        picture = ("-ss", "48", "-i", "-frames:v", "1", "o.jpg")
        finished = ffmpeg(tmp_path, url, *picture, ports=(port(url),))
        assert (finished.returncode, finished.report) == (0, "")
        assert (tmp_path / "o.jpg").stat().st_size > 1000
        assert file.fetched < 0.15 * file.size
        assert server.bytes_sent < 0.15 * file.size
        assert file.requests <= 4
        print(
            f"thumbnail: {file.fetched / file.size:.1%} of {file.size} bytes, {file.requests}"
            f" requests, {finished.wall_seconds:.2f} s"
        )
