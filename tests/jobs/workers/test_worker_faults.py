"""A full disk and a file store that drops connections: reported as such, or retried unnoticed."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.stack import Stack
from tests.rigs.machine.crew import Crew, books, crew
from tests.rigs.sources import SourceServer

DISK_BYTES = 8_000_000


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("a small file system can't be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def cramped(stack: Stack, sources: SourceServer, small_disk: Path) -> Iterator[Crew]:
    """A worker with little room for its files."""
    allow = f"127.0.0.1:{sources.port}"
    with crew(
        stack, SOURCE_ALLOW=allow, TMPDIR=str(small_disk), MAX_ATTEMPTS="2", FETCH_SECONDS="60"
    ) as running:
        yield running


def assert_told(crew: Crew, job_id: str) -> None:
    """The caller reads of our disk, not of its options; the operator of the error's number."""
    (row,) = crew.sql(
        "select status, error_category, error_message from app.jobs where id = %s", job_id
    )
    assert row[:2] == ("failed", "processing_limit"), row
    assert "working space" in row[2]
    assert "ptions" not in row[2]
    books(crew, job_id)
    lines = [line for line in crew.log("worker failed") if line.get("job_id") == job_id]
    assert [(line["errno"], line["attempt"]) for line in lines] == [(28, 1), (28, 2)]
    assert all(line["account_id"] for line in lines)


@pytest.mark.parametrize("place", ["whole/", ""], ids=["whole", "ranges"])
def test_an_input_that_does_not_fit(
    cramped: Crew, sources: SourceServer, tmp_path: Path, place: str
) -> None:
    large = tmp_path / "large.wav"
    data = os.urandom(2 * DISK_BYTES)
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt "
    header += bytes.fromhex("10000000 0100 0100 401f0000 803e0000 0200 1000") + b"data"
    large.write_bytes(header + len(data).to_bytes(4, "little") + data)
    sources.put(large)
    account = cramped.account("pro")
    job_id = account.create(sources.url(f"{place}{large.name}"), "mp3")
    account.wait(job_id)
    assert_told(cramped, job_id)


def test_an_output_that_does_not_fit(
    cramped: Crew, sources: SourceServer, small_disk: Path, clip: Path
) -> None:
    account = cramped.account("pro")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(DISK_BYTES - 1_000_000 - used(small_disk)))
    try:
        job_id = account.create(
            sources.put(clip), "avi",
            options=[{"option": "-c:v", "argument": "mjpeg"}, {"option": "-q:v", "argument": 1},
                     {"option": "-vf", "argument": "scale=1920:1080"}],
        )  # fmt: skip
        account.wait(job_id)
    finally:
        filler.unlink()
    assert_told(cramped, job_id)


def test_a_text_that_does_not_fit_when_it_is_drawn(
    cramped: Crew, sources: SourceServer, small_disk: Path, make_media: Callable[..., Path]
) -> None:
    """Texts are drawn as pictures of the video's size before ffmpeg runs."""
    picture = make_media("8k.png", "-f", "lavfi", "-i", "color=s=7680x4320", "-frames:v", "1")
    account = cramped.account("pro")
    filler = small_disk / "filler"
    text = {"option": "@text-overlay", "argument": {"text": "WWW " * 400, "fontSize": 60}}
    filler.write_bytes(bytes(DISK_BYTES - 600_000 - used(small_disk)))
    try:
        job_id = account.create(sources.put(picture), "jpeg", options=[text])
        account.wait(job_id)
    finally:
        filler.unlink()
    assert_told(cramped, job_id)


def used(folder: Path) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


class Cutting:
    """A proxy that ends connections in the middle of an answer."""

    def __init__(self, url: str, after: int) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 0)
        self._after = after
        self.left = 0
        """How many more connections are cut."""
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _copy(self, source: socket.socket, destination: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                destination.sendall(data)
            destination.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        with suppress(OSError), server, client:
            while data := server.recv(65536):
                client.sendall(data)
                passed += len(data)
                if passed > self._after and self.left:
                    self.left -= 1
                    self.cut += 1
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("size", [1_500_000, 12_000_000], ids=["small", "large"])
def test_dropped_connections_to_the_store_are_not_noticed(
    stand_ins: Stack, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "sound.wav"
    data = os.urandom(size)
    header = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt "
    header += bytes.fromhex("10000000 0100 0100 44ac0000 88580100 0200 1000") + b"data"
    path.write_bytes(header + size.to_bytes(4, "little") + data)
    proxy = Cutting(stand_ins.settings["SUPABASE_URL"], after=700_000)
    try:
        with crew(stand_ins, SUPABASE_URL=proxy.url) as running:
            account = running.account("pro")
            file = account.upload(path)
            proxy.left = 2
            job = account.wait(account.create(file, "mp3"))
            rows = running.sql("select attempt from app.jobs where id = %s", job["id"])
    finally:
        proxy.close()
    assert job["status"] == "completed", job
    assert proxy.cut == 2
    assert rows == [(1,)]
