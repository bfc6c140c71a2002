"""The stack and the bare Flask function it is compared with, in a process of their own.

`python -m bench.rigs.serve FOLDER [KEEP_IDLE]` prints one JSON line: the API's address and key,
the bare function's address, the settings. With KEEP_IDLE no worker runs: jobs stay where a create
put them.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg

from bench.rigs import bare
from local.processes.children import when_parent_ends
from local.stack import Stack
from local.vercel.front import Front


def main(folder: str, idle: bool) -> None:
    """Serve until the parent stops us."""
    stopped = threading.Event()
    when_parent_ends(stopped.set)
    with ExitStack() as running:
        stack = running.enter_context(Stack(Path(folder), functions=not idle))
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            # A bench asks more of it than any plan allows.
            connection.execute("update app.plans set requests_per_minute = 1000000")
        url = stack.url
        if idle:
            sink = running.enter_context(Front(_sink))
            api = running.enter_context(_functions(stack, sink.url))
            url = api.url
        plain = running.enter_context(Front(bare.create_app(stack.settings["POSTGRES_URL"])))
        ready = {"url": url, "key": stack.demo_key(), "bare": plain.url, "settings": stack.settings}
        print(json.dumps(ready), flush=True)
        stopped.wait()


def _functions(stack: Stack, worker: str) -> Front:
    """The functions, whose calls to the worker go to `worker`."""
    os.environ.update(stack.settings | {"WORKER_URL": worker})
    from local.vercel import functions

    return Front(functions.dispatcher(["api/transcodes"]))


def _sink(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A worker on another machine, as seen from here: it takes the call and answers."""
    start_response("200 OK", [("Content-Length", "2")])
    return [b"{}"]


main(sys.argv[1], len(sys.argv) > 2)
