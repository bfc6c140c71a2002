"""`make supabase-setup` against the Management API, over HTTP."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.rigs.supabase import management_api
from tests.rigs.supabase.management_api import FREE_BYTES, REF, TOKEN, Project
from tools.hosted import environment, project_settings, supabase_setup

ROOT = Path(__file__).parents[2]
SITE = "https://video.example.com"
PASSWORD = "smtp p@ss/word"
SETTINGS = {
    "SUPABASE_URL": f"https://{REF}.supabase.co",
    "SUPABASE_ACCESS_TOKEN": TOKEN,
    "SITE_URL": SITE,
    "MAIL_TRANSPORT": "smtp",
    "MAIL_FROM": "Video <no-reply@example.com>",
    "SMTP_URL": "smtp://sender:smtp%20p%40ss%2Fword@mail.example.com:2525",
}
WITHOUT_SMTP = {"MAIL_TRANSPORT": "", "SMTP_URL": ""}


@pytest.fixture
def project() -> Iterator[Project]:
    with management_api.serve(Project()) as running:
        yield running


class Done(NamedTuple):
    """What a run of the command gave."""

    returncode: int
    stdout: str
    stderr: str


def setup(project: Project, *arguments: str, **settings: str) -> Done:
    """The command with nothing but these settings."""
    environ = {"SUPABASE_MANAGEMENT_URL": project.url} | SETTINGS | settings
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = supabase_setup.main([*arguments], environ)
    done = Done(status, out.getvalue(), err.getvalue())
    for secret in (PASSWORD, TOKEN, "smtp%20p%40ss"):
        assert secret not in done.stdout + done.stderr
    return done


def test_it_is_a_command(project: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.hosted.supabase_setup", "--check"],
        env={"PATH": os.environ["PATH"], "SUPABASE_MANAGEMENT_URL": project.url} | SETTINGS,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "fix: make supabase-setup" in done.stdout


def test_a_new_project_is_set_up_once(project: Project) -> None:
    project.free = False
    before = setup(project, "--check")
    assert before.returncode == 1
    assert (
        "site_url is http://localhost:3000; it must be https://video.example.com" in before.stdout
    )
    assert "Authentication → URL Configuration → Site URL" in before.stdout
    assert project.calls == []

    done = setup(project)
    assert done.returncode == 0, done.stderr
    auth = project.auth
    assert auth["site_url"] == SITE
    assert set(auth["uri_allow_list"].split(",")) == {SITE, f"{SITE}/**"}
    assert auth["hook_before_user_created_enabled"] is True
    assert auth["hook_before_user_created_uri"] == "pg-functions://postgres/app/before_user_created"
    assert (auth["smtp_host"], auth["smtp_port"]) == ("mail.example.com", "2525")
    assert (auth["smtp_user"], auth["smtp_pass"]) == ("sender", PASSWORD)
    assert (auth["smtp_admin_email"], auth["smtp_sender_name"]) == ("no-reply@example.com", "Video")
    assert auth["password_min_length"] == 8
    for name in ("confirmation", "recovery", "email_change", "invite", "magic_link"):
        text = (ROOT / f"supabase/templates/{name}.html").read_text()
        assert auth[f"mailer_templates_{name}_content"] == text
    assert auth["mailer_subjects_recovery"] == "Reset your password"
    assert project.storage["fileSizeLimit"] == 2_040_109_465

    changes = len(project.calls)
    second = setup(project)
    assert (second.returncode, len(project.calls)) == (0, changes)
    checked = setup(project, "--check")
    assert checked.returncode == 0, checked.stdout
    assert len(project.calls) == changes


@pytest.mark.parametrize(("name", "value"), [
    ("site_url", "http://localhost:3000"), ("uri_allow_list", f"{SITE}"),
    ("hook_before_user_created_enabled", False), ("smtp_pass", "another"), ("smtp_port", "25"),
    ("mailer_subjects_recovery", "Hi"), ("mailer_templates_invite_content", "<p>Hi</p>"),
    ("mailer_autoconfirm", True), ("password_min_length", 6),
])  # fmt: skip
def test_each_difference_is_found_and_set_again(project: Project, name: str, value: object) -> None:
    project.free = False
    assert setup(project).returncode == 0
    right = project.auth[name]
    project.auth[name] = value
    checked = setup(project, "--check")
    assert checked.returncode == 1
    assert checked.stdout.count("fix:") == 1
    assert f"{name} is " in checked.stdout
    assert setup(project).returncode == 0
    assert project.auth[name] == right


def test_redirects_that_are_there_stay(project: Project) -> None:
    project.auth["uri_allow_list"] = "https://preview.example.com/**"
    setup(project)
    assert project.auth["uri_allow_list"].split(",") == [
        "https://preview.example.com/**", SITE, f"{SITE}/**",
    ]  # fmt: skip


def test_a_free_project_without_smtp_keeps_its_templates_and_its_limit(project: Project) -> None:
    done = setup(project, **WITHOUT_SMTP, STORAGE_MAX_BYTES=str(FREE_BYTES))
    assert done.returncode == 0, done.stderr
    assert project.auth["site_url"] == SITE
    assert project.auth["hook_before_user_created_enabled"] is True
    assert project_settings.LOCKED in done.stderr
    assert project_settings.NO_SMTP in done.stderr
    assert project.auth["mailer_subjects_confirmation"] == "Confirm Your Signup"
    checked = setup(project, "--check", **WITHOUT_SMTP, STORAGE_MAX_BYTES=str(FREE_BYTES))
    assert checked.returncode == 1
    assert project_settings.NO_SMTP in checked.stdout


def test_a_free_project_with_smtp_takes_the_templates(project: Project) -> None:
    done = setup(project, STORAGE_MAX_BYTES=str(FREE_BYTES))
    assert done.returncode == 0, done.stderr
    assert project.auth["mailer_subjects_confirmation"] == "Confirm your email address"


def test_a_file_size_that_the_project_can_not_have_is_named(project: Project) -> None:
    for limit, status in ((FREE_BYTES, 0), (FREE_BYTES + 1, 1)):
        done = setup(project, STORAGE_MAX_BYTES=str(limit))
        assert done.returncode == status, done.stderr
    assert f"STORAGE_MAX_BYTES={FREE_BYTES}" in done.stderr
    assert project.storage["fileSizeLimit"] == FREE_BYTES
    assert project.auth["site_url"] == SITE  # the rest was set


def test_a_limit_above_ours_is_left_alone(project: Project) -> None:
    project.free, project.storage = False, {"fileSizeLimit": 5 * 2**30}
    assert setup(project).returncode == 0
    assert project.storage["fileSizeLimit"] == 5 * 2**30


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"SUPABASE_ACCESS_TOKEN": ""}, "SUPABASE_ACCESS_TOKEN is missing"),
    ({"SUPABASE_ACCESS_TOKEN": "sbp_other"}, "SUPABASE_ACCESS_TOKEN is not valid"),
    ({"SUPABASE_URL": "https://another.supabase.co"}, "can't manage a project another"),
    ({"SUPABASE_URL": "https://db.example.com"}, "Set SUPABASE_PROJECT_REF"),
    ({"SITE_URL": "http://127.0.0.1:3000"}, "leads every reader of a mail to their own machine"),
    ({"SITE_URL": "http://localhost:3000"}, "leads every reader of a mail to their own machine"),
    ({"SITE_URL": "video.example.com"}, "must be an address"),
    ({"SITE_URL": ""}, "API_URL is missing"),
    ({"MAIL_FROM": "nobody"}, "MAIL_FROM must name an address"),
    ({"SMTP_URL": "smtp://mail.example.com:port"}, "The port in SMTP_URL"),
    ({"SUPABASE_MANAGEMENT_URL": "http://127.0.0.1:9"}, "does not answer"),
])  # fmt: skip
def test_what_can_not_be_set_up_is_a_sentence(
    project: Project, settings: dict[str, str], sentence: str
) -> None:
    done = setup(project, **settings)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert project.calls == []


def test_a_custom_domain_names_its_project(project: Project) -> None:
    done = setup(project, "--check", SUPABASE_URL="https://db.example.com",
                 SUPABASE_PROJECT_REF=REF)  # fmt: skip
    assert "site_url is http://localhost:3000" in done.stdout


def test_resend_is_smtp_too(project: Project) -> None:
    assert setup(project, MAIL_TRANSPORT="resend", RESEND_API_KEY="re_key",
                 STORAGE_MAX_BYTES=str(FREE_BYTES)).returncode == 0  # fmt: skip
    assert (project.auth["smtp_host"], project.auth["smtp_user"]) == ("smtp.resend.com", "resend")
    assert project.auth["smtp_pass"] == "re_key"


def test_a_file_of_settings_is_read(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "production.env"
    path.write_text('# from vercel env pull\nSITE_URL="https://other.example.com"\nexport A=b\n'
                    "VERCEL='1'\nSMTP_URL=\"smtp://u:p@h?a=b&c='d'\"\n")  # fmt: skip
    assert environment.load(path)["SMTP_URL"] == "smtp://u:p@h?a=b&c='d'"
    done = setup(project, "--check", "--env", str(path), SITE_URL="")
    assert "it must be https://other.example.com" in done.stdout
    missing = setup(project, "--env", str(tmp_path / "none"))
    assert (missing.returncode, "can't be read" in missing.stderr) == (1, True)


def test_the_configuration_names_no_machine() -> None:
    text = project_settings.CONFIG.read_text()
    auth = tomllib.loads(text)["auth"]
    assert auth["site_url"] == "env(SITE_URL)"
    assert auth["additional_redirect_urls"] == ["env(SITE_URL)", "env(SITE_REDIRECTS)"]
    assert {name for name, value in auth["email"]["smtp"].items() if str(value).startswith("env(")
            } == {"host", "user", "pass", "admin_email", "sender_name"}  # fmt: skip
    values = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any("localhost" in line or "127.0.0.1" in line for line in values)
    assert "file_size_limit" not in "\n".join(values)
