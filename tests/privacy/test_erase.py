"""The end of an account: at once for its keys, for good for its data, whatever is stopped."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from lib.accounts import callers
from lib.files.uploads import presign
from lib.jobs.create import create
from lib.media.request.models import Input, TranscodeRequest
from lib.outbox import tasks
from lib.platform import postgres
from lib.platform.errors import Problem
from lib.privacy import erase
from local import client as api_client
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.billing import Stripe, subscribed
from tests.rigs.files import sweep
from tests.rigs.mail.arrivals import arrived
from tests.rigs.privacy.erasure import delete, let_go, no_trace_stays, traces, wait_until_erased
from tests.rigs.privacy.exports import Worker, ready
from tests.rigs.waiting import eventually


def words_of(stack: Stack, person: Person) -> set[str]:
    """All that names the account: ids of everything, addresses, the name, what was said."""
    words = {person.email, person.id, address_of(person), "Ann Erasable"}
    for table, column in (("jobs", "id"), ("files", "id"), ("files", "key"),
                          ("api_keys", "id"), ("reports", "id")):  # fmt: skip
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            query = sql.SQL("select {}::text from {} where account_id = %s").format(
                sql.Identifier(column), sql.Identifier("app", table)
            )
            words |= {row[0] for row in connection.execute(query, [person.id])}
    return words


def address_of(person: Person) -> str:
    """An IP address that nobody else calls from."""
    return str(ip_address(f"2001:db8:{person.id[:4]}:{person.id[4:8]}::77"))


def own_ipv4(person: Person) -> str:
    """An IPv4 address of three digits a part, so that none is part of another."""
    first, second = int(person.id[:2], 16), int(person.id[2:4], 16)
    return f"198.18.{100 + first % 100}.{100 + second % 100}"


@pytest.fixture
def full(stack: Stack, person: Person, clip: Path, stripe: Stripe) -> Worker:
    """An account with something in every corner."""
    person.http.headers["x-real-ip"] = address_of(person)
    assert person.http.patch("/v1/account", json={"name": "Ann Erasable"}).status_code == 200
    subscribed(stripe, person, "starter")
    mine = Worker(stack, person, clip)
    mine.account.create(mine.url, "webm")
    assert person.http.post(
        f"/v1/transcodes/{mine.job_id}/report", json={"message": "Ann Erasable reports."}
    ).status_code < 300  # fmt: skip
    assert person.http.post(
        "/v1/support", json={"message": "Ann Erasable asks.", "subject": "Ann Erasable"}
    ).status_code == 201  # fmt: skip
    httpx.post(
        f"{stack.url}/v1/support",
        json={"message": "Signed out.", "email": person.email.upper()},
        trust_env=False,
    )
    person.http.post("/v1/account/export")
    ready(person)
    operator(stack, "show", person.id)
    operator(stack, "grant", person.id, "5", "--reason", "for Ann Erasable")
    return mine


def operator(stack: Stack, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "lib.admin", "--as", "olga", *arguments],
        env=os.environ | stack.settings, check=True, capture_output=True,
    )  # fmt: skip


def invoices(stack: Stack) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        return connection.execute("select amount_cents, account_id from app.invoices").fetchall()


def test_nothing_is_left_of_an_account(
    stack: Stack, person: Person, full: Worker, stripe: Stripe, account: Account
) -> None:
    words = words_of(stack, person)
    assert {table for table, _ in traces(stack, words)} > {"app.accounts", "app.request_log"}
    link = full.account.http.get(f"/v1/transcodes/{full.job_id}/download").json()["url"]
    exported = person.http.get("/v1/account/export").json()["url"]
    before = len(invoices(stack))
    answer = delete(person, password=person.password)
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "deleting"
    # At once: no token, no key.
    assert person.http.get("/v1/account").status_code == 401
    assert full.account.http.get("/v1/transcodes").status_code == 401
    wait_until_erased(stack, person)
    [mail] = [each for each in arrived(stack, person.email, 2)
              if each.message["Subject"] == "Your account is deleted"]  # fmt: skip
    assert "Ann Erasable" in mail.message.get_body(("plain",)).get_content()
    no_trace_stays(stack, words)
    assert httpx.get(link, trust_env=False).status_code >= 400
    assert httpx.get(exported, trust_env=False).status_code == 404
    with pytest.raises(Exception, match=r"(?i)invalid login credentials"):
        person.client.auth.sign_in_with_password(
            {"email": person.email, "password": person.password}
        )
    with pytest.raises(Exception, match=r"(?i)refresh token|session"):
        person.client.auth.refresh_session()
    assert len(invoices(stack)) == before
    assert account.http.get("/v1/transcodes").status_code == 200  # others are whole


def task_of(person: Person) -> uuid.UUID:
    row = postgres.row(
        "select id from app.tasks where kind = 'erase' and account_id = %(id)s",
        {"id": uuid.UUID(person.id)},
    )
    assert row
    return uuid.UUID(str(row["id"]))


def test_it_survives_a_failure_in_every_step(
    stack: Stack, person: Person, full: Worker, hold_erasures: None
) -> None:
    words = words_of(stack, person)
    assert delete(person, password=person.password).status_code == 202
    account_id = uuid.UUID(person.id)
    for number, done in enumerate(erase.STEPS[:-1]):
        # Each step is done, and its note is lost; then it is done again.
        for _ in range(2):
            payload = {"email": person.email, "step": number}
            task = tasks.Task(uuid.uuid4(), "held", account_id, payload, attempt=1, failures=0)
            with suppress(tasks.GoOn):
                done(task, account_id)
    let_go(person)
    answer = httpx.get(
        f"{stack.url}/internal/cron/tasks",
        headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
        trust_env=False, timeout=60,
    )  # fmt: skip
    assert answer.status_code == 200
    wait_until_erased(stack, person)
    arrived(stack, person.email, 2)
    no_trace_stays(stack, words)


def test_a_closed_account_is_told_and_stores_nothing(
    stack: Stack, person: Person, account: Account, hold_erasures: None
) -> None:
    key = person.http.post("/v1/api-keys", json={}).json()["key"]
    caller = callers.in_the_name_of(uuid.UUID(person.id))  # a call that was let in just before
    assert delete(person, password=person.password).status_code == 202
    with api_client.connect(stack.url, key) as client:
        for http in (client, person.http):
            answer = http.get("/v1/transcodes")
            assert answer.status_code == 401
            assert answer.json()["error"] == "unauthorized"
            assert "is being deleted" in answer.json()["details"]
    request = TranscodeRequest([Input("https://example.com/a.mp4")], "mp4")
    with pytest.raises(Problem) as refused:
        create(caller, request)
    assert refused.value.status == 401
    presign(caller, {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 1})
    for table in ("jobs", "files", "usage_ledger"):
        assert not postgres.rows(f"select 1 from app.{table} where account_id = %(id)s",
                                 {"id": caller.account_id}), table  # fmt: skip
    assert account.http.get("/v1/transcodes").status_code == 200
    let_go(person)
    wait_until_erased(stack, person)


def test_what_arrives_later_by_a_link_is_swept_and_not_recorded(
    stack: Stack, person: Person, clip: Path
) -> None:
    link = api_client.presign(person.http, clip)
    assert delete(person, password=person.password).status_code == 202
    wait_until_erased(stack, person)
    api_client.put(link["uploadUrl"], clip)
    assert traces(stack, {person.id})
    assert sweep(stack)["orphans"] >= 1
    assert traces(stack, {person.id}) == []


def test_addresses_are_forgotten_where_no_account_is_named_too(
    stack: Stack, person: Person, hold_erasures: None
) -> None:
    addresses = (address_of(person), own_ipv4(person))
    for address in addresses:
        person.http.headers["x-real-ip"] = address
        assert person.http.get("/v1/account").status_code == 200
        httpx.get(f"{stack.url}/v1/account", trust_env=False,
                  headers={"Authorization": "Bearer ffm_none", "x-real-ip": address})  # fmt: skip
    person.http.request("DELETE", "/v1/account", json={"password": person.password})
    assert person.http.get("/v1/account").status_code == 401
    network = str(ipaddress.ip_network(f"{addresses[0]}/64", strict=False))
    words = {*addresses, network, person.id}
    assert {word for _, word in traces(stack, words)} == words
    let_go(person)
    wait_until_erased(stack, person)
    no_trace_stays(stack, words)


def test_what_auth_keeps_beside_the_login_goes_too(stand_ins: Stack, person: Person) -> None:
    """Tables of the hosted Auth, as far as they tell whose a row is."""
    with psycopg.connect(stand_ins.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("create table auth.audit_log_entries (id uuid, payload json)")
        try:
            for payload in (
                {"actor_id": person.id, "action": "login"},
                {"actor_id": "0", "traits": {"user_id": person.id}},
                {"actor_id": "0", "traits": {"user_email": person.email.upper()}},
                {"actor_id": "0", "traits": {"user_email": f"x{person.email}"}},
            ):
                connection.execute(
                    "insert into auth.audit_log_entries values (gen_random_uuid(), %s)",
                    [json.dumps(payload)],
                )
            connection.execute(
                "insert into auth.flow_state (id, user_id, auth_code, code_challenge_method,"
                " code_challenge, provider_type, authentication_method)"
                " values (gen_random_uuid(), %s, 'a', 'plain', 'b', 'email', 'magiclink')",
                [person.id],
            )
            connection.execute(
                "insert into auth.refresh_tokens (token, user_id) values (%s, %s)",
                [f"old-{person.id}", person.id],
            )
            assert delete(person).status_code == 202
            wait_until_erased(stand_ins, person)
            assert traces(stand_ins, {person.id}) == []
            left = connection.execute("select payload from auth.audit_log_entries").fetchall()
            assert [row[0]["traits"]["user_email"] for row in left] == [f"x{person.email}"]
        finally:
            connection.execute("drop table auth.audit_log_entries")


def test_many_rows_go_in_batches(
    stack: Stack, person: Person, account: Account, hold_erasures: None
) -> None:
    for _ in range(7):
        assert person.http.get("/v1/account").status_code == 200
    assert delete(person, password=person.password).status_code == 202
    recorded = "select 1 from app.request_log where account_id = %(id)s"
    eventually(lambda: len(postgres.rows(recorded, {"id": uuid.UUID(person.id)})) >= 7, hold=0.5)

    def batch() -> bool:
        row = postgres.row(
            "select app.erase_account(%(id)s, %(email)s, 3) as more",
            {"id": uuid.UUID(person.id), "email": person.email},
        )
        assert row
        return bool(row["more"])

    assert [batch() for _ in range(3)] == [True, True, False]
    assert postgres.rows("select 1 from app.request_log where account_id = %(id)s",
                         {"id": uuid.UUID(person.id)}) == []  # fmt: skip
    assert account.http.get("/v1/transcodes").status_code == 200
    let_go(person)
    wait_until_erased(stack, person)


STEP = """
import os, signal
from lib.outbox import tasks
from lib.privacy import erase

