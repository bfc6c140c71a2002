"""`make doctor`: each fault of a deployment is found, with its fix, and a good one has none."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib.platform.settings import MOST_FILE_BYTES
from local.stack import Stack
from tests.rigs.supabase import management_api
from tests.rigs.supabase.key_sets import project
from tests.rigs.supabase.management_api import FREE_BYTES, REF, TOKEN, Project
from tools.hosted import doctor, environment, project_settings
from tools.hosted.checks import findings
from tools.hosted.facts import Answer, Database, Facts, Plan, Stripe
from tools.hosted.gather import gather

API = "https://video.example.com"
SETTINGS = {
    "POSTGRES_URL": "postgresql://postgres.ref:p@aws-0.pooler.supabase.com:6543/postgres",
    "SUPABASE_URL": f"https://{REF}.supabase.co",
    "SUPABASE_SECRET_KEY": "sb_secret_x",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
    "SUPABASE_ACCESS_TOKEN": TOKEN,
    "CRON_SECRET": "c" * 32,
    "API_URL": API,
    "MAIL_TRANSPORT": "resend",
    "RESEND_API_KEY": "re_x",
    "MAIL_FROM": "Video <no-reply@example.com>",
    "SUPPORT_EMAIL": "help@example.com",
    "OPERATOR_NAME": "Ann",
    "OPERATOR_PLACE": "Bern",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRET": "w" * 32,
}
HEALTHY: dict[str, Any] = {
    "ok": True,
    "operator": {},
    "login": {"ok": True},
    "media": {"ffmpeg": "9.0.2"},
}


def auth_settings() -> dict[str, Any]:
    """Auth's settings as `make supabase-setup` leaves them."""
    hosting = environment.read(SETTINGS)
    smtp = project_settings.smtp(hosting.smtp)
    return project_settings.urls_and_rules(hosting, {}) | smtp | project_settings.templates()


def good() -> Facts:
    return Facts(
        environ=SETTINGS,
        database=Database(
            migrated=True,
            missing_migrations=(),
            buckets=dict.fromkeys(("uploads", "outputs", "exports"), False),
            plans=(Plan("pro", MOST_FILE_BYTES),),
            can_schedule=True,
            scheduled={"ffmpeg-micro-heal": f"select net.http_get('{API}/internal/cron/heal')",
                       "ffmpeg-micro-forget-runs": "delete"},
        ),
        key_set="ready",
        site_redirect=Answer(303, f"{API}/#error=access_denied&error_code=otp_expired"),
        health=Answer(200, "", HEALTHY),
        site=Answer(200, "", {"supabase_url": SETTINGS["SUPABASE_URL"]}),
        takes_bytes=None,
        auth=auth_settings(),
        storage={"fileSizeLimit": MOST_FILE_BYTES},
        management_error=None,
        stripe=Stripe(200, {f"{API}/hooks/stripe": True}, frozenset({"starter", "pro"})),
    )  # fmt: skip


def jwt_of(role: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"role": role}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.x"


def changed(**settings: str) -> dict[str, Any]:
    return {"environ": SETTINGS | settings}


def in_database(**changes: Any) -> dict[str, Any]:
    database = good().database
    assert isinstance(database, Database)
    return {"database": replace(database, **changes)}


def health(report: dict[str, Any]) -> dict[str, Any]:
    return {"health": Answer(200, "", HEALTHY | report)}


