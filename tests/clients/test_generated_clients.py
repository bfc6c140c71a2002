"""Clients that stock generators make of the OpenAPI document; linters find nothing in it."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.http.service.openapi import document
from local.stack import Stack
from tests.rigs.accounts import Account

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent / "js"
FILES = ("package.json", "package-lock.json", "client.ts", "tsconfig.json", "redocly.yaml",
         ".spectral.yaml")  # fmt: skip


def run(command: list[str], folder: Path, **settings: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pinned npm tools and the document."""
    if not shutil.which("npm"):
        pytest.skip("Node and npm are missing")
    folder = tmp_path_factory.mktemp("generated")
    for name in FILES:
        shutil.copy(FOLDER / name, folder)
    (folder / "openapi.yaml").write_bytes(document())
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    return folder


def test_redocly_finds_nothing(node: Path) -> None:
    result = run(
        ["npx", "--no-install", "redocly", "lint", "openapi.yaml", "--format=json"],
        node,
        REDOCLY_TELEMETRY="off",
    )
    text, _ = json.JSONDecoder().raw_decode(result[result.index("{") :])
    assert text["problems"] == []


def test_spectral_finds_nothing(node: Path) -> None:
    command = ["npx", "--no-install", "spectral", "lint", "openapi.yaml", "--format=json"]
    result = run([*command, "--fail-severity=hint", "--quiet"], node)
    assert json.loads(result[result.index("[") :].partition("]")[0] + "]") == []


def test_openapi_fetch_runs_jobs(node: Path, stack: Stack, account: Account, clip: Path) -> None:
    run(["npx", "--no-install", "openapi-typescript", "openapi.yaml", "-o", "schema.d.ts"], node)
    run(["npx", "--no-install", "tsc"], node)
    result = run(
        ["node", "client.js"],
        node,
        API_URL=stack.url,
        API_KEY=account.key,
        INPUT_URL=account.upload(clip),
    )
    assert json.loads(result) == {
        "plain": "completed",
        "overlay": "completed",
        "code": "job_not_found",
        "downloaded": True,
    }


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package that openapi-python-client makes, on the path."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "openapi.yaml").write_bytes(document())
    (folder / "config.yaml").write_text(
        "post_hooks: []\n"
        "package_name_override: generated_client\n"
        "content_type_overrides: {application/yaml: text/plain}\n"
    )
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.yaml"]
    result = run([*command, "--meta=none", "--config=config.yaml", "--fail-on-warning"], folder)
    assert "warning" not in result.lower(), result
    sys.path.insert(0, str(folder))
    yield "generated_client"
    sys.path.remove(str(folder))


def test_openapi_python_client_runs_the_main_job(
    package: str, stack: Stack, account: Account, clip: Path
) -> None:
    def part(name: str) -> Any:
        return importlib.import_module(f"{package}.{name}")

    models = part("models")
    client = part("client").AuthenticatedClient(base_url=stack.url, token=account.key)
    link = part("api.uploads.create_upload").sync(
        client=client,
        body=models.PresignRequest(
            filename=clip.name,
            content_type=models.PresignRequestContentType("video/mp4"),
            file_size=clip.stat().st_size,
        ),
    )
    httpx.put(
        link.result.upload_url,
        content=clip.read_bytes(),
        headers={"Content-Type": "video/mp4"},
        trust_env=False,
    ).raise_for_status()
    stored = part("api.uploads.confirm_upload").sync(
        client=client,
        body=models.ConfirmRequest(filename=link.result.filename, file_size=clip.stat().st_size),
    )
    accepted = part("api.jobs.create_transcode").sync(
        client=client,
        body=models.TranscodeRequest(
            inputs=[models.Input(url=stored.result.file_url)], output_format="mp4"
        ),
    )
    assert isinstance(accepted, models.Accepted), accepted
    end = time.monotonic() + 120
    while True:
        job = part("api.jobs.get_transcode").sync(accepted.id, client=client)
        if job.status not in ("pending", "processing"):
            break
        assert time.monotonic() < end, job
        time.sleep(0.2)
    assert job.status == "completed", job
    download = part("api.jobs.download_transcode").sync(accepted.id, client=client)
    assert len(httpx.get(download.url, trust_env=False).content) == job.outputs[0].size_bytes
    refused = part("api.jobs.create_transcode").sync(
        client=client,
        body=models.TranscodeRequest(
            inputs=[models.Input(url="https://example.com/a.mp4")], output_format="nothing"
        ),
    )
    assert refused.code == "invalid_job"
    assert refused.refusals
