"""/internal/worker: runs the jobs that wait. Called by ourselves, with a secret."""

from collections.abc import Iterator

from flask import Response

from lib import background
from lib.http.app import create_app
from lib.http.routes.access import Secret
from lib.http.routes.declaration import Routes
from lib.jobs.worker import loop
from lib.media.run import ffmpeg
from lib.platform import limits
from lib.platform.settings import settings

app = create_app(__name__, limits.BACKGROUND)
route = Routes(app, "Internal")


@route("POST", "/internal/worker", access=Secret("worker_secret"), answer=dict)
def work() -> Response:
    """Run jobs until the queue is empty"""
    ffmpeg.binary()  # refuses an old one before any job is taken

    def run() -> Iterator[bytes]:
        # The first byte lets the caller go; the function lives on until the queue is empty.
        yield b"{"
        yield b'"jobs": %d' % loop.drain(settings().function_seconds)
        # A call for each job that is created comes while others run: the last one does the tasks.
        yield b', "tasks": %d}\n' % (0 if loop.busy() else background.idle())

    return Response(run(), mimetype="application/json")