noted = tasks.note

def note(task, payload):
    noted(task, payload)
    if "step" in payload:
        os.kill(os.getpid(), signal.SIGKILL)

tasks.note = note
tasks.run({"held": erase.step}, 60)
"""


@pytest.mark.slow
def test_it_survives_a_kill_between_all_steps(
    stack: Stack, person: Person, full: Worker, hold_erasures: None
) -> None:
    words = words_of(stack, person)
    assert delete(person, password=person.password).status_code == 202
    for number in range(1, len(erase.STEPS)):
        row: dict[str, Any] | None = None
        end = time.monotonic() + 60
        while row is None or row["step"] != number:  # a step that waits is due again a little later
            assert time.monotonic() < end, (number, row)
            postgres.rows(
                "update app.tasks set due_at = now() where kind = 'held' and account_id = %(id)s",
                {"id": uuid.UUID(person.id)},
            )
            subprocess.run(
                [sys.executable, "-c", STEP], env=os.environ | stack.settings, check=False
            )
            row = postgres.row(
                "select (payload ->> 'step')::integer as step from app.tasks"
                " where kind = 'held' and account_id = %(id)s",
                {"id": uuid.UUID(person.id)},
            )
            assert row
    # In the task alone, which tells whom the mail goes to.
    assert {table for table, _ in traces(stack, words)} == {"app.tasks"}
    let_go(person)
    answer = httpx.get(
        f"{stack.url}/internal/cron/tasks",
        headers={"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"},
        trust_env=False, timeout=60,
    )  # fmt: skip
    assert answer.status_code == 200
    wait_until_erased(stack, person)
    arrived(stack, person.email, 2)
    no_trace_stays(stack, words)


RUN = """
import os, signal, sys
from lib.outbox import tasks
from lib.files.stores import storage
from lib.privacy import erase

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