def test_a_good_deployment_has_no_findings() -> None:
    assert findings(good()) == []
    assert doctor.report([]) == "Nothing is wrong."


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    (changed(POSTGRES_URL=""), "POSTGRES_URL is missing", ".env.example"),
    (changed(SUPABASE_SECRET_KEY=""), "SUPABASE_SECRET_KEY is missing", ".env.example"),
    (changed(SUPABASE_PUBLISHABLE_KEY=""), "SUPABASE_PUBLISHABLE_KEY is missing", ".env.example"),
    (changed(CRON_SECRET=""), "CRON_SECRET is missing", ".env.example"),
    (changed(CRON_SECRET="c" * 31), "CRON_SECRET must have 32 characters", "deploy again"),
    (changed(WORKER_SECRET="c" * 32), "must differ", "deploy again"),
    (changed(STORAGE_MAX_BYTES="50 MB"), "STORAGE_MAX_BYTES must be a whole number", "deploy"),
    (changed(MAIL_TRANSPORT="pigeon"), "MAIL_TRANSPORT must be smtp or resend", "deploy again"),
    (changed(API_URL=""), "API_URL is missing", "deploy again"),
    (changed(SITE_URL="http://localhost:3000"), "their own machine", "deploy again"),
    (changed(API_URL="http://127.0.0.1:3000", SITE_URL=API), "nobody else reaches", "public"),
    (changed(API_URL="http://video.example.com"), "in the clear", "https://"),
    (changed(SUPABASE_SECRET_KEY="sb_publishable_x"), "holds a publishable key", "secret key"),
    (changed(SUPABASE_SECRET_KEY=jwt_of("anon")), "holds a publishable key", "secret key"),
    (changed(SUPABASE_PUBLISHABLE_KEY="sb_secret_x"), "holds a SECRET key", "Delete that key"),
    (changed(SUPABASE_PUBLISHABLE_KEY=jwt_of("service_role")), "holds a SECRET key", "Delete"),
    (changed(MAIL_TRANSPORT=""), "MAIL_TRANSPORT is not set", "SMTP_URL"),
    (changed(MAIL_FROM=""), "MAIL_FROM is not set", "MAIL_FROM"),
    (changed(POSTGRES_URL="postgresql://p:p@db.ref.supabase.co:5432/postgres"),
     "port 5432, not to the transaction pooler", "port 6543"),
    (changed(STRIPE_WEBHOOK_SECRET=""), "STRIPE_WEBHOOK_SECRET is not set", "stripe-setup"),
    ({"database": "connection refused"}, "does not answer: connection refused", "Connect"),
    (in_database(migrated=False), "migrations are not applied", "db push"),
    (in_database(missing_migrations=("1_a.sql",)), "not applied: 1_a.sql", "db push"),
    (in_database(buckets={"uploads": False, "outputs": False}), "exports is missing", "db push"),
    (in_database(buckets={"uploads": True, "outputs": False, "exports": False}),
     "uploads is public", "private"),
    (in_database(scheduled={}), "Only Vercel calls the crons", "ARGS=schedule"),
    (in_database(scheduled={"ffmpeg-micro-heal": API}), "grows without an end", "ARGS=schedule"),
    (in_database(scheduled={"ffmpeg-micro-forget-runs": "https://old.example.com"}),
     "of another address", "ARGS=schedule"),
    ({"key_set": "empty"}, "HS256", "JWT signing keys → ECC (P-256)"),
    ({"key_set": "away"}, "Supabase Auth does not answer", "SUPABASE_URL"),
    ({"site_redirect": Answer(303, "http://localhost:3000/#error=x")},
     "Site URL is http://localhost:3000, not https://video.example.com", "supabase-setup"),
    ({"health": Answer(0, "ConnectError")}, "does not answer: ConnectError", "API_URL"),
    ({"health": Answer(401)}, "Deployment Protection is on", "BYPASS_SECRET"),
    ({"health": Answer(404)}, "answers 404", "API_URL"),
    ({"health": Answer(200, "", {"ok": True})}, "CRON_SECRET here is not", "deploy again"),
    (health({"supabase": {"ok": False, "error": "Storage does not answer."}}),
     "Storage does not answer", "Supabase"),
    (health({"media": {"ffmpeg": "8.1.2"}}), "ffmpeg 8.1.2 has known", "9.0.2"),
    ({"site": Answer(503, "", {"error": "x"})}, "no publishable key", "SUPABASE_PUBLISHABLE_KEY"),
    ({"site": Answer(200, "", {"supabase_url": "https://x.supabase.co"})},
     "another project", "env pull"),
    ({"auth": auth_settings() | {"smtp_host": None}}, "no custom SMTP", "supabase-setup"),
    ({"auth": auth_settings() | {"hook_before_user_created_enabled": False}},
     "hook_before_user_created_enabled is False", "supabase-setup"),
    ({"auth": auth_settings() | {"uri_allow_list": ""}}, "uri_allow_list", "supabase-setup"),
    ({"storage": {"fileSizeLimit": FREE_BYTES}}, "at most 52428800 bytes", "supabase-setup"),
    ({"storage": None, "takes_bytes": False}, "takes no file of 2040109465", "52428800"),
    ({"stripe": Stripe(401, {}, frozenset())}, "does not accept STRIPE_SECRET_KEY", "Developers"),
    ({"stripe": Stripe(200, {}, frozenset({"starter", "pro"}))}, "sends no events", "stripe-setup"),
    ({"stripe": Stripe(200, {f"{API}/hooks/stripe": False}, frozenset({"starter", "pro"}))},
     "sends no events", "stripe-setup"),
    ({"stripe": Stripe(200, {f"{API}/hooks/stripe": True}, frozenset({"pro"}))},
     "no price for starter", "stripe-setup"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "problem", "fix"), ERRORS)
def test_each_fault_is_found(change: dict[str, Any], problem: str, fix: str) -> None:
    result = [each for each in findings(replace(good(), **change)) if problem in each.problem]
    assert result, [each.problem for each in findings(replace(good(), **change))]
    assert all(each.error and fix in each.fix for each in result), result
    assert "Traceback" not in doctor.report(result)
    for secret in ("sb_secret_x", TOKEN, "re_x", "sk_live_x", "c" * 32):
        assert secret not in doctor.report(result)


