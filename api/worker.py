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
        # The first byte lets the caller go. It may be gone at the next one, which ends this: the
        # work comes before it.
        yield b"{"
        jobs = loop.drain(settings().function_seconds)
        # A call for each job that is created comes while others run: the last one does the tasks.
        tasks = 0 if loop.busy() else background.idle()
        yield b'"jobs": %d, "tasks": %d}\n' % (jobs, tasks)

    return Response(run(), mimetype="application/json")
