"""Serves the functions in api/ as Vercel would, from what vercel.json says of them.

The path a function sees is the original one, not decoded.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from lib.platform.errors import Problem

ROOT = Path(__file__).parent.parent.parent


class Rewrite(NamedTuple):
    """A rewrite: which paths go to which function."""

    pattern: re.Pattern[str]
    function: str


class Cron(NamedTuple):
    """A path that the platform's clock calls."""

    path: str
    schedule: str


def configuration() -> dict[str, Any]:
    """vercel.json."""
    return cast(dict[str, Any], json.loads((ROOT / "vercel.json").read_text()))


def routes() -> list[Rewrite]:
    """The rewrites to functions, in order; the first that matches counts."""
    return [
        Rewrite(_pattern(rewrite["source"]), rewrite["destination"].removeprefix("/"))
        for rewrite in configuration()["rewrites"]
        if rewrite["destination"].startswith("/api/")
    ]


def crons() -> list[Cron]:
    """The crons of vercel.json."""
    return [Cron(cron["path"], cron["schedule"]) for cron in configuration().get("crons", [])]


def dispatcher(functions: Collection[str]) -> WSGIApplication:
    """One application that serves the named functions, such as "api/transcodes"."""
    apps = {name: _load(name) for name in functions}
    table = [route for route in routes() if route.function in apps]

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
        environ["PATH_INFO"], environ["SCRIPT_NAME"] = path, ""
        for route in table:
            if route.pattern.fullmatch(path):
                return _Answer(apps[route.function](environ, start_response))
        return _refuse(start_response, "404 Not Found", _NO_ROUTE)

    return dispatch


class _Answer:
    """What a function answers; what it does once the answer is out holds up no next request.

    On Vercel the proxy keeps the caller's connection, and the function ends behind it.
    """

    _afterwards = ThreadPoolExecutor(16, "afterwards")

    def __init__(self, answer: Iterable[bytes]) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """Let the function finish, in a thread of its own."""
        close = getattr(self._answer, "close", None)
        if close:
            self._afterwards.submit(close)


def _refuse(start_response: StartResponse, status: str, problem: Problem) -> Iterable[bytes]:
    body = json.dumps(problem.body()).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


_NO_ROUTE = Problem("route_not_found", "There is no such route.")


def _load(name: str) -> WSGIApplication:
    """The `app` of a function's file."""
    module_name = name.replace("/", ".")
    if module_name in sys.modules:
        return cast(WSGIApplication, sys.modules[module_name].app)
    spec = importlib.util.spec_from_file_location(module_name, ROOT / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"vercel.json names {name}, but {name}.py is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return cast(WSGIApplication, module.app)


def _pattern(source: str) -> re.Pattern[str]:
    """A rewrite's source: literal text and (.*), which is all we use of path-to-regexp."""
    return re.compile(re.escape(source).replace(re.escape("(.*)"), "(.*)"))
