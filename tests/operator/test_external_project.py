"""The commands on a Supabase project that is not this machine's own, by its environment alone.

The project's database has hosted rights, and its settings the names and the shape that Vercel's
integration gives them.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from lib.platform.settings import read_project
from local import client as api
from tests.rigs.supabase.hosted import hosted_project
from tests.rigs.waiting import eventually

ROOT = Path(__file__).parents[2]
OWN = re.compile(r"POSTGRES|SUPABASE|_SECRET|_URL$|^MAIL_|^LOG_FILE|^SMTP|^LIVE$")
"""Settings of the tests' own stack, which may be in this process's environment."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with hosted_project(tmp_path_factory.mktemp("project")) as settings:
        yield settings


def environment(project: dict[str, str], **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not OWN.search(name)}
    return inherited | project | more


def run(project: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment(project, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def plan_of(project: dict[str, str], email: str) -> str:
    with psycopg.connect(read_project(project).postgres_url) as connection:
        row = connection.execute(
            "select plan_id from app.accounts where email = %s", (email,)
        ).fetchone()
    assert row
    return str(row[0])


def test_a_key_is_made_and_a_plan_kept(project: dict[str, str]) -> None:
    email = "op@example.com"
    done = run(project, "local", "key", "--email", email)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"ffm_\S{40,}\n", done.stdout)
    assert plan_of(project, email) == "pro"
    with psycopg.connect(read_project(project).postgres_url, autocommit=True) as connection:
        connection.execute("update app.accounts set plan_id = 'starter'")
    assert run(project, "local", "key", "--email", email.upper()).returncode == 0
    assert plan_of(project, email) == "starter"
    assert run(project, "local", "key", "--email", email, "--plan", "free").returncode == 0
    assert plan_of(project, email) == "free"


@pytest.mark.parametrize("name", ["SUPABASE_URL", "POSTGRES_URL", "SUPABASE_SERVICE_ROLE_KEY"])
def test_what_is_missing_is_named(project: dict[str, str], name: str) -> None:
    done = run(project, "local", "key", **{name: ""})
    assert done.returncode == 1
    assert re.fullmatch(r"The setting \w+ is missing\. .*\n", done.stderr), done.stderr


def test_the_operator_s_commands_work(project: dict[str, str]) -> None:
    needed = {"CRON_SECRET": "c" * 32, "API_URL": "http://127.0.0.1:9"}
    done = run(project, "local", "admin", "--json", "audit", **needed)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.slow
def test_make_up_runs_the_functions_on_the_project(
    project: dict[str, str], tmp_path: Path, clip: Path
) -> None:
    output = tmp_path / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "up", "--port", "0", "--data", str(tmp_path / "data")],
            env=environment(project),
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "FFmpeg Micro is up" in output.read_text(), seconds=180)
        text = output.read_text()
        assert f"Supabase  {project['SUPABASE_URL']}  (the project in your environment" in text
        url, key = re.findall(r"  (?:API|key) +([^\s,]+)", text)
        assert httpx.get(f"{url}/health-check", trust_env=False).json()["ok"] is True
        file_url = api.upload(url, key, clip)
        with api.connect(url, key) as http:
            body = {"inputs": [{"url": file_url}], "outputFormat": "mp3"}
            job = http.post("/v1/transcodes", json=body).json()["id"]
            eventually(
                lambda: http.get(f"/v1/transcodes/{job}").json()["status"] == "completed",
                seconds=120,
            )
        with psycopg.connect(read_project(project).postgres_url) as connection:
            assert connection.execute(
                "select status from app.jobs where id = %s", (job,)
            ).fetchone() == ("completed",)
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    assert status == 0, output.read_text()
    # A stack on stand-ins keeps its data elsewhere: neither takes the other's key.
    [folder] = (tmp_path / "data" / "projects").iterdir()
    assert (folder / "demo-key").read_text() == key


def test_make_up_refuses_a_deployment_in_production(project: dict[str, str]) -> None:
    """Its settings are in the terminal of who followed the guide."""
    ran = run(project, "local", "up", "--port", "0", VERCEL_ENV="production")
    assert ran.returncode == 1
    assert "VERCEL_ENV=production" in ran.stderr
    assert "FFmpeg Micro is up" not in ran.stdout


@pytest.mark.slow
def test_the_live_tests_pass_and_leave_the_plans_alone(project: dict[str, str]) -> None:
    limits = "select id, requests_per_minute from app.plans order by 1"
    url = read_project(project).postgres_url
    with psycopg.connect(url) as connection:
        before = connection.execute(limits).fetchall()
    done = run(project, "pytest", "-rs", "tests/live",
               "tests/api/test_isolation.py::test_a_person_s_token_authenticates",
               "tests/jobs/workers/test_fairness.py::test_creates_in_parallel_never_overspend",
               LIVE="1")  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout), done.stdout
    socket = Path(str(conninfo_to_dict(url)["host"]))
    closed = [folder for folder in socket.parents if not folder.stat().st_mode & stat.S_IXOTH]
    assert os.geteuid() != 0 or not closed, "the run closed folders to the server of this one"
    with psycopg.connect(url) as connection:
        assert connection.execute(limits).fetchall() == before
