"""The promises of the privacy policy, one test each; README tells where each is kept."""

from __future__ import annotations

import ast
import re
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from lib.outbox import mail
from lib.platform import postgres
from lib.privacy import policies, staff
from lib.privacy.inventory import TABLES
from local.stack import Stack
from tests.rigs.accounts import Account, Person, supabase_client
from tests.rigs.billing import Stripe, choose
from tests.rigs.files import sweep
from tests.rigs.people import account_id, fresh_address, mails_with, stranger
from tests.rigs.privacy.erasure import delete, traces, wait_until_erased
from tests.rigs.privacy.exports import opened, ready

ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(account: Account, clip: Path) -> dict[str, Any]:
    return account.wait(account.create(account.upload(clip), "mp3"))


def operator(stack: Stack, path: str) -> Any:
    answer = httpx.get(
        f"{stack.url}{path}",
        headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_p1_sign_up_asks_for_name_email_and_password_and_that_one_is_13(stack: Stack) -> None:
    email, password = f"{uuid.uuid4()}@example.com", "correct horse 1"
    client = supabase_client(stack)
    with pytest.raises(Exception, match="13 or older"):
        client.auth.sign_up(
            {"email": email, "password": password, "options": {"data": {"name": "Ann"}}}
        )
    client.auth.sign_up(
        {
            "email": email,
            "password": password,
            "options": {"data": {"name": "Ann", "over_13": True}},
        }
    )
    [row] = postgres.rows("select * from app.accounts where email = %(it)s", {"it": email})
    assert row["over_13_at"] is not None
    # All else that the account holds is what it does, not who it is.
    assert {name for name in row if row[name] in ("Ann", email)} == {"name", "email"}
    assert not {"phone", "address", "birthday", "country", "company"} & set(row)


def test_p2_payment_details_go_to_stripe_alone(
    stack: Stack, stripe: Stripe, person: Person
) -> None:
    url = choose(person, "starter")["url"]
    assert url.startswith(stack.settings["STRIPE_URL"])
    refused = person.http.post(
        "/v1/billing/checkout", json={"plan": "starter", "card": "4242424242424242"}
    )
    assert refused.status_code == 400
    columns = postgres.rows(
        "select column_name as name from information_schema.columns where table_schema = 'app'"
    )
    assert not [row for row in columns if re.search("card|cvc|iban|last4", row["name"])]


def test_p3_usage_is_recorded(account: Account) -> None:
    address = fresh_address()
    answer = account.http.get("/v1/transcodes", headers={"x-real-ip": address})
    row = None
    for _ in range(100):  # it is written when the answer is out
        row = postgres.row(
            "select * from app.request_log where request_id = %(id)s",
            {"id": answer.headers["X-Request-Id"]},
        )
        if row:
            break
        time.sleep(0.05)
    assert row
    assert (str(row["account_id"]), row["route"], row["status"], str(row["ip"])) == (
        account_id(account), "/v1/transcodes", 200, address,
    )  # fmt: skip
    assert row["milliseconds"] > 0
    assert row["at"] is not None


def test_p4_files_are_deleted_in_time_and_never_served_after(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    url = job["inputs"][0]["url"]
    days = postgres.row(
        "select extract(epoch from u.expires_at - u.created_at) / 86400 as inputs,"
        " extract(epoch from o.expires_at - j.completed_at) / 86400 as outputs"
        " from app.files u, app.files o join app.jobs j on j.id = o.job_id"
        " where u.address = %(url)s and o.job_id = %(job)s",
        {"url": url, "job": uuid.UUID(job["id"])},
    )
    assert days
    assert (round(days["inputs"]), round(days["outputs"])) == (3, 7)
    link = account.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"]
    postgres.rows(
        "update app.files set expires_at = now() - interval '1 hour'"
        " where address = %(url)s or job_id = %(job)s",
        {"url": url, "job": uuid.UUID(job["id"])},
    )
    for answer in (  # before any sweep
        account.http.get(f"/v1/transcodes/{job['id']}/download"),
        account.http.post("/v1/ffprobe", json={"url": url}),
        account.http.post("/v1/transcodes",
                          json={"inputs": [{"url": url}], "outputFormat": "mp3"}),
    ):  # fmt: skip
        assert answer.status_code == 404
        assert "was deleted on" in answer.json()["error"]
    late = operator(stack, "/health-check")["operator"]["file_overdue_seconds"]
    assert late > 3000
    sweep(stack)
    assert httpx.get(link, trust_env=False).status_code >= 400
    assert account.job(job["id"])["files_deleted_at"] is not None


def test_p5_nobody_looks_at_files_but_for_a_report_and_on_record(
    stack: Stack, account: Account, job: dict[str, Any]
) -> None:
    job_id = uuid.UUID(job["id"])
    with pytest.raises(staff.Refused):
        staff.open(job_id, reason="I am curious.", minutes=10, who="olga")
    report = account.http.post(f"/v1/transcodes/{job_id}/report", json={"message": "No sound."})
    assert report.status_code < 300
    reason = f"To hear it {uuid.uuid4()}."
    files = staff.open(job_id, reason=reason, minutes=10, who="olga")
    assert files
    [seen] = account.http.get("/v1/account/access-log").json()["items"]
    assert (seen["job_id"], seen["reason"]) == (job["id"], reason)
    [answer] = mails_with(stack, reason)
    assert answer["To"] == account.email


def test_p6_nothing_is_sent_to_anybody_but_the_processors() -> None:
    """Every host that the code names, outside of comments and explanations.

    Not those of share links: what is fetched from there is an input that the caller named.
    """
    known = {"api.stripe.com", "api.resend.com", ""}
    share_links = ROOT / "lib" / "media" / "request" / "share_links.py"
    names: dict[str, str] = {}
    for path in {*ROOT.glob("lib/**/*.py"), *ROOT.glob("api/*.py")} - {share_links}:
        tree = ast.parse(path.read_text())
        explained = {
            id(each.value)
            for each in ast.walk(tree)
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        }
        for each in ast.walk(tree):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                for address in re.findall(r"https?://[a-z][^\s\"'{}<>]*", each.value):
                    if id(each) not in explained:
                        names[urlsplit(address).hostname or ""] = str(path)
    assert set(names) - known - {"localhost"} <= EXAMPLES, names


EXAMPLES = {"example.com", "docs.ffmpeg.org", "ffmpeg.org"}
"""Named in messages to callers; never called."""


def test_p7_every_row_and_object_is_guarded(
    stack: Stack, account: Account, other_account: Account, job: dict[str, Any]
) -> None:
    open_tables = postgres.rows(
        "select relname from pg_class where relnamespace = 'app'::regnamespace"
        " and relkind in ('r', 'p') and (not relrowsecurity"
        " or has_table_privilege('anon', oid, 'select')"
        " or has_table_privilege('authenticated', oid, 'select'))"
    )
    assert open_tables == []
    assert postgres.rows("select id from storage.buckets where public") == []
    for path in ("", "/download"):
        assert other_account.http.get(f"/v1/transcodes/{job['id']}{path}").status_code == 404
    address = job["output_url"].removeprefix("gs://")
    bare = httpx.get(
        f"{stack.settings['SUPABASE_URL']}/storage/v1/object/public/{address}", trust_env=False
    )
    assert bare.status_code >= 400


def test_p8_an_account_is_deleted_on_request(stack: Stack, person: Person) -> None:
    person.http.post("/v1/api-keys", json={"label": "soon gone"})
    assert delete(person, password=person.password).status_code == 202
    wait_until_erased(stack, person)
    assert [trace for trace in traces(stack, {person.id}) if trace[0] != "app.tasks"] == []


def test_p9_one_may_take_along_correct_and_delete(person: Person) -> None:
    changed = person.http.patch("/v1/account", json={"name": "Anne"}).json()
    assert changed["account"]["name"] == "Anne"
    person.http.post("/v1/account/export")
    archive = opened(ready(person)["url"])
    whole = archive.read("everything.json").decode()
    assert '"Anne"' in whole
    assert all(f'"{table.name}"' in whole for table in TABLES)
    assert delete(person).status_code == 202  # having just signed in


def test_p10_only_important_mails_are_sent() -> None:
    asked_for = {"export_ready"}
    important = {
        "quota_80", "quota_100", "payment_failed", "payment_failed_ended", "account_deleted",
        "policy_changed", "staff_access",
    }  # fmt: skip
    to_the_operator = {"report", "support"}
    assert set(mail.names()) == asked_for | important | to_the_operator
    of_the_login = {path.stem for path in (ROOT / "supabase/templates").glob("*.html")}
    assert of_the_login == {
        "confirmation", "recovery", "email_change", "invite", "magic_link", "reauthentication",
    }  # fmt: skip


def test_p11_a_changed_policy_is_told_and_its_acceptance_kept(stack: Stack, person: Person) -> None:
    version = f"p11-{uuid.uuid4().hex[:8]}"
    summary = f"We name a further processor ({version})."
    assert policies.publish(version, summary, "olga")
    operator(stack, "/internal/cron/tasks")
    listed = httpx.get(f"{stack.url}/v1/policies", trust_env=False).json()
    assert listed["items"][0]["version"] == version
    assert listed["items"][0]["published_at"]
    mails_with(stack, summary)
    everybody = postgres.row(  # visitors have no address
        "select count(*) as n from app.accounts where closed_at is null and email is not null"
    )
    assert everybody
    answer = mails_with(stack, summary, everybody["n"])
    assert len([each for each in answer if each["To"] == person.email]) == 1
    accepted = person.http.post(f"/v1/policies/{version}/accept")
    assert accepted.status_code == 200
    body = person.http.get("/v1/account").json()["policies"]
    assert [each["version"] for each in body] == ["1", version]
    assert all(each["accepted_at"] for each in body)
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("delete from app.policy_acceptances where version = %s", [version])
        connection.execute("delete from app.policies where version = %s", [version])


def test_p12_support_can_be_reached_without_an_account(stack: Stack) -> None:
    with stranger(stack) as client:
        words = f"I can't sign in. {uuid.uuid4()}"
        answer = client.post("/v1/support", json={"message": words, "email": "ann@example.com"})
    assert answer.status_code == 201, answer.text
    [reply] = mails_with(stack, words)
    assert reply["Reply-To"] == "ann@example.com"
