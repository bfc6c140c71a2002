"""What the end of an account must also stop: our own links, late news of Stripe, a late export."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from psycopg import sql

from lib.billing import stripe_events
from lib.outbox import tasks
from lib.platform import postgres
from lib.platform.supabase import tokens
from lib.privacy import erase, export
from lib.privacy.inventory import TABLES
from local import keys as stand_in_keys
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.billing import Stripe, subscribed
from tests.rigs.people import account_id
from tests.rigs.privacy.erasure import delete, let_go, no_trace_stays, traces, wait_until_erased
from tests.rigs.privacy.exports import Worker, opened, ready
from tests.rigs.waiting import eventually


def test_our_links_end_with_the_account_at_once(
    stack: Stack, person: Person, clip: Path, hold_erasures: None
) -> None:
    mine = Worker(stack, person, clip)
    job = mine.account.job(mine.job_id)
    person.http.post("/v1/account/export")
    exported = ready(person)["url"]
    files = csv.DictReader(io.StringIO(opened(exported).read("files.csv").decode()))
    ours = [exported, job["inputs"][0]["downloadUrl"], *(row["link"] for row in files)]
    for link in ours:
        assert httpx.get(link, trust_env=False).status_code == 302, link
    assert delete(person, password=person.password).status_code == 202
    # No step of the erasure has been done: the files are there still.
    for link in ours:
        assert httpx.get(link, trust_env=False).status_code == 404, link
    let_go(person)
    wait_until_erased(stack, person)


def test_what_stripe_tells_late_names_no_customer(
    stack: Stack, person: Person, stripe: Stripe
) -> None:
    subscription = subscribed(stripe, person, "starter")
    row = postgres.row("select customer_id from app.subscriptions where account_id = %(id)s",
                       {"id": uuid.UUID(person.id)})  # fmt: skip
    assert row
    assert delete(person, password=person.password).status_code == 202
    wait_until_erased(stack, person)
    stripe_events.replay(1)  # late events about the subscription and the customer
    no_trace_stays(stack, {row["customer_id"], subscription})


def test_an_export_that_comes_late_leaves_nothing(
    stack: Stack, person: Person, hold_erasures: None
) -> None:
    row = postgres.row("select app.record_export(%(id)s) as id",
                        {"id": uuid.UUID(person.id)})  # fmt: skip
    assert row
    assert delete(person, password=person.password).status_code == 202
    account = uuid.UUID(person.id)
    # Its files are deleted already when the archive, begun before, is stored.
    late = tasks.Task(uuid.uuid4(), "export", account, {"export": str(row["id"])}, 1, 0)
    export.make(late)
    assert postgres.rows("select 1 from storage.objects where name like %(it)s",
                         {"it": f"{person.id}/%"}) == []  # fmt: skip
    assert postgres.rows("select 1 from app.tasks where key = %(it)s",
                         {"it": f"export_ready:{row['id']}"}) == []  # fmt: skip
    let_go(person)
    wait_until_erased(stack, person)


@pytest.mark.parametrize(("method", "fresh"), [("password", True), ("token_refresh", False)])
def test_a_refresh_is_no_sign_in(stand_ins: Stack, method: str, fresh: bool) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    stack_keys = stand_in_keys.load(stand_ins.folder / "keys.json")
    now = datetime.now(UTC)
    long_ago = int((now - timedelta(hours=5)).timestamp())
    claims: dict[str, Any] = {
        "sub": str(uuid.uuid4()),
        "aud": "authenticated",
        "role": "authenticated",
        "iss": f"{stand_ins.settings['SUPABASE_URL']}/auth/v1",
        "exp": int((now + timedelta(hours=1)).timestamp()),
        "iat": int(now.timestamp()),
        "amr": [
            {"method": "otp", "timestamp": long_ago},
            {"method": method, "timestamp": int(now.timestamp())},
        ],
    }
    key = load_pem_private_key(stack_keys.user_token_key.encode(), None)
    token = jwt.encode(claims, key, "ES256", headers={"kid": stack_keys.user_token_kid})  # type: ignore[arg-type]
    at = tokens.signed_in_at(token)
    assert at is not None
    assert (now - at < erase.FRESH) is fresh


@pytest.mark.parametrize(
    "claims",
    [
        {"amr": [{"method": "password", "timestamp": 10**18}]},
        {"amr": [{"method": "password", "timestamp": -1}]},
        {"amr": [{"method": "password", "timestamp": "now"}]},
        {"amr": {"method": "password"}},
        {"amr": 1},
        {"iat": -(10**18)},
        {"sub": 7},
        {"sub": ["x"]},
    ],
)
def test_claims_that_no_clock_shows_are_refused(stand_ins: Stack, claims: dict[str, Any]) -> None:
    own = stand_in_keys.load(stand_ins.folder / "keys.json")
    now = int(datetime.now(UTC).timestamp())
    good = {
        "sub": str(uuid.uuid4()),
        "aud": "authenticated",
        "role": "authenticated",
        "iss": f"{stand_ins.settings['SUPABASE_URL']}/auth/v1",
        "exp": now + 3600,
        "iat": now,
    }
    token = jwt.encode(
        good | claims,
        own.user_token_key,
        "ES256",
        headers={"kid": own.user_token_kid},
    )
    with pytest.raises(tokens.TokenRefused):
        tokens.signed_in_at(token)
    answer = httpx.get(
        f"{stand_ins.url}/v1/account",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert answer.status_code == 401, answer.text


def test_a_confirmation_that_nobody_takes_is_not_kept(stack: Stack) -> None:
    """The address is there until the mail is sent or refused, not for the operator's retries."""

    def refused(_: tasks.Task) -> None:
        raise tasks.GiveUp("the address was refused")

    account, kind = uuid.uuid4(), f"test-{uuid.uuid4()}"
    payload = {"email": f"{account}@example.com", "name": "Ann Erasable"}
    tasks.add(f"{kind}-erase", account_id=account, payload=payload)
    tasks.run({f"{kind}-erase": lambda task: _confirmed_as(kind, task, account)}, 5)
    assert traces(stack, {str(account)})
    tasks.run({kind: refused}, 5)
    assert traces(stack, {str(account)}) == []
    [row] = postgres.rows("select payload from app.tasks where kind = %(it)s", {"it": kind})
    assert row["payload"] == {"template": "account_deleted"}


