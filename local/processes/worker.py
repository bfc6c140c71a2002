"""A worker as a process: `python -m local.processes.worker [PORT]`.

With a port it also serves the worker function there, so that a create wakes it at once; prints
the address, or a line, when it is ready.
"""

from __future__ import annotations

import signal
import sys
import threading
from wsgiref.types import WSGIApplication

from lib import background
from lib.jobs.worker import loop
from lib.media.run import ffmpeg
from lib.platform import log
from lib.platform.postgres import PostgresError
from local.processes.children import when_parent_ends
from local.vercel import functions
from local.vercel.front import Front

POLL_SECONDS = 0.5
THREADS = 32
TASK_SECONDS = 5.0
"""How often a process looks for tasks that are due, such as a mail to be tried again."""


def main(arguments: list[str]) -> None:
    """Work until the parent ends, or until Ctrl-C when run by hand."""
    try:
        ffmpeg.binary()  # before any job is taken
    except ffmpeg.FfmpegRefused as error:
        sys.exit(str(error))
    stop = threading.Event()
    if arguments:
        when_parent_ends(stop.set)
        app = functions.dispatcher(["api/worker"])
        with _server(app, int(arguments[0])) as server:
            print(server.url, flush=True)
            _work(stop)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print("working; Ctrl-C gives the job under way back to the queue and stops", flush=True)
    _work(stop)


def _server(app: WSGIApplication, port: int) -> Front:
    """On any free port if another program has `port`: the worker still looks at the queue."""
    try:
        return Front(app, port, threads=THREADS)
    except OSError:
        return Front(app, threads=THREADS)


def _work(stop: threading.Event) -> None:
    """Jobs and tasks until `stop`."""
    tasks = threading.Thread(target=_tasks, args=(stop,), name="tasks")
    tasks.start()
    loop.serve(stop, POLL_SECONDS)
    tasks.join()


def _tasks(stop: threading.Event) -> None:
    while not stop.wait(TASK_SECONDS):
        try:
            background.idle()
        except PostgresError as error:  # it may be back at the next look
            log.error("tasks not done", error)


if __name__ == "__main__":
    main(sys.argv[1:])
