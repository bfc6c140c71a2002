"""The structured log: JSON lines with ids, and nothing of what callers send."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lib.outbox import tasks
from local import client as api_client
from local.retention import LOG
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

ROOT = Path(__file__).parents[2]


def lines(stack: Stack) -> list[dict[str, Any]]:
    """Every line of the log; each is JSON."""
    return [json.loads(line) for line in (stack.folder / LOG).read_text().splitlines()]


def waited(stack: Stack, expected: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first line that is wanted, once it is written."""

    def search() -> dict[str, Any] | None:
        written = lines(stack) if (stack.folder / LOG).exists() else []
        return next((line for line in written if expected(line)), None)

    line = eventually(search)
    assert line is not None
    return line


def test_a_request_leaves_one_line_of_ids(stack: Stack, account: Account) -> None:
    answer = account.http.get("/v1/transcodes?status=completed")
    request_id = answer.headers["X-Request-Id"]
    line = waited(stack, lambda each: each.get("request_id") == request_id)
    assert set(line) == {"at", "level", "event", "request_id", "method", "route", "status", "ms",
                         "account_id", "key_id"}  # fmt: skip
    assert (line["event"], line["method"], line["route"], line["status"]) == (
        "request", "GET", "/v1/transcodes", 200,
    )  # fmt: skip
    assert uuid.UUID(line["account_id"])
    assert uuid.UUID(line["key_id"])


def test_a_job_leaves_a_line_at_its_end(
    stack: Stack, account: Account, clip: Path, sources: SourceServer
) -> None:
    job = account.wait(account.create(account.upload(clip), "mp3"))
    line = waited(stack, lambda each: each.get("job_id") == job["id"])
    assert line["status"] == "completed"
    assert line["minutes"] == job["billable_minutes"]
    assert line["bytes_in"] > 0
    assert line["bytes_out"] == job["outputs"][0]["size_bytes"]
    assert (line["attempt"], line["account_id"]) == (1, job["user_id"])
    assert line["queued_seconds"] >= 0
    phases = ("fetch_seconds", "probe_seconds", "ffmpeg_seconds", "store_seconds")
    assert all(line[phase] >= 0 for phase in phases)
    assert sum(line[phase] for phase in phases) <= line["seconds"] + 0.01
    assert line["ffmpeg_seconds"] > 0
    assert line["phase"] == "store"
    failed = account.wait(account.create(f"http://127.0.0.1:{sources.port}/none.mp4", "mp3"))
    line = waited(stack, lambda each: each.get("job_id") == failed["id"])
    assert (line["status"], line["category"]) == ("failed", failed["error_category"])
    assert (line["reason"], line["phase"]) == ("status_404", "fetch")
    assert "ffmpeg_seconds" not in line
    canceled = account.create(f"http://127.0.0.1:{sources.port}/hang", "mp3")
    account.http.patch(f"/v1/transcodes/{canceled}/cancel")
    assert waited(stack, lambda each: each.get("job_id") == canceled)["status"] == "canceled"


def test_no_line_holds_what_callers_send(
    stack: Stack, account: Account, person: Person, clip: Path, sources: SourceServer
) -> None:
    secret = f"hidden{uuid.uuid4().hex}"
    named_file = clip.with_name(f"{secret}.mp4")
    named_file.write_bytes(clip.read_bytes())
    job = account.wait(account.create(account.upload(named_file), "mp3", metadata={"note": secret}))
    account.download(job["id"])
    person.http.get("/v1/account")
    person.http.patch("/v1/account", json={"name": secret})
    bad = f"ffm_{secret}"
    with api_client.connect(stack.url, bad) as client:
        client.get("/v1/transcodes")
    hostile = {"User-Agent": f'"}} {{"{secret}', "X-Forwarded-For": secret, "Referer": secret,
               "Cookie": secret, "x-real-ip": "203.0.113.77", "X-Request-Id": secret}  # fmt: skip
    for method, path in (
        ("GET", f"/v1/transcodes?since={secret}"),
        ("GET", f"/v1/transcodes/{secret}"),
        ("GET", f"/{secret}"),
        (f"X{secret}".upper(), "/v1/transcodes"),
        ("DELETE", f"/v1/upload/{secret}.mp4"),
        ("POST", "/v1/transcodes"),
    ):
        account.http.request(method, path, headers=hostile, content=f'{{"{secret}": "{secret}')
    failing = f"https://user:{secret}@example.com/{secret}.mp4?key={secret}"
    account.http.post("/v1/transcodes", json={"inputs": [{"url": failing}], "outputFormat": "mp4"})
    account.wait(
        account.create(f"http://127.0.0.1:{sources.port}/{secret}.mp4?key={secret}", "mp3")
    )
    last = account.http.get("/v1/transcodes").headers["X-Request-Id"]
    waited(stack, lambda each: each.get("request_id") == last)
    text = (stack.folder / LOG).read_text().lower()
    for answer in (secret, account.key, account.email, person.token, person.email, "203.0.113.77",
                 "127.0.0.1", stack.settings["CRON_SECRET"],
                 stack.settings["SUPABASE_SECRET_KEY"]):  # fmt: skip
        assert answer.lower() not in text, answer


