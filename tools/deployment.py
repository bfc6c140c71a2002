"""The real `vercel build`, offline, and its functions started as the platform starts them.

Used by `make deploy-check` (tests/deploy) and by `make bench`. Nothing here needs an account.
"""

from __future__ import annotations

import json
import mimetypes
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx

ROOT = Path(__file__).parent.parent
CLI = ROOT / ".cache" / "vercel"
START_SECONDS = 30
PASSED_ON = ("PIP_", "SSL_", "UV_", "NODE_EXTRA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class ToolMissing(Exception):
    """The machine lacks something that the build needs; the sentence says what."""


def python() -> Path:
    """A real Python 3.12, which is what Vercel runs. Raises ToolMissing."""
    own = Path(sys.base_prefix, "bin", "python3.12")
    for candidate in (own, shutil.which("python3.12")):
        if candidate and Path(candidate).exists():
            report = subprocess.run(
                [str(candidate), "-c", "import sys; print(sys.base_prefix)"],
                capture_output=True,
                text=True,
                check=False,
            )
            real = Path(report.stdout.strip() or "/", "bin", "python3.12")
            if report.returncode == 0 and real.exists():
                return real
    raise ToolMissing("Python 3.12 is needed to build as Vercel does: apt install python3.12")


def build(tree: Path, settings: Mapping[str, str] | None = None) -> Path:
    """Build the project in `tree` (a throw-away copy); the folder .vercel/output.

    `settings` are those of the deployment that the build reads. Raises ToolMissing,
    subprocess.CalledProcessError.
    """
    cli = _cli()
    (tree / ".vercel").mkdir(exist_ok=True)
    (tree / ".vercel" / "project.json").write_text('{"projectId":"x","orgId":"y","settings":{}}')
    path = [str(python().parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(PASSED_ON) or name == "HOME"
    }
    environment |= dict(settings or {}) | {
        "PATH": os.pathsep.join(path),
        "VERCEL_TELEMETRY_DISABLED": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "VERCEL_PYTHON_COMPILEALL": "1",
    }
    finished = subprocess.run(
        [str(cli), "build", "--yes"],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        print(finished.stdout[-8000:])  # noqa: T201
        finished.check_returncode()
    return tree / ".vercel" / "output"


def copy_tree(destination: Path) -> Path:
    """Copy what git knows or would know of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return destination


class Function:
    """A built function: its files as the platform would unpack them."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self.name = folder.name.removesuffix(".func")
        self.configuration: dict[str, Any] = json.loads((folder / ".vc-config.json").read_text())
        mapped = self.configuration.get("filePathMap", {})
        self.files: dict[str, Path] = {name: tree / source for name, source in mapped.items()} | {
            str(path.relative_to(folder)): path
            for path in folder.rglob("*")
            if path.is_file() and path.name != ".vc-config.json"
        }

    def size(self) -> int:
        """Bytes, unpacked."""
        return sum(path.stat().st_size for path in self.files.values())

    def unpack(self, destination: Path) -> Path:
        """Lay the files out."""
        for name, source in self.files.items():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source.resolve(), target)
            except OSError:
                shutil.copy2(source, target)
        return destination


def functions(output: Path, tree: Path) -> dict[str, Function]:
    """The functions of a build, by their path, such as "api/worker"."""
    root = output / "functions"
    return {
        str(folder.relative_to(root)).removesuffix(".func"): Function(folder, tree)
        for folder in sorted(root.rglob("*.func"))
    }


class Running:
    """A function run by Vercel's own shim: it tells on a socket where it listens."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._sockets = tempfile.TemporaryDirectory(prefix="ipc-")
        address = str(Path(self._sockets.name, "ipc"))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen(1)
        listener.settimeout(START_SECONDS)
        self._process = subprocess.Popen(
            [str(python()), "-c", "import vc__handler__python"],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "VERCEL_IPC_PATH": address, "TMPDIR":
                 tempfile.gettempdir(), **environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            self._connection, _ = listener.accept()
            started = self._started()
        except BaseException:
            self.stop()
            raise
        finally:
            listener.close()
        self.url = f"http://127.0.0.1:{started['httpPort']}"
        self.init_milliseconds = float(started["userInitDuration"])
        # The shim reports on each request; somebody must read it.
        threading.Thread(target=self._read_on, daemon=True).start()

    def _started(self) -> dict[str, Any]:
        self._connection.settimeout(START_SECONDS)
        buffer = b""
        while True:
            data = self._connection.recv(65536)
            if not data:
                raise RuntimeError("the function ended before it started")
            buffer += data
            *messages, buffer = buffer.split(b"\0")
            for message in messages:
                parsed = json.loads(message)
                if parsed.get("type") == "server-started":
                    payload: dict[str, Any] = parsed["payload"]
                    return payload

    def _read_on(self) -> None:
        self._connection.settimeout(None)
        try:
            while self._connection.recv(65536):
                pass
        except OSError:
            return

    def stop(self) -> None:
        """End the function."""
        self._process.kill()
        self._process.wait()
        self._sockets.cleanup()


class Answer(NamedTuple):
    """What the built routes make of an address; one of the first three is set, or none."""

    redirect: str | None
    file: Path | None
    function: str | None
    query: str
    """What a rewrite adds."""
    headers: dict[str, str]


class Routes:
    """The built routes and files, followed as the platform does (Build Output API, version 3)."""

    def __init__(self, output: Path) -> None:
        built = json.loads((output / "config.json").read_text())
        self._routes: list[dict[str, Any]] = built["routes"]
        static = output / "static"
        # An override gives a file another address in place of its own: /docs for docs.html.
        moved = {name: each["path"] for name, each in built.get("overrides", {}).items()}
        files = (path for path in static.rglob("*") if path.is_file())
        names = {str(path.relative_to(static)): path for path in files}
        self.files = {moved.get(name, name): path for name, path in names.items()}

    def follow(self, path: str) -> Answer:
        """What answers `path`."""
        headers: dict[str, str] = {}
        for entry in self._routes:
            if entry.get("handle") == "filesystem":
                if file := self._file(path):
                    return Answer(None, file, None, "", headers)
                continue
            if entry.get("handle") == "error":
                break
            match = re.match(entry["src"], path)
            if not match:
                continue
            extra = {name: _filled(text, match) for name, text in entry.get("headers", {}).items()}
            if "Location" in extra:
                return Answer(extra["Location"], None, None, "", headers)
            headers |= extra
            if "dest" in entry:
                parts = urlsplit(_filled(entry["dest"], match))
                if file := self._file(parts.path):
                    return Answer(None, file, None, "", headers)
                return Answer(None, None, parts.path.lstrip("/"), parts.query, headers)
        return Answer(None, None, None, "", headers)

    def _file(self, path: str) -> Path | None:
        return self.files.get(path.strip("/") or "index")


def router(output: Path, addresses: Mapping[str, str]) -> WSGIApplication:
    """An application that follows the built routes.

    `addresses` are where the functions listen, by path. As on the platform the function sees the
    original path, and rewrite parameters in the query.
    """
    routes = Routes(output)
    client = httpx.Client(timeout=60, trust_env=False)

    def route(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, _, query = str(environ["REQUEST_URI"]).partition("?")
        target = routes.follow(path)
        added = list(target.headers.items())
        if target.redirect is not None:
            start_response("308 Permanent Redirect", [("Location", target.redirect), *added])
            return []
        if target.file is not None:
            kind = mimetypes.guess_type(target.file.name)[0] or "application/octet-stream"
            start_response("200 OK", [("Content-Type", kind), *added])
            return [target.file.read_bytes()]
        if target.function is None or target.function not in addresses:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"NOT_FOUND"]
        headers = {
            name[5:].replace("_", "-"): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = str(environ["CONTENT_TYPE"])
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        whole = "&".join(filter(None, (query, target.query)))
        answer = client.request(
            str(environ["REQUEST_METHOD"]),
            f"{addresses[target.function]}{path}?{whole}".rstrip("?"),
            headers=headers,
            content=body,
        )
        dropped = ("transfer-encoding", "connection", "content-length")
        kept_headers = [
            item for item in answer.headers.multi_items() if item[0].lower() not in dropped
        ]
        there = {name.lower() for name, _ in kept_headers}
        kept_headers += [(name, value) for name, value in added if name.lower() not in there]
        kept_headers.append(("Content-Length", str(len(answer.content))))
        start_response(f"{answer.status_code} {answer.reason_phrase}", kept_headers)
        return [answer.content]

    return route


def _filled(text: str, match: re.Match[str]) -> str:
    """A route's text with what its pattern found in the place of $1, $2, …"""
    return re.sub(r"\$(\d)", lambda number: match[int(number[1])] or "", text)


def _cli() -> Path:
    """The pinned Vercel CLI, installed on first use. Raises ToolMissing."""
    program = CLI / "node_modules" / ".bin" / "vercel"
    package = (ROOT / "tools" / "vercel" / "package.json").read_text()
    stamp = CLI / "package.json"
    if program.exists() and stamp.exists() and stamp.read_text() == package:
        return program
    if shutil.which("npm") is None:
        raise ToolMissing("Node and npm are needed to build as Vercel does: apt install nodejs npm")
    CLI.mkdir(parents=True, exist_ok=True)
    stamp.write_text(package)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=CLI, check=True)
    return program