storage.remove = killed
tasks.run({"held": erase.step}, 30)
"""


def test_it_survives_a_kill_and_is_finished_by_the_cron(
    stack: Stack, person: Person, full: Worker, hold_erasures: None
) -> None:
    words = words_of(stack, person)
    assert delete(person, password=person.password).status_code == 202
    run = subprocess.run(
        [sys.executable, "-c", RUN], env=os.environ | stack.settings, capture_output=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert traces(stack, words)
    let_go(person)  # the lease of the killed one runs out
    wait_until_erased(stack, person)
    arrived(stack, person.email, 2)
    no_trace_stays(stack, words)


def test_a_wrong_password_deletes_nothing(person: Person) -> None:
    answer = person.http.request("DELETE", "/v1/account", json={"password": "wrong horse"})
    assert answer.status_code == 403
    assert "Nothing was deleted" in answer.json()["error"]
    assert person.http.get("/v1/account").status_code == 200
    codes = [
        person.http.request("DELETE", "/v1/account", json={"password": "wrong horse"}).status_code
        for _ in range(2 * erase.ATTEMPTS_PER_MINUTE)  # a minute may begin in between
    ]
    assert 429 in codes


def test_a_fresh_sign_in_is_enough(stack: Stack, person: Person) -> None:
    assert person.http.request("DELETE", "/v1/account").status_code == 202
    wait_until_erased(stack, person)


def test_a_sign_in_of_an_hour_ago_is_not_enough(stand_ins: Stack, person: Person) -> None:
    with psycopg.connect(stand_ins.settings["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(
            "update auth.mfa_amr_claims set created_at = created_at - interval '1 hour',"
            " updated_at = updated_at - interval '1 hour'"
        )
    session = person.client.auth.refresh_session().session
    assert session
    with api_client.connect(stand_ins.url, session.access_token) as refreshed:
        answer = refreshed.request("DELETE", "/v1/account")
        assert answer.status_code == 403
        assert "sign in again" in answer.json()["error"]
        assert refreshed.get("/v1/account").status_code == 200


def test_a_key_deletes_no_account(account: Account) -> None:
    answer = account.http.request("DELETE", "/v1/account", json={"password": "x"})
    assert answer.status_code == 403


def test_a_job_under_way_ends_quietly(stack: Stack, person: Person, long: Path) -> None:
    key = person.http.post("/v1/api-keys", json={}).json()["key"]
    mine = Account.__new__(Account)
    mine.http = api_client.connect(stack.url, key)
    preset = {"quality": "high", "resolution": "1080p"}
    job = mine.create(mine.upload(long), "webm", preset=preset)
    eventually(lambda: mine.job(job)["status"] == "processing")
    assert delete(person, password=person.password).status_code == 202
    wait_until_erased(stack, person)
    no_trace_stays(stack, {job, person.id})
