"""Reports of jobs, and what they alone allow: the operator's staff opening the files."""

from __future__ import annotations

import argparse
import ast
import json
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from lib.admin.__main__ import _parser, main
from lib.platform import postgres
from lib.platform.settings import settings
from lib.privacy import reports, staff
from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.people import account_id, html, mails_with, plain

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"/object/(sign|upload)|token=|signature=|\beyJ|\bffm_\w{20}")
"""What a link to a file, or a credential, has in it."""


@pytest.fixture
def job(account: Account, clip: Path) -> dict[str, Any]:
    """A job with an input and an output."""
    return account.wait(account.create(account.upload(clip), "mp3"))


def report(account: Account, job: dict[str, Any], message: str = "It hums.") -> httpx.Response:
    return account.http.post(f"/v1/transcodes/{job['id']}/report", json={"message": message})


def opened(job: dict[str, Any], **answer: Any) -> list[staff.OpenedFile]:
    request: dict[str, Any] = {"reason": "To hear it.", "minutes": 30, "who": "olga"} | answer
    return staff.open(uuid.UUID(job["id"]), **request)


def accesses(account: Account) -> list[dict[str, Any]]:
    return list(account.http.get("/v1/account/access-log").json()["items"])


def link_seconds(link: str) -> float:
    """How long Storage takes a link for good."""
    [token] = parse_qs(urlsplit(link).query)["token"]
    return float(jwt.decode(token, options={"verify_signature": False})["exp"]) - time.time()


def test_a_report_is_stored_mailed_and_closed(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    message = f"It hums <b>loudly</b>. {uuid.uuid4()}"
    answer = report(account, job, message)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["job_id"], body["state"], body["closed_at"]) == (job["id"], "open", None)
    [mail] = mails_with(stack, message)
    assert mail["To"] == settings().support_email
    assert mail["Reply-To"] == account.email
    assert mail["Subject"] == f"Reported: job {job['id']}"
    assert account_id(account) in plain(mail)
    assert "&lt;b&gt;" in html(mail)
    assert account.http.get("/v1/account/reports").json()["items"] == [body]
    assert main(["close-report", job["id"], "--reason", "It is mended."]) == 0
    [closed] = account.http.get("/v1/account/reports").json()["items"]
    assert closed["state"] == "closed"
    assert closed["closed_at"].endswith("Z")
    assert main(["close-report", job["id"], "--reason", "again"]) == 1


def test_who_may_report(
    stack: Stack, person: Person, account: Account, job: dict[str, Any]
) -> None:
    assert report(account, job | {"id": str(uuid.uuid4())}).status_code == 404
    assert report(account, job | {"id": "none"}).status_code == 404
    for scopes, status in ((["jobs"], 404), (["read"], 403)):  # of another's job
        key = person.http.post("/v1/api-keys", json={"scopes": scopes}).json()["key"]
        with api_client.connect(stack.url, key) as client:
            answer = client.post(f"/v1/transcodes/{job['id']}/report", json={"message": "x"})
            assert answer.status_code == status
    assert person.http.get("/v1/account/reports").json() == {"items": []}


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": "\n "}, {"message": "x" * 5001},
                                  {"message": "x", "state": "closed"}, {"message": 7}])  # fmt: skip
