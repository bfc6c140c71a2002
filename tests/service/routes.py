"""Every route of every function, and calls of them within this process."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

ROOT = Path(__file__).parent.parent.parent
PARAMETERS = {"index": "0"}
NO_CREDENTIAL = {
    "GET /.well-known/security.txt", "GET /health-check", "GET /openapi.yaml",
    "GET /v1/billing/plans", "GET /v1/policies",
    "GET /v1/site", "GET /v1/status", "POST /hooks/stripe", "POST /v1/support", "POST /v1/try",
    "GET /v1/account/export/<export_id>/download", "GET /v1/account/export/file",
    "GET /v1/transcodes/<job_id>/inputs/<int:index>",
}  # fmt: skip
"""What answers without a credential."""


class Route(NamedTuple):
    """A method and a path of one function."""

    app: Flask
    method: str
    rule: str

    @property
    def name(self) -> str:
        """As an operation is called: method and rule."""
        return f"{self.method} {self.rule}"

    @property
    def path(self) -> str:
        """A path that the rule matches."""
        unknown = "00000000-0000-0000-0000-000000000007"
        return re.sub(
            r"<(?:\w+:)?(\w+)>", lambda match: PARAMETERS.get(match[1], unknown), self.rule
        )

    @property
    def for_operators(self) -> bool:
        """Whether it takes one of our own secrets."""
        return self.rule.startswith("/internal/") or self.rule == "/metrics"


def every_route() -> list[Route]:
    """All of them. The settings must be in the environment: a stack runs."""
    return list(_routes())


def _routes() -> Iterator[Route]:
    for path in sorted((ROOT / "api").glob("[!_]*.py")):
        app: Flask = importlib.import_module(f"api.{path.stem}").app
        for rule in app.url_map.iter_rules():
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
                yield Route(app, method, rule.rule)


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
