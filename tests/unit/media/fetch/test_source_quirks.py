"""Sources that browsers and curl read are read here, from any place, and what fails for a moment
is tried again."""

from __future__ import annotations

import itertools
import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.media.errors import Canceled, MediaError
from lib.media.fetch import source, source_errors
from lib.media.fetch.connection import SLOWEST, Watch
from lib.media.fetch.ranges import SKIP_BYTES, RangeFile
from lib.media.fetch.responses import AGENT
from lib.media.fetch.retries import Patience, Trouble
from lib.media.fetch.source import Remote, open_url
from lib.media.slots import Slots
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

DATA = random.Random(7).randbytes(3_000_000)
BRISK = Patience(pause=0.01)
NAME = "quirky.bin"


@pytest.fixture(scope="module")
def server(sources: SourceServer) -> Iterator[SourceServer]:
    """The file server, with a file of three megabytes."""
    (sources.folder / NAME).write_bytes(DATA)
    yield sources


def opened(
    server: SourceServer, mode: str, patience: Patience = BRISK, max_bytes: int = 10**7
) -> Remote:
    """A file that is served in this mode, by an address that no other test has."""
    url = server.url(f"quirk/{mode}/{NAME}?{time.monotonic_ns()}")
    return open_url(
        url,
        max_bytes=max_bytes,
        seconds=60,
        allow=(f"127.0.0.1:{server.port}",),
        patience=patience,
    )


def saved(remote: Remote, folder: Path) -> bytes:
    """The whole file."""
    remote.save(folder / "saved")
    return (folder / "saved").read_bytes()


def read_as_ffmpeg(remote: Remote, folder: Path) -> bytes:
    """The whole file, as ffmpeg reads an MP4 whose index is at its end."""
    if not remote.ranged or remote.size is None:
        return saved(remote, folder)
    with RangeFile(folder / "ranges", remote.size, remote.open) as file:
        assert file.read(0, 1000) == DATA[:1000]
        assert file.read(len(DATA) - 5000, 5000) == DATA[-5000:]
        file.fill()
        return (folder / "ranges").read_bytes()


READ = [
    "good", "first:503", "first:500", "first:500x2", "first:502x3", "first:504", "first:408",
    "first:429", "first:503x4", "first:503,1", "first:429,in1", "reset", "reset:3", "cut:700000",
    "cutonce", "cutwhole", "cutwhole:3", "reject:416", "reject:406", "reject:400", "reject:501",
    "reject:403", "reject:405", "reject:500", "nospan", "span:caps", "span:equals", "span:past",
    "span:short", "span:bare", "span:spaced", "span:star", "span:wrong", "span:nonsense", "only0",
    "block", "ifrange", "etag", "etagstrict", "modified", "oneconn:503", "oneconn:429",
    "oneconn:403", "once:410", "once:403", "once:404", "encoded:gzip", "encoded:deflate",
    "encoded:raw", "encoded:br", "encoded:zstd", "encoded:lie",
    "encoded:none", "encodedpart", "cookie", "hops:6", "hops:20",
    "location:space", "location:utf8", "location:backslash", "location:padded",
    "location:relative", "location:fragment", "head:bad", "head:space", "head:nocolon", "head:icy",
    "head:control", "head:lower", "head:identity", "head:early", "head:nolength", "agent",
    "referer",
]  # fmt: skip


@pytest.mark.parametrize("mode", READ)
def test_it_is_read_whole_and_from_any_place(
    server: SourceServer, tmp_path: Path, mode: str
) -> None:
    with opened(server, mode) as remote:
        assert read_as_ffmpeg(remote, tmp_path) == DATA


@pytest.mark.parametrize("mode", ["once:410", "oneconn:503", "only0", "etag", "ifrange"])
def test_servers_with_ranges_are_read_in_parts_first(server: SourceServer, mode: str) -> None:
    with opened(server, mode) as remote:
        assert (remote.size, remote.ranged) == (len(DATA), True)


