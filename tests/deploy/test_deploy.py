"""`make deploy-check`: what `vercel build` makes of the tree, and the main job run on it."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lib.media.run.ffmpeg import meets_floor, version
from local import client as api
from local.stack import Stack
from standins.http.server import Server
from tools import deployment
from tools.deployment import Function, Running

RUN_FFMPEG = {"api/files", "api/worker"}
DURATIONS = {
    "api/account": 30,
    "api/billing": 30,
    "api/cron": 60,
    "api/files": 60,
    "api/people": 30,
    "api/service": 15,
    "api/transcodes": 30,
    "api/worker": 300,
}
INTENDED = set(DURATIONS)
OPERATOR = {
    "OPERATOR_NAME": "Example Media Ltd",
    "OPERATOR_PLACE": "Lisbon",
    "SUPPORT_EMAIL": "help@media.example",
}
PROJECT = "https://abcdefghijklmnopqrst.supabase.co"
LIMIT = 225 * 2**20
UNWANTED = ("tests/", "bench/", "local/", "standins/", "tools/", "web/", ".local/", ".git/",
            ".env", "supabase/", "demo-output/")  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deployment.copy_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def output(tree: Path) -> Path:
    return deployment.build(tree, OPERATOR | {"SUPABASE_URL": PROJECT})


@pytest.fixture(scope="module")
def built(output: Path, tree: Path) -> dict[str, Function]:
    return deployment.functions(output, tree)


def test_exactly_the_intended_functions(built: dict[str, Function]) -> None:
    assert set(built) == INTENDED
    assert len(built) <= 12


def test_each_is_small_and_complete(built: dict[str, Function]) -> None:
    for name, function in built.items():
        missing = [path for path in function.files.values() if not path.exists()]
        assert not missing, (name, missing[:3])
        assert function.size() < LIMIT, (name, function.size())
        print(f"{name}: {function.size() / 2**20:.0f} MiB")
        assert function.configuration["runtime"] == "python3.12"
        assert function.configuration["maxDuration"] == DURATIONS[name]


def test_nothing_that_does_not_belong(built: dict[str, Function]) -> None:
    for name, function in built.items():
        ours = [path for path in function.files if not path.startswith("_vendor/")]
        unwanted = [path for path in ours if path.startswith(UNWANTED)]
        assert not unwanted, (name, unwanted)


def test_ffmpeg_and_fonts_only_where_they_run(built: dict[str, Function], tmp_path: Path) -> None:
    for name, function in built.items():
        assert ("bin/ffmpeg.gz" in function.files) == (name in RUN_FFMPEG), name
        fonts = [path for path in function.files if path.startswith("bin/fonts/")]
        assert (len(fonts) > 30) == (name in RUN_FFMPEG), name
    binary = tmp_path / "ffmpeg"
    binary.write_bytes(gzip.decompress(built["api/worker"].files["bin/ffmpeg.gz"].read_bytes()))
    binary.chmod(0o755)
    assert meets_floor(version(binary))


def test_the_crons_are_planned(output: Path) -> None:
    crons = json.loads((output / "config.json").read_text())["crons"]
    assert [cron["path"] for cron in crons] == [
        "/internal/cron/heal",
        "/internal/cron/sweep",
        "/internal/cron/tasks",
    ]


@pytest.fixture(scope="module")
def deployed(
    built: dict[str, Function],
    output: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Stack, str]]:
    """The built functions behind the built routes; only Postgres and the stand-ins are local."""
    with Stack(tmp_path_factory.mktemp("stack"), functions=False) as stack:
        front = Server(threads=8)
        environment = stack.settings | {
            "API_URL": front.url,
            "WORKER_URL": f"{front.url}/internal/worker",
            "FUNCTION_SECONDS": "285",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        running: dict[str, Running] = {}
        try:
            for name, function in built.items():
                folder = tmp_path_factory.mktemp(function.name)
                running[name] = Running(function.unpack(folder), environment)
                print(f"{name}: user init {running[name].init_milliseconds:.0f} ms")
            addresses = {name: each.url for name, each in running.items()}
            front.serve(deployment.router(output, addresses))
            yield stack, front.url
        finally:
            front.stop()
            for each in running.values():
                each.stop()


def test_the_main_job_through_the_built_routes(deployed: tuple[Stack, str], clip: Path) -> None:
    stack, url = deployed
    with api.connect(url, stack.demo_key()) as client:
        link = api.presign(client, clip)
        api.put(link["uploadUrl"], clip)
        stored = api.confirm(client, link["filename"], clip)
        assert stored["metadata"]["width"] == 320
        body = {
            "inputs": [{"url": stored["fileUrl"]}],
            "outputFormat": "webm",
            "options": [{"option": "@text-overlay", "argument": {"text": "Built \u4f60\u597d"}}],
        }
        job = api.call(client, "POST", "/v1/transcodes", body)
        end = time.monotonic() + 60
        while (read := api.call(client, "GET", f"/v1/transcodes/{job['id']}"))["status"] in (
            "pending",
            "processing",
        ):
            assert time.monotonic() < end, read
            time.sleep(0.1)
        assert read["status"] == "completed", read
        link = api.call(client, "GET", f"/v1/transcodes/{job['id']}/download")
        data = httpx.get(link["url"], trust_env=False).content
        assert len(data) == read["outputs"][0]["size_bytes"]
        probed = api.call(client, "POST", "/v1/ffprobe", {"url": stored["fileUrl"]})
        assert probed["metadata"]["has_audio"] is True
        assert api.call(client, "GET", "/v1/transcodes")["total"] == 1
        refused = client.patch(f"/v1/transcodes/{job['id']}/cancel")
        assert refused.status_code == 400


def test_the_rest_answers_json(deployed: tuple[Stack, str]) -> None:
    stack, url = deployed
    assert httpx.get(f"{url}/health-check", trust_env=False).json()["ok"] is True
    assert httpx.get(f"{url}/openapi.yaml", trust_env=False).text.startswith("openapi:")
    for path in ("/nothing", "/v1/", "/v1/transcodes/%2e%2e/x", "/v1/transcodes/"):
        answer = httpx.get(f"{url}{path}", trust_env=False)
        assert answer.status_code in (401, 404), path
        assert answer.json()["error"]
    secret = stack.settings["CRON_SECRET"]
    for key, status in (("wrong", 401), (secret, 200)):
        answer = httpx.get(
            f"{url}/internal/cron/heal",
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        assert answer.status_code == status


def test_every_page_is_beside_the_functions_with_its_headers(
    deployed: tuple[Stack, str], output: Path
) -> None:
    _, url = deployed
    pages = {path: file for path, file in deployment.Routes(output).files.items()
             if file.suffix == ".html"}  # fmt: skip
    names = {"index", "404", "500", "app", "sign-up", "sign-in", "reset", "confirm", "pricing"}
    names |= {"docs", "docs/api", "docs/allowed", "privacy", "privacy/1", "terms", "support"}
    assert names | {"status"} <= set(pages)
    with httpx.Client(base_url=url, trust_env=False) as client:
        for path in ["" if path == "index" else path for path in pages] + ["dashboard", "jobs/x"]:
            answer = client.get(f"/{path}")
            assert answer.status_code == 200, path
            assert answer.text.startswith("<!doctype html>"), path
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            narrowed = re.findall(
                r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', answer.text
            )
            assert narrowed == [
                f"connect-src 'self' {PROJECT}; img-src 'self' blob: {PROJECT};"
                f" media-src 'self' blob: {PROJECT}"
            ], path
            before = answer.text.partition("http-equiv")[0]  # what precedes it is not held to it
            assert "src=" not in before and "href=" not in before, path
            assert "max-age" in answer.headers["Strict-Transport-Security"]
            assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
            for asset in re.findall(r'(?:src|href)="(/assets/[^"]+)"', answer.text):
                result = client.get(asset)
                assert result.status_code == 200, asset
                assert "immutable" in result.headers["Cache-Control"]
        assert client.get("/index.html").status_code == 308
        kinds = {
            "/docs.md": "text/markdown",
            "/docs/api.md": "text/markdown",
            "/docs/search.json": "application/json",
            "/llms.txt": "text/plain",
            "/sample.mp4": "video/mp4",
            "/style.css": "text/css",
        }
        for path, kind in kinds.items():
            assert client.get(path).headers["Content-Type"].startswith(kind), path
        policy_page = client.get("/privacy").text
        assert all(reply in policy_page for reply in OPERATOR.values())
        lost = client.get("/nothing", headers={"Accept": "text/html"})
        assert (lost.status_code, "There is no such page" in lost.text) == (404, True)
    assert not (output / "static" / ".vite").exists()
