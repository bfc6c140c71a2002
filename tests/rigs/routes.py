"""Every route of every function, and calls of them within this process."""

from __future__ import annotations

import importlib
import io
import re
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from lib.http.routes.access import Secret
from lib.http.routes.declaration import Route as Declared
from tools import declared

PARAMETERS = {"index": "0"}


class Route(NamedTuple):
    """A method and a path of one function."""

    app: Flask
    declared: Declared

    @property
    def method(self) -> str:
        """Its method."""
        return self.declared.method

    @property
    def name(self) -> str:
        """As an operation is called: method and path."""
        return f"{self.method} {self.declared.path}"

    @property
    def path(self) -> str:
        """A path that the rule matches."""
        unknown = "00000000-0000-0000-0000-000000000007"
        return re.sub(
            r"\{(\w+)\}", lambda match: PARAMETERS.get(match[1], unknown), self.declared.path
        )

    @property
    def for_operators(self) -> bool:
        """Whether it takes one of our own secrets."""
        return isinstance(self.declared.access, Secret)


def every_route() -> list[Route]:
    """All of them."""
    return [
        Route(importlib.import_module(f"api.{name}").app, each)
        for name, routes in declared.functions().items()
        for each in routes
    ]


class Body(io.BytesIO):
    """A request's body that notes whether anyone reads it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.was_read = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_read = True
        return super().read(size)

    def readinto(self, buffer: Any, /) -> int:
        self.was_read = True
        return super().readinto(buffer)


def environ(
    route: Route, body: Body | None = None, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """A WSGI environment of a call from this machine."""
    length = {"Content-Length": str(len(body.getvalue()))} if body else {}
    return create_environ(
        route.path,
        method=route.method,
        input_stream=body,
        content_type="application/json" if body else None,
        headers={**length, **(headers or {})},
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )


def status(route: Route, environment: dict[str, Any]) -> int:
    """Call the route in this thread; the status of its complete response."""
    _, line, _ = run_wsgi_app(route.app, environment, buffered=True)
    return int(line.partition(" ")[0])
