"""The server of the functions on one machine: a request reaches a thread once it is there whole.

Vercel reads a request before it calls a function. So does this server, in one thread for all
connections: half-sent requests, however many, hold no thread.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from types import TracebackType
from typing import Any
from wsgiref.types import WSGIApplication

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from standins.http import hosts
from standins.http.server import LOOPBACK, MAX_HEADER_BYTES

MAX_BODY_BYTES = 4_500_000
"""As on Vercel; the application's own limits are lower."""
MAX_CONNECTIONS = 900
"""Further ones wait; a process may usually have 1,024 open files."""
REQUEST_SECONDS = 20
"""A connection is closed whose request is not there whole after this, or that idles for as long."""


SENTENCES = {
    413: "The request body is larger than 4.5 MB. Send media with the link from"
    " POST /v1/upload/presigned-url instead.",
    431: f"The headers are larger than {MAX_HEADER_BYTES:,} bytes. Send fewer or shorter ones.",
}
MALFORMED = "This is not a valid HTTP request. Send it with an HTTP client."


class _Refusal(ErrorTask):  # type: ignore[misc] # waitress has no types
    """Answers a request that can't be read, in JSON as all errors are."""

    def execute(self) -> None:
        error = self.request.error
        sentence = SENTENCES.get(error.code, MALFORMED)
        code = {413: "body_too_large", 431: "headers_too_large"}.get(error.code, "invalid_request")
        body = json.dumps({"error": sentence, "message": sentence, "code": code}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal

    def received(self, data: bytes) -> Any:
        """A request has its time in all: single bytes do not extend it."""
        if self.request is None:
            self.begun = time.time()
        result = super().received(data)
        if self.request is not None:
            self.last_activity = self.begun
        return result


class Front:
    """Serves `app` on 127.0.0.1 until `stop`; `port` 0 takes a free one.

    `listening` is a socket to take over instead, which is bound already. Requests with a Host or
    Origin that is not in `names` are refused (`hosts.guard`). Raises OSError when the port is
    taken.
    """

    def __init__(
        self,
        app: WSGIApplication,
        port: int = 0,
        threads: int = 16,
        names: frozenset[str] | None = None,
        listening: socket.socket | None = None,
        request_seconds: int = REQUEST_SECONDS,
    ) -> None:
        self._socket = listening or socket.create_server((LOOPBACK, port), backlog=256)
        self._server = waitress.create_server(
            hosts.guard(app, names, close=False),  # waitress has read the body already
            sockets=[self._socket],
            threads=threads,
            max_request_header_size=MAX_HEADER_BYTES + 1,  # refuses what is as large as this
            max_request_body_size=MAX_BODY_BYTES,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=request_seconds,
            cleanup_interval=1,
            asyncore_use_poll=True,
            log_socket_errors=False,
            ident=None,
        )
        self._server.channel_class = _Channel
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    def start(self) -> Front:
        """Serve in a background thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop accepting and close; requests under way have a second."""
        self._server.task_dispatcher.shutdown(timeout=1)
        self._server.close()

    def __enter__(self) -> Front:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
