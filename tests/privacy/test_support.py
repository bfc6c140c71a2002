"""Writing to support: stored, mailed, limited, kept for a year; and the limits of open routes."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib import background
from lib.http import auth
from lib.platform import postgres
from lib.platform.settings import settings
from lib.privacy import support
from local.processes.children import Child
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.people import account_id, fresh_address, html, mails_with, plain, stranger

CALLS = 70
"""More than three minutes' worth, so that one of the minutes is full, however slow a call is."""


@pytest.fixture
def signed_out(stack: Stack) -> Iterator[httpx.Client]:
    with stranger(stack) as client:
        yield client


def letter(**answer: Any) -> dict[str, Any]:
    return {"message": f"Hello {uuid.uuid4()}", "email": f"{uuid.uuid4()}@example.com"} | answer


def test_a_stranger_writes_and_can_be_answered(stack: Stack, signed_out: httpx.Client) -> None:
    payload = letter(subject="Before I sign up")
    answer = signed_out.post("/v1/support", json=payload)
    assert answer.status_code == 201, answer.text
    [mail] = mails_with(stack, payload["message"])
    assert mail["To"] == settings().support_email
    assert mail["Reply-To"] == payload["email"]
    assert mail["Subject"] == "Support: Before I sign up"
    assert "signed out" in plain(mail)
    row = postgres.row(
        "select * from app.support_messages where id = %(id)s", {"id": answer.json()["id"]}
    )
    assert row
    assert (row["account_id"], row["email"]) == (None, payload["email"])
    assert answer.json()["received_at"].endswith("Z")


def test_an_account_writes_with_its_own_address(stack: Stack, account: Account, clip: Path) -> None:
    job = account.create(account.upload(clip), "mp3")
    payload = {"message": f"It hums. {uuid.uuid4()}", "job_id": job}
    assert account.http.post("/v1/support", json=payload).status_code == 201
    [mail] = mails_with(stack, payload["message"])
    assert mail["Reply-To"] == account.email
    assert job in plain(mail)
    assert account_id(account) in plain(mail)
    # Another address is not taken from who is known.
    payload |= {"email": "other@example.com", "message": f"Again {uuid.uuid4()}"}
    assert account.http.post("/v1/support", json=payload).status_code == 201
    [mail] = mails_with(stack, payload["message"])
    assert mail["Reply-To"] == account.email


def test_who_is_suspended_may_still_write(stack: Stack, account: Account) -> None:
    postgres.rows(
        "update app.accounts set suspended_at = now() where id = %(id)s",
        {"id": account_id(account)},
    )
    assert account.http.post("/v1/transcodes", json={}).status_code == 403
    assert account.http.post("/v1/support", json={"message": "Why?"}).status_code == 201


def test_hostile_text_is_only_text(stack: Stack, signed_out: httpx.Client) -> None:
    mark = str(uuid.uuid4())
    payload = letter(
        subject="Hi\r\nBcc: victim@example.com\r\n\r\n<b>body</b>",
        message=(
            f"{mark} {{{{ support_email }}}} <script>alert(1)</script>\r\n\r\n"
            "https://evil.example/\r\n\r\n-- \r\nThe operator\x1b[2J"
        ),
    )
    assert signed_out.post("/v1/support", json=payload).status_code == 201
    [mail] = mails_with(stack, mark)
    assert mail["Bcc"] is None
    assert mail["To"] == settings().support_email
    assert mail["Subject"] == "Support: Hi Bcc: victim@example.com <b>body</b>"
    assert "{{ support_email }} <script>" in plain(mail)  # not filled in
    assert "> https://evil.example/" in plain(mail)
    assert "\x1b" not in plain(mail)
    assert "<script>" not in html(mail)
    assert 'href="https://evil' not in html(mail)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "x"},
        {"message": "x", "email": "none"},
        {"message": "x", "email": ""},
        {"message": "x", "email": "a@example.com, b@example.com"},
        {"message": "x", "email": "a@example.com\r\nBcc: b@example.com"},
        {"message": "x", "email": "A <a@example.com>"},
        {"message": "", "email": "a@example.com"},
        {"message": " \n", "email": "a@example.com"},
        {"message": "x" * 5001, "email": "a@example.com"},
        {"message": "x", "email": "a@example.com", "subject": "s" * 201},
        {"message": "x", "email": "a@example.com", "job_id": "7"},
        {"message": "x", "email": "a@example.com", "account_id": "7"},
        {"email": "a@example.com"},
        [],
    ],
)
def test_a_bad_letter_is_refused(signed_out: httpx.Client, body: Any) -> None:
    answer = signed_out.post("/v1/support", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].endswith(".")


def test_a_wrong_credential_is_not_taken_for_none(signed_out: httpx.Client) -> None:
    for credential in ("Bearer ffm_wrong", "Basic x"):
        answer = signed_out.post(
            "/v1/support", json=letter(), headers={"Authorization": credential}
        )
        assert answer.status_code == 401


