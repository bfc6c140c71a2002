"""A WSGI server for one machine: loopback only, a thread per request, streaming both ways."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cheroot import wsgi

from standins.http import hosts

if TYPE_CHECKING:
    from types import TracebackType

LOOPBACK = "127.0.0.1"
MAX_HEADER_BYTES = 65_536
"""Of the request line and all headers together."""


def _terminated(app: WSGIApplication, names: frozenset[str] | None) -> WSGIApplication:
    """Tell the application that the body ends by itself, so that chunked bodies are read too."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input_terminated"] = True
        return app(environ, start_response)

    return hosts.guard(serve, names)


class Server:
    """Serves `app` on 127.0.0.1 until `stop`; `port` 0 takes a free one.

    Requests with a Host or Origin that is not in `names` are refused (`hosts.guard`).

    The port is ours from the start; an application that must know its address first is given
    later, to `serve`. Raises OSError when the port is taken.
    """

    def __init__(
        self,
        app: WSGIApplication | None = None,
        port: int = 0,
        threads: int = 16,
        names: frozenset[str] | None = None,
    ) -> None:
        self._names = names
        self._server = wsgi.Server(
            (LOOPBACK, port),
            _terminated(app, names) if app else None,
            numthreads=threads,
            request_queue_size=256,
            timeout=60,
            shutdown_timeout=1,
        )
        self._server.max_request_header_size = MAX_HEADER_BYTES
        self._server.prepare()
        # The port can be taken again while connections of a killed server still linger; cheroot
        # leaves this out where the system chose the port. They have it from the listening socket.
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._thread = threading.Thread(target=self._server.serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.bind_addr[1])

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def serve(self, app: WSGIApplication) -> Server:
        """Serve `app` from now on, in a background thread."""
        self._server.wsgi_app = _terminated(app, self._names)
        return self.start()

    def start(self) -> Server:
        """Serve in a background thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop accepting, let requests under way end for a second, and close."""
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