@pytest.mark.parametrize(("change", "problem"), [
    (changed(SUPABASE_SECRET_KEY=jwt_of("service_role")), "holds a legacy API key"),
    (changed(OPERATOR_NAME=""), "OPERATOR_NAME is not set"),
    ({"stripe": None}, "nothing can be bought"),
    ({"auth": None, "management_error": "SUPABASE_ACCESS_TOKEN is missing."}, "ACCESS_TOKEN"),
    ({"auth": auth_settings() | {"mailer_subjects_recovery": "Hi"}}, "mailer_subjects_recovery"),
])  # fmt: skip
def test_what_works_nevertheless_is_a_note(change: dict[str, Any], problem: str) -> None:
    [result] = findings(replace(good(), **change))
    assert problem in result.problem and not result.error
    assert doctor.report([result]).endswith("Nothing is wrong.")


def test_a_free_project_is_within_its_limit() -> None:
    free = replace(good(), storage={"fileSizeLimit": FREE_BYTES})
    assert findings(replace(free, **changed(STORAGE_MAX_BYTES=str(FREE_BYTES)))) == []
    beyond = changed(STORAGE_MAX_BYTES=str(FREE_BYTES + 1))
    assert len(findings(replace(free, **beyond))) == 1


def test_what_others_follow_from_comes_first() -> None:
    facts = replace(good(), key_set="empty", stripe=None, **in_database(migrated=False))
    order = [each.problem for each in findings(facts)]
    assert "migrations" in order[0] and "HS256" in order[1] and "bought" in order[-1]


def run(environ: Mapping[str, str]) -> tuple[int, str]:
    out = StringIO()
    with redirect_stdout(out):
        status = doctor.main([], environ)
    return status, out.getvalue()


def test_the_stack_of_this_machine_is_well(stack: Stack) -> None:
    """Everything is gathered for real: Postgres, Auth, Storage, Stripe, the functions."""
    status, text = run(stack.settings | {"MAIL_FROM": "a@example.com"})
    assert "Nothing is wrong." in text or "Stripe has no price" in text, text
    facts = gather(stack.settings)
    assert isinstance(facts.database, Database) and facts.database.missing_migrations == ()
    assert facts.takes_bytes is True
    assert facts.site_redirect is not None and facts.site_redirect.text.startswith(stack.url)
    assert facts.health is not None and "operator" in facts.health.body
    assert facts.stripe is not None and facts.stripe.status == 200
    assert status == (0 if "Nothing is wrong." in text else 1)


def test_storage_is_asked_for_the_size_that_is_promised(stack: Stack) -> None:
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        change = "update storage.buckets set file_size_limit = %s where id = 'outputs'"
        connection.execute(change, (FREE_BYTES,))
        try:
            assert gather(stack.settings).takes_bytes is False
            least = stack.settings | {"STORAGE_MAX_BYTES": str(FREE_BYTES)}
            assert gather(least).takes_bytes is True
        finally:
            connection.execute(change, (None,))
        assert connection.execute(
            "select count(*) from storage.objects where name like 'doctor/%'"
        ).fetchone() == (0,)


def test_it_finds_what_is_away_or_wrong(stack: Stack) -> None:
    """A deployment on a project that signs with HS256, without a database and without mails."""
    with project([]) as auth, management_api.serve(Project()) as managed:
        status, text = run(
            {
                "POSTGRES_URL": "postgresql://u:p%40ss@127.0.0.1:9/x",
                "SUPABASE_URL": auth,
                "SUPABASE_PROJECT_REF": REF,
                "SUPABASE_ACCESS_TOKEN": TOKEN,
                "SUPABASE_MANAGEMENT_URL": managed.url,
                "SUPABASE_SECRET_KEY": "sb_secret_x",
                "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
                "API_URL": "http://127.0.0.1:9",
                "CRON_SECRET": "c" * 32,
            }
        )
    assert status == 1
    for expected in ("The database does not answer", "signs tokens with HS256",
                     "The deployment does not answer", "no custom SMTP", "MAIL_TRANSPORT",
                     "at most 52428800 bytes", "nothing can be bought"):  # fmt: skip
        assert expected in text
    for secret in ("p%40ss", "p@ss", TOKEN, "sb_secret_x"):
        assert secret not in text


def test_nothing_set_at_all_is_a_list(tmp_path: Path) -> None:
    empty = tmp_path / "empty.env"
    empty.write_text("")
    out = StringIO()
    with redirect_stdout(out):
        assert doctor.main(["--env", str(empty)], {}) == 1
    assert out.getvalue().startswith("1. The setting POSTGRES_URL is missing.")
    assert "CRON_SECRET is missing" in out.getvalue()
