"""/internal/worker: runs the jobs that wait. Called by ourselves, with a secret."""

from collections.abc import Iterator

from flask import Response

from lib import background
from lib.http.app import create_app
from lib.http.auth import require_secret
from lib.jobs.worker import loop
from lib.media.run import ffmpeg
from lib.platform import limits
from lib.platform.settings import settings

app = create_app(__name__, limits.BACKGROUND)


@app.post("/internal/worker")
def work() -> Response:
    require_secret(settings().worker_secret)
    ffmpeg.binary()  # refuses an old one before any job is taken

    def run() -> Iterator[bytes]:
        # The first byte lets the caller go; the function lives on until the queue is empty.
        yield b"{"
        yield b'"jobs": %d' % loop.drain(settings().function_seconds)
        yield b', "tasks": %d}\n' % background.idle()

    return Response(run(), mimetype="application/json")