def test_a_cut_body_goes_on_where_it_stood(server: SourceServer, tmp_path: Path) -> None:
    before = len(server.ranges)
    with opened(server, "cut:1000000") as remote:
        assert saved(remote, tmp_path) == DATA
    starts = [int(re.findall(r"\d+", each)[0]) for each in server.ranges[before:]]
    assert len(starts) == 3
    assert starts[0] == 0
    assert all(0 < b - a <= 1_000_000 for a, b in itertools.pairwise(starts))


def test_one_connection_is_not_used_to_read_all_of_a_large_file(
    server: SourceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies far ahead is asked for on a new connection, after the old one is closed."""
    monkeypatch.setattr(source, "READ_ON_BYTES", SKIP_BYTES)
    with opened(server, "oneconn:503", Patience(pause=0.1)) as remote:
        assert remote.size is not None
        with RangeFile(tmp_path / "f", remote.size, remote.open) as file:
            file.read(0, 1000)
            assert file.read(len(DATA) - 5000, 5000) == DATA[-5000:]
            assert file.fetched < len(DATA) / 2
            file.fill()
            assert (tmp_path / "f").read_bytes() == DATA


def test_a_file_is_not_read_from_its_start_without_end(
    server: SourceServer, tmp_path: Path
) -> None:
    """A server without ranges gives 100,000 bytes more each time before it breaks off."""
    before = len(server.hits)
    with opened(server, "further:100000") as remote, pytest.raises(MediaError, match="no ranges"):
        saved(remote, tmp_path)
    assert len(server.hits) - before < 3 * source.MAX_RESTARTS


@pytest.mark.parametrize("mode", ["both", "grows"])
def test_a_file_that_was_replaced_is_told_from_one_that_was_not(
    server: SourceServer, tmp_path: Path, mode: str
) -> None:
    with opened(server, mode) as remote, pytest.raises(MediaError, match="changed while"):
        read_as_ffmpeg(remote, tmp_path)


def failure(server: SourceServer, tmp_path: Path, mode: str, **limits: int) -> MediaError:
    """The error of a source that can't be read."""
    with (
        pytest.raises(MediaError) as error,
        opened(server, mode, **limits) as remote,  # type: ignore[arg-type]
    ):
        saved(remote, tmp_path)
    return error.value


@pytest.mark.parametrize(
    ("mode", "category", "reason", "says"),
    [
        ("first:503x99", "upload", "status_5xx", r"answered 503 five times within \d+ s\."),
        ("first:429x99", "upload", "status_429", r"429 \(too many requests\) five times within"),
        ("first:408x99", "upload", "status_4xx", r"408 \(request timeout\) five times"),
        ("first:501x99", "upload", "status_5xx", r"answered 501\."),
        ("first:401x99", "validation", "status_401", r"401 \(a login is needed\)\."),
        ("first:403x99", "validation", "status_403", r"403 \(access denied\)\."),
        ("first:404x99", "validation", "status_404", r"404 \(not found\)\."),
        ("first:410x99", "validation", "status_410", r"410 \(gone\)\."),
        ("first:418x99", "validation", "status_4xx", r"answered 418\."),
        ("reset:99", "upload", "reset", r"reset the connection five times within"),
        ("cutwhole:99", "upload", "reset", r"reset the connection five times within"),
        ("closed", "upload", "broken_off", r"broke off .* five times within"),
        ("hops:21", "validation", "redirects", r"redirects more than 20 times"),
        ("say:200,login", "validation", "web_page", r'a web page \("Sign in b"\), not'),
        ("say:200,html", "validation", "web_page", r"a web page, not"),
        ("say:200,drive", "validation", "web_page", r"can't scan the file for viruses"),
        ("say:200,json", "validation", "json", r"answered with JSON"),
        ("say:200,xml", "validation", "xml", r"an XML document"),
        ("say:429,login", "upload", "status_429", r"too many requests"),
        ("encoded:compress", "validation", "content_encoding", r"compresses the file \(compress\)"),
    ],
)
def test_what_happened_is_said(
    server: SourceServer, tmp_path: Path, mode: str, category: str, reason: str, says: str
) -> None:
    error = failure(server, tmp_path, mode)
    assert (error.category, error.reason) == (category, reason), error
    assert re.search(says, str(error)), error
    assert "127.0.0.1" not in str(error)


def test_failures_of_several_kinds_are_told_by_the_last(
    server: SourceServer, tmp_path: Path
) -> None:
    """Reset in the first half again and again, after one other failure."""
    trouble = Trouble(BRISK, Watch(60, lambda: False, SLOWEST))
    trouble.note(source_errors.reset())
    for _ in range(3):
        trouble.note(source_errors.status_error(503))
    with pytest.raises(MediaError, match=r"503, after other failures: 5 within 1 s\."):
        trouble.note(source_errors.status_error(503))


@pytest.mark.parametrize(("megabytes", "fits"), [(5, True), (6, False)])
def test_decoded_bytes_count_for_the_limit(
    server: SourceServer, tmp_path: Path, megabytes: int, fits: bool
) -> None:
    with opened(server, f"bomb:{megabytes}", max_bytes=5 * 10**6) as remote:
        if fits:
            assert len(saved(remote, tmp_path)) == 5 * 10**6
            return
        with pytest.raises(MediaError) as error:
            saved(remote, tmp_path)
    assert error.value.category == "file_size"
    assert (tmp_path / "saved").stat().st_size <= 5 * 10**6


@pytest.mark.parametrize("mode", ["first:503x99", "first:503x99,600", "reset:99"])
def test_tries_are_bounded_by_the_time_that_is_left(server: SourceServer, mode: str) -> None:
    url = server.url(f"quirk/{mode}/{NAME}?{time.monotonic_ns()}")
    began = time.monotonic()
    with pytest.raises(MediaError) as error:
        open_url(url, max_bytes=10**7, seconds=1.0, allow=(f"127.0.0.1:{server.port}",))
    assert error.value.category == "upload"
    assert "too slow" not in str(error.value)
    assert time.monotonic() - began < 15


def test_cancel_ends_a_pause(server: SourceServer) -> None:
    url = server.url(f"quirk/first:503x99,20/{NAME}?{time.monotonic_ns()}")
    before = len(server.hits)
    with pytest.raises(Canceled):
        open_url(
            url, max_bytes=10**7, seconds=60, allow=(f"127.0.0.1:{server.port}",),
            canceled=lambda: len(server.hits) > before,
        )  # fmt: skip
    assert len(server.hits) == before + 1


def test_a_pause_lends_the_slot(server: SourceServer, tmp_path: Path) -> None:
    url = server.url(f"quirk/first:503,3/{NAME}?{time.monotonic_ns()}")
    slots = Slots(1, 1)
    slot = slots.take()
    assert slot is not None

    def fetch() -> None:
        with slot.waiting(), open_url(
            url, max_bytes=10**7, seconds=60, allow=(f"127.0.0.1:{server.port}",)
        ) as remote:  # fmt: skip
            saved(remote, tmp_path)

    thread = threading.Thread(target=fetch)
    thread.start()
    eventually(lambda: slots.free == 1)
    thread.join(60)
    assert (tmp_path / "saved").read_bytes() == DATA
    assert slots.free == 0


def test_cookies_stay_with_their_host(server: SourceServer, tmp_path: Path) -> None:
    """A cookie of 127.0.0.1 is not sent to localhost."""
    target = f"http://localhost:{server.port}/quirk/cookie/{NAME}?{time.monotonic_ns()}"
    with opened(server, "cookie") as remote:
        session = remote._session
        assert saved(remote, tmp_path) == DATA
    allow = (f"127.0.0.1:{server.port}", f"localhost:{server.port}")
    session.allow = allow
    assert any("Cookie" in name for name, _ in session._headers(server.url("x")))
    assert not any("Cookie" in name for name, _ in session._headers(target))


def test_the_operator_s_contact_is_sent(server: SourceServer) -> None:
    """A server sees a browser's form of our name."""
    assert AGENT.startswith("Mozilla/5.0 (compatible; FFmpegMicro/1.0")
    opened(server, "agent").close()
