"""Serves the built site before the functions, as Vercel does: files, clean addresses, headers."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOSTED = "https://*.supabase.co"
"""Stands in the headers of vercel.json for the project's address."""

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
LONGEST = 500
"""Of an address; longer ones name no file, and the machine might not take them."""

Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None


def serve(
    configuration: dict[str, Any], public: Path, supabase_url: str, functions: WSGIApplication
) -> WSGIApplication:
    """The files in `public`, then `functions`; both with the headers of vercel.json."""
    rewrites = [
        (_pattern(rewrite["source"]), rewrite["destination"])
        for rewrite in configuration["rewrites"]
        if not rewrite["destination"].startswith("/api/")
    ]
    headers = [
        (_pattern(rule["source"]), [
            (each["key"], each["value"].replace(HOSTED, supabase_url)) for each in rule["headers"]
        ])
        for rule in configuration.get("headers", ())
    ]  # fmt: skip

    def find(path: str) -> Path | None:
        file = _file(public, path)
        for pattern, destination in () if file else rewrites:
            if pattern.fullmatch(path):
                return _file(public, destination)
        return file

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
        extra = [pair for pattern, pairs in headers if pattern.fullmatch(path) for pair in pairs]
        start = _with_headers(start_response, extra)
        file = find(path) if environ["REQUEST_METHOD"] in ("GET", "HEAD") else None
        if file is None:
            return functions(environ, start)
        body = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        text = "; charset=utf-8" if kind.startswith("text/") else ""
        start("200 OK", [("Content-Type", kind + text), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return application


def _file(public: Path, path: str) -> Path | None:
    """The file that an address names, .html or not; never one outside, nor a hidden one."""
    names = path.strip("/").split("/")
    if len(path) > LONGEST or any(name and not NAME.fullmatch(name) for name in names):
        return None
    target = public.joinpath(*names) if path.strip("/") else public / "index"
    for candidate in (target, target.with_name(f"{target.name}.html")):
        if candidate.is_file():
            return candidate
    return None


def _with_headers(start_response: StartResponse, extra: Headers) -> StartResponse:
    def start(
        status: str, headers: Headers, exc_info: ExcInfo = None, /
    ) -> Callable[[bytes], object]:
        present = {name.lower() for name, _ in headers}
        more = [(name, value) for name, value in extra if name.lower() not in present]
        return start_response(status, [*headers, *more], exc_info)

    return start


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(re.escape(source).replace(re.escape("(.*)"), "(.*)"))