def test_a_bad_report_is_refused(
    account: Account, body: dict[str, Any], job: dict[str, Any]
) -> None:
    answer = account.http.post(f"/v1/transcodes/{job['id']}/report", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_reports_are_few(account: Account, job: dict[str, Any]) -> None:
    codes = [report(account, job).status_code for _ in range(reports.MOST_OPEN + 1)]
    assert codes == [201] * reports.MOST_OPEN + [409]
    reports.close(uuid.UUID(job["id"]), reason="x", who="olga")
    assert report(account, job).status_code == 201
    postgres.rows(
        """
        insert into app.reports (id, account_id, job_id, message, closed_at)
        select gen_random_uuid(), %(account)s, %(job)s, 'x', now()
          from generate_series(1, %(most)s)
        """,
        {"account": account_id(account), "job": job["id"], "most": reports.MOST_A_DAY},
    )
    refused = report(account, job)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers


def test_a_reported_job_s_files_are_opened_and_the_owner_knows(
    stack: Stack, account: Account, job: dict[str, Any], clip: Path
) -> None:
    with pytest.raises(staff.Refused, match="has not reported"):
        opened(job)
    assert accesses(account) == []
    report(account, job)
    reason = f"To hear it {uuid.uuid4()}."
    files = {each.file: each for each in opened(job, reason=reason)}
    assert set(files) == {job["inputs"][0]["url"], job["output_url"]}
    source = files[job["inputs"][0]["url"]]
    assert source.link
    got = httpx.get(source.link, trust_env=False)
    assert got.content == clip.read_bytes()
    for each in files.values():
        assert each.link
        assert 29 * 60 < link_seconds(each.link) <= 30 * 60
    [display] = accesses(account)
    assert (display["who"], display["job_id"], display["reason"]) == ("olga", job["id"], reason)
    assert display["legal_reference"] is None
    assert display["files"] == sorted(files)
    assert display["at"] < display["until"]
    [mail] = mails_with(stack, reason)
    assert mail["To"] == account.email
    assert "You had reported this job." in plain(mail)
    assert job["id"] in plain(mail)
    [entry] = postgres.rows(
        "select * from app.operator_log where job_id = %(id)s and act = 'open-files'",
        {"id": job["id"]},
    )
    assert (entry["who"], entry["reason"]) == ("olga", reason)
    assert entry["detail"]["files"] == 2
    reports.close(uuid.UUID(job["id"]), reason="x", who="olga")
    with pytest.raises(staff.Refused, match="report is closed"):
        opened(job)
    assert len(accesses(account)) == 1


def test_the_law_opens_files_too_and_that_shows(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    for nothing in ("", "  "):
        with pytest.raises(staff.Refused, match="has not reported"):
            opened(job, legal_reference=nothing)
    reference = f"Court order {uuid.uuid4()}"
    assert all(each.link for each in opened(job, legal_reference=reference))
    [display] = accesses(account)
    assert display["legal_reference"] == reference
    [mail] = mails_with(stack, reference)
    assert "The law requires it" in plain(mail)


def test_a_report_by_another_opens_nothing(
    account: Account, other_account: Account, job: dict[str, Any]
) -> None:
    """Not even one that got past the route."""
    postgres.rows(
        "insert into app.reports (id, account_id, job_id, message)"
        " values (gen_random_uuid(), %(account)s, %(job)s, 'x')",
        {"account": account_id(other_account), "job": job["id"]},
    )
    with pytest.raises(staff.Refused, match="has not reported"):
        opened(job)
    assert accesses(account) == []


def test_all_files_that_a_job_names_are_opened(
    account: Account, clip: Path, job: dict[str, Any]
) -> None:
    picture = account.wait(account.create(account.upload(clip), "png"))
    watermark = {"option": "@watermark", "argument": {"url": picture["output_url"]}}
    new_job = account.wait(account.create([account.upload(clip)], "mp4", options=[watermark]))
    assert new_job["status"] == "completed", new_job
    report(account, new_job)
    files = {each.file for each in opened(new_job)}
    assert files == {new_job["inputs"][0]["url"], picture["output_url"], new_job["output_url"]}


def test_no_link_lives_longer_than_its_file(account: Account, job: dict[str, Any]) -> None:
    report(account, job)
    postgres.rows(
        "update app.files set expires_at = now() + interval '90 seconds' where job_id = %(id)s",
        {"id": job["id"]},
    )
    links = {each.file: each.link for each in opened(job)}
    output = links[job["output_url"]]
    assert output
    assert link_seconds(output) <= 90
    postgres.rows(
        "update app.files set expires_at = now() where job_id = %(id)s", {"id": job["id"]}
    )
    files = {each.file: each for each in opened(job)}
    missing = files[job["output_url"]]
    assert missing.link is None
    assert missing.deleted
    assert "was deleted on" in missing.deleted
    assert accesses(account)[0]["files"] == [job["inputs"][0]["url"]]
    account.http.delete(f"/v1/transcodes/{job['id']}")
    with pytest.raises(staff.Refused, match="was deleted on"):
        opened(job)
    assert len(accesses(account)) == 2


def test_what_can_not_be_opened_is_told(account: Account, job: dict[str, Any]) -> None:
    report(account, job)
    for minutes in (0, -1, 24 * 60 + 1):
        with pytest.raises(staff.Refused, match="1 to 1440 minutes"):
            opened(job, minutes=minutes)
    with pytest.raises(staff.Refused, match="reason"):
        opened(job, reason=" ")
    with pytest.raises(staff.Refused, match="no job"):
        opened(job | {"id": str(uuid.uuid4())})
    web = account.create("https://example.com/clip.mp4", "mp3")
    account.http.post(f"/v1/transcodes/{web}/report", json={"message": "x"})
    with pytest.raises(staff.Refused, match="no files here"):
        opened({"id": web})
    assert accesses(account) == []


def test_without_a_record_there_is_no_link(account: Account, job: dict[str, Any]) -> None:
    """The table itself refuses an access longer than a day, without a reason or files."""
    values = {"account": account_id(account), "job": job["id"]}
    for until, reason, files in (("25 hours", "x", "{x}"), ("1 hour", "", "{x}"),
                                 ("1 hour", "x", "{}")):  # fmt: skip
        with pytest.raises(postgres.PostgresError, match="CheckViolation"):
            postgres.rows(
                """
                insert into app.staff_accesses (who, account_id, job_id, reason, until, files)
                values ('olga', %(account)s, %(job)s, %(reason)s,
                        now() + %(until)s::interval, %(files)s)
                """,
                values | {"until": until, "reason": reason, "files": files},
            )


# What the operator's commands show.


def commands() -> dict[str, argparse.ArgumentParser]:
    [chosen] = [each for each in _parser()._actions if each.dest == "command"]
    return dict(chosen.choices or {})


PLAUSIBLE = {
    "term": "{email}", "account": "{account}", "job": "{job}", "minutes": "5",
    "reason": "A test of all commands.", "task": "{task}", "version": "{version}",
    "summary": "It is new.",
}  # fmt: skip


def arguments(name: str, values: dict[str, str]) -> list[str]:
    """A command line that gives a command all that it takes, as far as PLAUSIBLE knows it."""
    line = [name]
    for action in commands()[name]._actions:
        known = PLAUSIBLE.get(action.dest)
        needed = action.required or not action.option_strings
        if action.dest == "help" or (known is None and not needed):
            continue
        if known is None and action.nargs == "?":
            continue
        assert known is not None, f"say above what is plausible for `{action.dest}` of {name}"
        line += [*action.option_strings[:1], known.format(**values)]
    return line


@pytest.fixture
def values(account: Account, job: dict[str, Any]) -> Iterator[dict[str, str]]:
    """What command lines name."""
    version = f"test-{uuid.uuid4()}"
    task = postgres.row(
        "insert into app.tasks (kind, account_id, error, ended_at)"
        " values ('none', %(id)s, 'x', now()) returning id",
        {"id": account_id(account)},
    )
    assert task
    yield {
        "email": account.email, "account": account_id(account), "job": job["id"],
        "task": str(task["id"]), "version": version,
    }  # fmt: skip
    for statement in (
        "delete from app.policy_acceptances where version = %(version)s",
        "delete from app.policies where version = %(version)s",
        "delete from app.tasks where key like 'policy:' || %(version)s || ':%%'",
        "delete from app.tasks where key = 'announce:' || %(version)s or id = %(task)s",
    ):
        postgres.rows(statement, {"version": version, "task": task["id"]})


@pytest.mark.parametrize("name", sorted(commands()))
def test_no_command_shows_a_link(
    name: str, values: dict[str, str], account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    if name == "retry":
        postgres.rows(
            "update app.jobs set status = 'failed',"
            " error_message = 'A test has set this job to failed.' where id = %(id)s",
            {"id": values["job"]},
        )
    line = arguments(name, values)
    codes = [main(["--json", *line]), main(line)]
    output = capfd.readouterr()
    answer = output.out + output.err
    assert set(codes) <= {0, 1}
    assert answer
    assert "Traceback" not in answer
    assert not LINK.search(answer), answer
    assert account.key not in answer
    assert accesses(account) == [] or name == "suspend"


def test_only_open_files_on_a_reported_job_shows_links(
    account: Account, values: dict[str, str], job: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    line = arguments("open-files", values)
    assert main(line) == 1
    refused = capfd.readouterr()
    assert "has not reported" in refused.err
    report(account, job, "It hums, and that is all I say.")
    assert main(["--json", "reports"]) == 0
    listed = capfd.readouterr().out
    assert job["id"] in listed
    assert not LINK.search(listed)
    assert main(["--as", "olga", "--json", *line]) == 0
    output = json.loads(capfd.readouterr().out)
    assert all(httpx.get(each["link"], trust_env=False).is_success for each in output)
    assert len(accesses(account)) == 1
    assert main(["--as", "olga", *line]) == 0
    assert LINK.search(capfd.readouterr().out)
    assert main(["log", values["account"]]) == 0
    assert not LINK.search(capfd.readouterr().out)  # not kept anywhere
    assert len(accesses(account)) == 2


# Who may make a link at all.

MAKERS = {
    "sign_upload": {"lib/files/uploads.py"},
    "sign_download": {"lib/files/uploads.py", "lib/jobs/read.py", "lib/files/links.py",
                      "lib/privacy/export.py", "lib/privacy/staff.py"},
    "input_link": {"lib/jobs/api_models.py"},
    "create_signed_url": {"lib/files/stores/storage.py"},
    "create_signed_urls": set(),
    "create_signed_upload_url": {"lib/files/stores/storage.py"},
}  # fmt: skip
"""Functions that make links, and the modules that use them: all but one for the files' owner."""
READERS = {"lib/files/open.py"}
"""Modules that read a stored file's bytes: the worker's."""


def modules() -> dict[str, ast.Module]:
    paths = [path for folder in ("lib", "api", "tools") for path in (ROOT / folder).rglob("*.py")]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def names(tree: ast.Module) -> set[str]:
    """All names that a module uses or imports, and `module.name` where a name is looked up."""
    matches: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            matches.add(node.attr)
            if isinstance(node.value, ast.Name):
                matches.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Name):
            matches.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            matches |= {
                f"{(node.module or '').rpartition('.')[2]}.{each.name}" for each in node.names
            }
            matches |= {each.name for each in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            matches.add(node.value)  # getattr's
    return matches


def test_links_are_made_where_we_know_of_it() -> None:
    used = {path: names(tree) for path, tree in modules().items()}
    for name, makers in MAKERS.items():
        assert {path for path, result in used.items() if name in result} == makers, name
    readers = {
        path for path, result in used.items() if result & {"storage.download", "storage.stream"}
    }
    assert readers == READERS
    assert {path for path, result in used.items() if "staff.open" in result} == {
        "lib/admin/__main__.py"
    }


def test_the_commands_know_nothing_that_answers_owners_with_links() -> None:
    forbidden = {"storage", "links", "wire", "read", "uploads"}
    for path, tree in modules().items():
        if not path.startswith("lib/admin/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lib."):
                by_name = {each.name for each in node.names} | set((node.module or "").split("."))
                assert not by_name & forbidden, (path, by_name & forbidden)