def _confirmed_as(kind: str, task: tasks.Task, account: uuid.UUID) -> None:
    """The last step of an erasure, its mail held back from the stack's own worker."""
    name = f"held_{kind.replace('-', '_')}"
    postgres.rows(
        f"create function app.{name}() returns trigger language plpgsql as $$ begin"
        f" if new.payload #>> '{{to}}' = '{task.payload['email']}' then new.kind := '{kind}';"
        " end if; return new; end $$"
    )
    postgres.rows(
        f"create trigger {name} before insert on app.tasks for each row"
        f" execute function app.{name}()"
    )
    try:
        erase.STEPS[-1](task, account)
    finally:
        postgres.rows(f"drop function app.{name}() cascade")


def rows_of(stack: Stack, account: str) -> dict[str, list[str]]:
    """All data of an account, except what its own next call adds."""
    result = {}
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        for table in TABLES:
            if table.name in ("request_log", "rate_windows"):
                continue
            query = sql.SQL("select t::text from {} t where " + table.where + " order by 1").format(
                sql.Identifier("app", table.name)
            )
            rows = connection.execute(query, {"account": account}).fetchall()
            result[table.name] = [row[0] for row in rows]
        stored = connection.execute(
            "select name || version from storage.objects where name like %s order by 1",
            [f"{account}/%"],
        ).fetchall()
        login = connection.execute(
            "select email from auth.users where id = %s", [account]
        ).fetchall()
    result["storage.objects"] = [row[0] for row in stored]
    result["auth.users"] = [row[0] for row in login]
    return result


def test_others_are_left_as_they_are(
    stack: Stack, person: Person, account: Account, other_account: Account, clip: Path
) -> None:
    before = {}
    for other in (account, other_account):
        job = other.wait(other.create(other.upload(clip), "mp3"))
        other.http.post(f"/v1/transcodes/{job['id']}/report", json={"message": "It hums."})
        other.http.post("/v1/support", json={"message": "Hello."})
        before[account_id(other)] = (other, job["id"])
    Worker(stack, person, clip)
    waiting = "select 1 from app.tasks where ended_at is null and account_id = any(%(ids)s)"
    ids = [uuid.UUID(each) for each in before]
    eventually(lambda: not postgres.rows(waiting, {"ids": ids}), hold=1)
    remaining = {each: rows_of(stack, each) for each in before}
    for rows in remaining.values():
        assert len(rows["storage.objects"]) == 2
        assert rows["jobs"] and rows["reports"] and rows["auth.users"]
    assert delete(person, password=person.password).status_code == 202
    wait_until_erased(stack, person)
    for each, (other, job_id) in before.items():
        assert rows_of(stack, each) == remaining[each]
        assert other.download(job_id)