def test_an_error_is_told_without_its_text(stack: Stack) -> None:
    kind = f"test-{uuid.uuid4()}"
    program = f"""
from lib.outbox import tasks
from lib.platform import postgres
def fails(task):
    postgres.rows("insert into app.plans (id, name) values ('free', 'ann@example.com')")
tasks.add({kind!r})
tasks.run({{{kind!r}: fails}}, 1)
"""
    environment = {**os.environ, **stack.settings, "LOG_FILE": ""}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    [line] = [json.loads(each) for each in run.stderr.splitlines()]
    assert line["event"] == "task failed"
    assert [cause["error"] for cause in line["causes"]] == ["PostgresError", "NotNullViolation"]
    assert line["causes"][1]["sqlstate"] == "23502"
    assert "ann@example.com" not in run.stderr
    assert any("lib/outbox/tasks.py" in place for place in line["causes"][0]["at"])


def logged(program: str) -> list[dict[str, Any]]:
    """The lines that a program logs in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", f"from lib.platform import log\n{program}"],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_a_failed_worker_names_the_job_and_what_the_system_refused() -> None:
    job, account = uuid.uuid4(), uuid.uuid4()
    [line] = logged(
        f"""
from uuid import UUID
try:
    try:
        raise OSError(28, "No space left on device", "/tmp/ann@example.com.mp4")
    except OSError as error:
        raise RuntimeError("of ann@example.com") from error
except RuntimeError as error:
    log.error("worker failed", error, job_id=UUID({str(job)!r}), account_id={str(account)!r},
              reason="disk_full")
"""
    )
    assert line["event"] == "worker failed"
    assert (line["job_id"], line["account_id"]) == (str(job), str(account))
    assert (line["errno"], line["reason"]) == (28, "disk_full")
    assert [cause["error"] for cause in line["causes"]] == ["RuntimeError", "OSError"]
    assert "ann@example.com" not in json.dumps(line)


def test_fields_take_nothing_that_a_caller_may_have_sent() -> None:
    """An id is a UUID, a reason a short word: text that gets there by mistake is not printed."""
    secrets = ["ann@example.com", "https://example.com/?key=1", "x" * 41, "Two words", "", "é"]
    lines = logged(
        f"""
for text in {secrets!r}:
    log.info("job", job_id=text, account_id=text, key_id=text, request_id=text, reason=text)
    log.warning("tried", ValueError(text), errno=text)
log.info("job", job_id=None, account_id=None, reason="x" * 40)
"""
    )
    for line in lines[:-1]:
        names = {"job_id", "account_id", "key_id", "request_id", "reason", "errno"} & set(line)
        assert names
        assert {line[name] for name in names} == {"invalid"}
    for secret in filter(None, secrets):
        assert secret not in json.dumps(lines[:-1], ensure_ascii=False)
    assert lines[-1]["job_id"] is None
    assert lines[-1]["reason"] == "x" * 40


def test_an_error_without_a_number_has_no_errno() -> None:
    [line] = logged("log.error('failed', ValueError('x'))")
    assert "errno" not in line


def test_a_setting_that_is_missing_is_logged_too() -> None:
    program = (
        "from lib.platform import log\n"
        "from lib.platform.settings import settings\n"
        "try:\n    settings()\n"
        "except Exception as error:\n    log.error('not started', error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(run.stderr)["causes"][0]["error"] == "SettingsError"


def test_all_lines_go_through_one_module() -> None:
    """Nothing in the product prints or logs by itself."""
    allowed = {
        *("lib/platform/log.py", "lib/admin/output.py", "lib/admin/__main__.py"),
        "lib/media/run/subtitle_parser.py",  # its standard output goes to its parent
    }
    for path in [*(ROOT / "lib").rglob("*.py"), *(ROOT / "api").rglob("*.py")]:
        if str(path.relative_to(ROOT)) in allowed:
            continue
        source = path.read_text()
        for word in ("print(", "import logging", "sys.stderr", "sys.stdout"):
            texts = [line for line in source.splitlines() if word in line]
            assert all("fingerprint(" in line for line in texts), (path, texts)


def test_a_task_s_end_is_logged(stack: Stack) -> None:
    kind = f"test-{uuid.uuid4()}"
    tasks.add(kind)
    tasks.run({kind: lambda _: None}, 5)
    assert waited(stack, lambda each: each.get("kind") == kind)["event"] == "task done"
