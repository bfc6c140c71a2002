"""Accounts and keys: sign-up, the account's own data, usage, keys and their scopes, rate limits."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, Person, supabase_client
from tests.rigs.waiting import eventually


def test_a_sign_up_without_the_confirmation_is_refused(stack: Stack) -> None:
    email = f"{uuid.uuid4()}@example.com"
    client = supabase_client(stack)
    with pytest.raises(Exception, match="13 or older"):
        client.auth.sign_up({"email": email, "password": "correct horse 1"})
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        row = connection.execute("select 1 from auth.users where email = %s", [email]).fetchone()
    assert row is None


def test_a_sign_up_opens_an_account(stack: Stack) -> None:
    email = f"{uuid.uuid4()}@example.com"
    supabase_client(stack).auth.sign_up(
        {
            "email": email,
            "password": "correct horse 1",
            "options": {"data": {"name": "Zoë", "over_13": True}},
        }
    )
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        row = connection.execute(
            "select name, plan_id, over_13_at is not null, x.version from app.accounts a"
            " join app.policy_acceptances x on x.account_id = a.id where email = %s",
            [email],
        ).fetchone()
    assert row == ("Zoë", "free", True, "1")


def test_the_account_is_seen_and_corrected(person: Person) -> None:
    body = person.http.get("/v1/account").json()
    assert (body["name"], body["email"], body["plan"]["id"]) == ("Ann", person.email, "free")
    assert body["policies"][0]["version"] == "1"
    changed = person.http.patch("/v1/account", json={"name": "Anna"}).json()
    assert changed["account"]["name"] == "Anna"
    new = f"{uuid.uuid4()}@example.com"
    changed = person.http.patch("/v1/account", json={"email": new}).json()
    assert changed["email_pending"] == new
    assert changed["account"]["email"] == person.email  # until the links are followed


@pytest.mark.parametrize(
    "body", [{"email": "none"}, {"name": ""}, {"name": 3}, {"plan": "pro"}, {"name": "x" * 201}]
)
def test_a_bad_correction_is_refused(person: Person, body: dict[str, Any]) -> None:
    answer = person.http.patch("/v1/account", json=body)
    assert answer.status_code == 400, answer.text


def test_a_key_lives_from_creation_to_revocation(stack: Stack, person: Person) -> None:
    answer = person.http.post("/v1/api-keys", json={"label": "n8n"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["key"].startswith(body["starts_with"])
    with api_client.connect(stack.url, body["key"]) as client:
        assert client.get("/v1/transcodes").status_code == 200
    # The use is noted when the answer is out.
    eventually(lambda: person.http.get("/v1/api-keys").json()["items"][0]["last_used_at"])
    [listed] = person.http.get("/v1/api-keys").json()["items"]
    assert (listed["label"], listed["scopes"]) == ("n8n", ["jobs", "read"])
    assert "key" not in listed
    assert listed["last_used_at"] is not None
    renamed = person.http.patch(f"/v1/api-keys/{body['id']}", json={"label": "Make"})
    assert renamed.json()["label"] == "Make"
    assert person.http.delete(f"/v1/api-keys/{body['id']}").status_code == 204
    with api_client.connect(stack.url, body["key"]) as client:
        assert client.get("/v1/transcodes").status_code == 401
    assert person.http.delete(f"/v1/api-keys/{body['id']}").status_code == 404
    assert person.http.get("/v1/api-keys").json()["items"] == []


def test_a_reading_key_only_reads(stack: Stack, person: Person) -> None:
    key = person.http.post("/v1/api-keys", json={"scopes": ["read"]}).json()["key"]
    with api_client.connect(stack.url, key) as client:
        assert client.get("/v1/transcodes").status_code == 200
        refused = client.post("/v1/transcodes", json={})
        assert refused.status_code == 403
        assert "the `jobs` scope" in refused.json()["error"]


def test_an_expired_key_is_no_key(stack: Stack, person: Person) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = person.http.post("/v1/api-keys", json={"expires_at": soon}).json()
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        connection.execute("update app.api_keys set expires_at = now() where id = %s", [body["id"]])
    with api_client.connect(stack.url, body["key"]) as client:
        assert client.get("/v1/transcodes").status_code == 401
    past = person.http.post("/v1/api-keys", json={"expires_at": "2020-01-01T00:00:00Z"})
    assert past.status_code == 400


def test_keys_are_managed_by_people_alone(account: Account) -> None:
    answer = account.http.post("/v1/api-keys", json={"label": "x"})
    assert answer.status_code == 403
    assert "Sign in" in answer.json()["error"]


def test_a_key_of_another_is_unknown(stack: Stack, person: Person, account: Account) -> None:
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        row = connection.execute(
            "select k.id from app.api_keys k join app.accounts a on a.id = k.account_id"
            " where a.email = %s",
            [account.email],
        ).fetchone()
    assert row is not None
    for call in (
        person.http.patch(f"/v1/api-keys/{row[0]}", json={"label": "mine"}),
        person.http.delete(f"/v1/api-keys/{row[0]}"),
        person.http.delete("/v1/api-keys/none"),
    ):
        assert call.status_code == 404


def test_sign_out_everywhere(person: Person, stack: Stack) -> None:
    other = supabase_client(stack).auth.sign_in_with_password(
        {"email": person.email, "password": person.password}
    )
    assert other.session is not None
    key = person.http.post("/v1/api-keys", json={}).json()["key"]
    time.sleep(1.1)  # moments of tokens are whole seconds
    assert person.http.delete("/v1/account/sessions").json() == {"success": True}
    for token, status in ((person.token, 401), (other.session.access_token, 401), (key, 200)):
        with api_client.connect(stack.url, token) as client:
            assert client.get("/v1/account").status_code == status
    second = Person(stack, supabase_client(stack), person.email, person.password)
    assert second.http.get("/v1/account").status_code == 200
    with pytest.raises(Exception, match=r"[Rr]efresh|[Ss]ession"):
        supabase_client(stack).auth.refresh_session(other.session.refresh_token)


def test_usage_tells_days_kinds_and_what_is_left(account: Account, clip: Path) -> None:
    # A job belongs to the month in which it was created, whatever the hour of this test.
    job = account.wait(account.create(account.upload(clip), "mp3"))
    created, ended = job["created_at"], job["completed_at"]
    body = account.http.get("/v1/account/usage", params={"period": created[:7]}).json()
    assert body["period"] == created[:7]
    assert body["minutes_used"] == job["billable_minutes"]
    assert body["days"] == [
        {"date": body["days"][0]["date"], "minutes": job["billable_minutes"], "jobs": 1}
    ]
    assert created[:10] <= body["days"][0]["date"] <= ended[:10]
    assert body["kinds"] == [
        {"job_type": "transcode", "minutes": job["billable_minutes"], "jobs": 1}
    ]
    assert body["minutes_left"] == pytest.approx(2500 - job["billable_minutes"])
    past = account.http.get("/v1/account/usage", params={"period": "2026-01"}).json()
    assert (past["minutes_used"], past["days"]) == (0, [])
    assert account.http.get("/v1/account/usage", params={"period": "x"}).status_code == 400


def test_a_suspended_account_is_told_why(stack: Stack, account: Account, person: Person) -> None:
    for email, http in ((account.email, account.http), (person.email, person.http)):
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            connection.execute(
                "update app.accounts set suspended_at = now(), suspended_for = 'Mining coins.'"
                " where email = %s",
                [email],
            )
        answer = http.post("/v1/transcodes", json={})
        assert answer.status_code == 403
        assert "Mining coins." in answer.json()["error"]


def test_the_plan_s_rate_is_told_and_kept(stack: Stack, account: Account) -> None:
    with psycopg.connect(stack.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "insert into app.plans (id, name, price_cents, minutes_per_month, max_input_bytes,"
            " jobs_at_once, requests_per_minute) values ('slow', 'Slow', 0, 1, 1, 1, 60)"
            " on conflict (id) do nothing"
        )
        connection.execute(
            "update app.accounts set plan_id = 'slow' where email = %s", [account.email]
        )
    answers = [account.http.get("/v1/transcodes") for _ in range(130)]
    first = answers[0]
    assert first.headers["RateLimit-Policy"] == '"minute";q=60;w=60'
    assert first.headers["RateLimit"].startswith('"minute";r=59;t=')
    refused = [each for each in answers if each.status_code == 429]
    assert refused, "130 calls in a minute or two, of 60 a minute"
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert "60 requests a minute" in refused[0].json()["error"]


def test_guessing_credentials_is_slowed_down(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, trust_env=False) as client:
        answers = [
            client.get(
                "/v1/transcodes",
                headers={"Authorization": f"Bearer ffm_{number}", "x-real-ip": "192.0.2.77"},
            )
            for number in range(130)
        ]
    assert answers[0].status_code == 401
    assert {each.status_code for each in answers} == {401, 429}
