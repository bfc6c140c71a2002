"""What two dripping sources cost everybody else: another account's job, alone and beside them."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from bench.jobs import wait
from bench.rows import Row, timed
from local import client as api
from local import keys_command, sample

BYTES_PER_SECOND = 2048
ROUNDS = 5
MOST_SECONDS = 2.0


def delay(client: httpx.Client, dripping: httpx.Client, source: str, folder: Path) -> Row:
    """Seconds that a second of sound takes longer while two jobs wait for `source`."""
    clip = sample.make(folder / "second.mp4", seconds=1, size="320x180")
    url = api.upload(str(client.base_url), client.headers["Authorization"][7:], clip)
    alone = [_seconds(client, url) for _ in range(ROUNDS)]
    waiting = [_create(dripping, f"{source}/{number}.mp4") for number in range(2)]
    while {_status(dripping, job_id) for job_id in waiting} != {"processing"}:
        time.sleep(0.05)
    beside = [_seconds(client, url) for _ in range(ROUNDS)]
    if {_status(dripping, job_id) for job_id in waiting} != {"processing"}:
        raise RuntimeError("the dripping sources ended before the measurement did")
    for job_id in waiting:
        api.call(dripping, "PATCH", f"/v1/transcodes/{job_id}/cancel")
    longer = statistics.median(beside) - statistics.median(alone)
    return Row(
        f"a one-second job beside two sources of 2 kB/s, longer by, median of {ROUNDS}",
        f"{longer:.2f} s",
        f"{MOST_SECONDS:.0f} s; alone {statistics.median(alone):.2f} s",
        longer / MOST_SECONDS,
        1,
    )


def another(settings: dict[str, str], url: str) -> httpx.Client:
    """A client of a Free account."""
    return api.connect(url, keys_command.create(settings, "drip@example.com", "bench", "free"))


@contextmanager
def source() -> Iterator[int]:
    """A server of files that arrive at BYTES_PER_SECOND; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Ten megabytes, a tenth of a second's worth at a time."""
        self.send_response(200)
        self.send_header("Content-Length", "10000000")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(bytes(BYTES_PER_SECOND // 10))
                time.sleep(0.1)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _create(client: httpx.Client, url: str) -> str:
    body = {"inputs": [{"url": url}], "outputFormat": "mp3"}
    return str(api.call(client, "POST", "/v1/transcodes", body)["id"])


def _status(client: httpx.Client, job_id: str) -> str:
    return str(api.call(client, "GET", f"/v1/transcodes/{job_id}")["status"])


def _seconds(client: httpx.Client, url: str) -> float:
    return timed(lambda: wait(client, _create(client, url)))
