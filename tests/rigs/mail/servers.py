"""Mail servers that do what bad ones do, and a stand-in for Resend's HTTP API."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Smtp:
    """An SMTP server on 127.0.0.1 whose answers are scripted: `answers` by command.

    An answer of None closes the connection instead. What it took for good is in `messages`.
    """

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.messages: list[bytes] = []
        self.seen: list[str] = []
        self.before_end: Callable[[], None] = lambda: None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:

            def say(command: str, usual: str) -> bool:
                answer = self.answers.get(command, usual)
                if answer is not None:
                    connection.sendall(answer.encode() + b"\r\n")
                return answer is not None

            going = say("banner", "220 here")
            while going and (line := lines.readline()):
                command = line.split()[0].decode().lower() if line.split() else ""
                self.seen.append(line.decode().strip())
                if command == "data":
                    going = say("data", "354 go on") and self._data(lines, say)
                elif command == "quit":
                    say("quit", "221 bye")
                    going = False
                else:
                    going = say(command, "250 fine")

    def _data(self, lines: Any, say: Callable[[str, str], bool]) -> bool:
        if not self.answers.get("data", "354").startswith("354"):  # type: ignore[union-attr]
            return True
        content = b""
        while (line := lines.readline()) and line != b".\r\n":
            content += line
        if not line:
            return False
        self.before_end()
        answer = self.answers.get("end", "250 taken")
        if answer is None or answer.startswith("250"):
            self.messages.append(content)  # a server that goes away now has taken it all the same
        return say("end", "250 taken")


class Resend:
    """`POST /emails` as documented: a key, idempotency keys, error names, 429.

    `faults` are answers given first: a status and an error's name, or None to close the connection
    once the mail was taken. https://resend.com/docs/api-reference/errors
    """

    KEY = "re_test"

    def __init__(self) -> None:
        self.faults: list[tuple[int, str] | None] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.post(self.path, dict(self.headers), json.loads(body))
                if answer is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, reply = answer
                content = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def post(
        self, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]] | None:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else (0, "")
        if fault and fault[0]:
            return fault[0], {"statusCode": fault[0], "name": fault[1], "message": "no"}
        if path != "/emails":
            return 404, {"statusCode": 404, "name": "not_found", "message": "no"}
        if headers.get("Authorization") != f"Bearer {self.KEY}":
            return 403, {"statusCode": 403, "name": "invalid_api_key", "message": "no"}
        key = headers["Idempotency-Key"]
        if key in self.messages and self.messages[key] != body:
            return 409, {"statusCode": 409, "name": "invalid_idempotent_request", "message": "no"}
        if not {"from", "to", "subject"} <= set(body):
            return 422, {"statusCode": 422, "name": "missing_required_field", "message": "no"}
        self.messages[key] = body
        return (200, {"id": key}) if fault else None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def smtp(**answers: str | None) -> Iterator[Smtp]:
    server = Smtp(**answers)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def resend() -> Iterator[Resend]:
    server = Resend()
    try:
        yield server
    finally:
        server.close()
