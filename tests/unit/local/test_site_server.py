"""The server of the site on one machine: files before functions, clean addresses, headers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client

from local.vercel import site

CONFIGURATION = {
    "headers": [
        {"source": "/(.*)", "headers": [
            {"key": "Content-Security-Policy", "value": "connect-src 'self' https://*.supabase.co"},
            {"key": "X-Kind", "value": "site"},
        ]},
        {"source": "/assets/(.*)", "headers": [{"key": "Cache-Control", "value": "immutable"}]},
    ],
    "rewrites": [
        {"source": "/jobs/(.*)", "destination": "/app"},
        {"source": "/(.*)", "destination": "/api/service"},
    ],
}  # fmt: skip


def functions(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [("X-Kind", "function")])
    return [b"function"]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    public = tmp_path / "public"
    for name in ("index.html", "app.html", "docs/api.html", "assets/a-1.js", ".vite/manifest.json"):
        path = public / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret.html").write_text("secret")
    return Client(site.serve(CONFIGURATION, public, "http://127.0.0.1:1", functions))


@pytest.mark.parametrize(
    ("path", "file"),
    [("/", "index.html"), ("/app", "app.html"), ("/jobs/5", "app.html"),
     ("/docs/api", "docs/api.html"), ("/assets/a-1.js", "assets/a-1.js")],
)  # fmt: skip
def test_files_have_clean_addresses(client: Client, path: str, file: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, file)


@pytest.mark.parametrize(
    "path", ["/v1/account", "/nothing", "/.vite/manifest.json", "/../secret", "/..%2fsecret",
             "/docs", "/docs/../../secret", "/" + "x" * 5000, "/x" * 3000],
)  # fmt: skip
def test_all_else_goes_to_the_functions(client: Client, path: str) -> None:
    assert client.get(path).text == "function"


def test_only_reading_reads_files(client: Client) -> None:
    assert client.post("/").text == "function"
    assert client.head("/").headers["Content-Length"] == str(len("index.html"))


def test_headers_are_those_of_vercel_json(client: Client) -> None:
    page = client.get("/")
    assert page.headers["Content-Security-Policy"] == "connect-src 'self' http://127.0.0.1:1"
    assert client.get("/assets/a-1.js").headers["Cache-Control"] == "immutable"
    assert client.get("/v1/x").headers.getlist("X-Kind") == ["function"]