def test_letters_are_limited_by_address_and_by_writer(stack: Stack, account: Account) -> None:
    answers: list[httpx.Response] = []
    with stranger(stack) as client:
        while len(answers) < CALLS and (not answers or answers[-1].status_code == 201):
            answers.append(client.post("/v1/support", json=letter()))
    assert len(answers) > 1
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    with stranger(stack) as other:
        assert other.post("/v1/support", json=letter()).status_code == 201

    # From many addresses, in many minutes: a day's letters of one writer.
    same = letter()
    codes = []
    for _ in range(support.MOST_A_DAY + 1):
        with stranger(stack) as client:
            payload = same | {"email": same["email"].upper()}
            codes.append(client.post("/v1/support", json=payload).status_code)
    assert codes == [201] * support.MOST_A_DAY + [429]
    postgres.rows(
        """
        insert into app.support_messages (id, account_id, email, message)
        select gen_random_uuid(), %(id)s, '', 'x' from generate_series(1, %(most)s)
        """,
        {"id": account_id(account), "most": support.MOST_A_DAY},
    )
    refused = account.http.post("/v1/support", json={"message": "x"})
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers


def test_many_addresses_of_one_line_count_as_one(stack: Stack) -> None:
    line = fresh_address()[:-1]
    codes = [201]
    while len(codes) < CALLS and codes[-1] == 201:
        with stranger(stack, f"{line}{len(codes):x}") as client:
            codes.append(client.post("/v1/support", json=letter()).status_code)
    assert codes[-1] == 429


def test_letters_go_with_their_account_and_after_a_year(stack: Stack, account: Account) -> None:
    def add(account: str | None, days: int) -> str:
        row = postgres.row(
            """
            insert into app.support_messages (id, at, account_id, email, message)
            values (gen_random_uuid(), now() - make_interval(days => %(days)s), %(account)s, '', '')
            returning id
            """,
            {"account": account, "days": days},
        )
        assert row
        return str(row["id"])

    own = account_id(account)
    job = account.create("https://example.com/clip.mp4", "mp3")
    account.http.post(f"/v1/transcodes/{job}/report", json={"message": "x"})
    postgres.rows(
        "update app.reports set at = now() - interval '366 days' where job_id = %(id)s", {"id": job}
    )
    young, old, owned = add(None, 364), add(None, 366), add(own, 0)
    background.sweep(20)
    assert account.http.get("/v1/account/reports").json()["items"] == []
    postgres.rows("delete from app.accounts where id = %(id)s", {"id": own})
    left = {
        str(row["id"])
        for row in postgres.rows(
            "select id from app.support_messages where id = any(%(ids)s)",
            {"ids": [uuid.UUID(each) for each in (young, old, owned)]},
        )
    }
    assert left == {young}


@pytest.mark.parametrize(
    ("path", "limit"), [("/health-check", 240), ("/openapi.yaml", 240), ("/v1/policies", 120),
                        (f"/v1/transcodes/{uuid.UUID(int=7)}/inputs/0", 600)],
)  # fmt: skip
def test_open_routes_are_limited(stack: Stack, path: str, limit: int) -> None:
    # The window of this minute and the next as if the address had called so often.
    address = fresh_address()
    with stranger(stack, address) as client:
        assert client.get(path).status_code != 429
        subject = postgres.row(
            "select subject from app.rate_windows where subject like '%%' || %(net)s || '%%'",
            {"net": address[: -len("::1")]},
        )
        assert subject
        postgres.rows(
            """
            insert into app.rate_windows as w (subject, started_at, hits)
            select %(subject)s, date_trunc('minute', now()) + make_interval(mins => ahead), %(hits)s
              from generate_series(0, 1) ahead
            on conflict (subject, started_at) do update set hits = excluded.hits
            """,
            {"subject": subject["subject"], "hits": limit - 1},
        )
        assert client.get(path).status_code != 429
        refused = client.get(path)
        assert refused.status_code == 429
        assert f"{limit} requests a minute" in refused.json()["error"]
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_without_a_database_health_and_the_document_answer(stack: Stack) -> None:
    away = os.environ | {"POSTGRES_URL": "postgresql://nobody@127.0.0.1:9/none"}
    child = Child("tests.rigs.processes.functions", ["api/service"], away)
    try:
        url = child.ready()
        begun = time.monotonic()
        document = httpx.get(f"{url}/openapi.yaml", trust_env=False, timeout=30)
        assert document.status_code == 200
        assert time.monotonic() - begun < auth.COUNT_SECONDS + 10  # the pool alone waits 15
        health = httpx.get(f"{url}/health-check", trust_env=False, timeout=30)
        assert health.status_code == 500
        assert health.json()["supabase"]["error"] == "The database does not answer."
        assert time.monotonic() - begun < 15  # two calls within the maxDuration of one
    finally:
        child.stop()
