"""Versions of the policies: listed, accepted, published, and told once to everybody."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from lib.admin.__main__ import main
from lib.outbox import tasks
from lib.platform import postgres
from lib.privacy import policies
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.people import account_id, mails_with, stranger


@pytest.fixture
def version(stack: Stack) -> Iterator[str]:
    """The name of a version that is not published, and is gone after the test."""
    name = f"test-{uuid.uuid4()}"
    yield name
    for statement in (
        "delete from app.policy_acceptances where version = %(it)s",
        "delete from app.policies where version = %(it)s",
        "delete from app.tasks where key like 'policy:' || %(it)s || ':%%'",
        "delete from app.tasks where key = 'announce:' || %(it)s",
    ):
        postgres.rows(statement, {"it": name})


def publish(version: str, *answer: str) -> int:
    return main(
        ["--as", "olga", "publish-policy", version, "--summary", *(answer or ("It is new.",))]
    )


def test_anybody_reads_the_versions(stack: Stack, version: str) -> None:
    with stranger(stack) as client:
        first = client.get("/v1/policies")
        assert first.status_code == 200
        assert first.json()["current"] == "1"
        assert publish(version) == 0
        body = client.get("/v1/policies").json()
    assert body["current"] == version
    assert [each["version"] for each in body["items"]] == [version, "1"]
    assert body["items"][0]["summary"] == "It is new."
    assert body["items"][0]["published_at"].endswith("Z")


def test_a_version_is_accepted_once(person: Person, version: str) -> None:
    unknown = person.http.post(f"/v1/policies/{version}/accept")
    assert unknown.status_code == 404
    assert publish(version) == 0
    first = person.http.post(f"/v1/policies/{version}/accept")
    assert first.status_code == 200
    second = person.http.post(f"/v1/policies/{version}/accept")
    assert (second.status_code, second.json()) == (200, first.json())
    accepted = person.http.get("/v1/account").json()["policies"]
    assert [each["version"] for each in accepted] == ["1", version]
    assert accepted[1]["accepted_at"] == first.json()["accepted_at"]


def test_a_key_can_not_accept(account: Account) -> None:
    assert account.http.post("/v1/policies/1/accept").status_code == 403


def test_a_version_is_published_once(
    stack: Stack, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(version) == 0
    assert publish(version, "Another text.") == 1
    assert "published before" in capsys.readouterr().err
    rows = postgres.rows(
        "select * from app.tasks where key = %(it)s", {"it": f"announce:{version}"}
    )
    assert len(rows) == 1
    logged = postgres.rows(
        "select who from app.operator_log where act = 'publish-policy'"
        " and detail ->> 'version' = %(it)s",
        {"it": version},
    )
    assert [row["who"] for row in logged] == ["olga"]
    for wrong in ("", "two words", "../x", "x" * 51):
        with pytest.raises(SystemExit, match="2"):
            publish(wrong)
    for summary in ("", "two\n\nparagraphs", "x" * 2001):
        with pytest.raises(SystemExit, match="2"):
            publish(f"{version}-b", summary)


def test_everybody_is_told_once(
    stack: Stack, account: Account, other_account: Account, version: str
) -> None:
    assert publish(version, f"We name a further processor {version}.") == 0
    answer = mails_with(stack, f"further processor {version}", 2)
    end = time.monotonic() + 60
    while unfinished(version) and time.monotonic() < end:
        time.sleep(0.1)
    answer = mails_with(stack, f"further processor {version}", 2)
    addresses = [str(mail["To"]) for mail in answer]
    assert len(addresses) == len(set(addresses))
    assert {account.email, other_account.email} <= set(addresses)
    assert answer[0]["Subject"] == "Our privacy policy and terms have changed"


def unfinished(version: str) -> int:
    row = postgres.row(
        "select count(*) as number from app.tasks where ended_at is null"
        " and (key = 'announce:' || %(it)s or key like 'policy:' || %(it)s || ':%%')",
        {"it": version},
    )
    assert row
    return int(row["number"])


@pytest.fixture
def accounts(stack: Stack) -> Iterator[list[uuid.UUID]]:
    """Seven accounts, five of them to be notified."""
    result = sorted(uuid.uuid4() for _ in range(7))
    for number, each in enumerate(result):
        postgres.rows(
            """
            insert into app.accounts (id, email, closed_at)
            values (%(id)s, case when %(number)s <> 5 then %(id)s::text || '@example.com' end,
                    case when %(number)s = 6 then now() end)
            """,
            {"id": each, "number": number},
        )
    yield result
    postgres.rows("delete from app.accounts where id = any(%(ids)s)", {"ids": result})


@pytest.fixture
def announced(version: str) -> str:
    """A kind of task of this test's own, which announces the version two accounts at a time."""
    kind = f"test-{uuid.uuid4()}"
    postgres.rows(
        "insert into app.policies (version, summary) values (%(it)s, 'x')", {"it": version}
    )
    tasks.add(kind, payload={"version": version})
    return kind


def mails(version: str) -> list[str]:
    """The accounts that have a mail, sent or not."""
    rows = postgres.rows(
        "select account_id from app.tasks where key like 'policy:' || %(it)s || ':%%'",
        {"it": version},
    )
    return [str(row["account_id"]) for row in rows]


def due_now(kind: str) -> None:
    postgres.rows("update app.tasks set due_at = now() where kind = %(kind)s", {"kind": kind})


def two_at_a_time(stop: Callable[[tasks.Task], None]) -> Callable[[tasks.Task], None]:
    def handler(task: tasks.Task) -> None:
        stop(task)
        policies.announce(task, batch=2)

    return handler


def test_what_was_stopped_goes_on_and_tells_nobody_twice(
    version: str, announced: str, accounts: list[uuid.UUID]
) -> None:
    steps = 0

    def stopped(task: tasks.Task) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:  # the mails are queued, and the sender falls before it can note how far
            with pytest.raises(tasks.GoOn):
                policies.announce(dataclasses.replace(task, attempt=task.attempt - 1), batch=2)
            raise OSError

    assert tasks.run({announced: two_at_a_time(stopped)}, 20)["again"] == 1
    before = mails(version)
    assert 0 < len(before) <= 4
    due_now(announced)
    assert tasks.run({announced: two_at_a_time(lambda _: None)}, 60)["done"] == 1
    after = mails(version)
    assert len(after) == len(set(after))
    assert {str(each) for each in accounts} & set(after) == {str(each) for each in accounts[:5]}


def test_a_database_that_fails_in_a_batch_leaves_it_whole(
    version: str, announced: str, accounts: list[uuid.UUID]
) -> None:
    """The fourth of our accounts' mails can't be written: its batch is queued later, whole."""
    postgres.rows(
        f"""
        create function app.fail_for_test() returns trigger language plpgsql as $$
        begin
          if new.key = 'policy:{version}:{accounts[3]}' then raise exception 'full'; end if;
          return new;
        end $$;
        create trigger fail_for_test before insert on app.tasks
          for each row execute function app.fail_for_test()
        """
    )
    try:
        counts = tasks.run({announced: two_at_a_time(lambda _: None)}, 60)
    finally:
        postgres.rows("drop function app.fail_for_test() cascade")
    assert counts == {"done": 0, "again": 1, "given_up": 0}
    assert str(accounts[3]) not in mails(version)
    due_now(announced)
    assert tasks.run({announced: two_at_a_time(lambda _: None)}, 60)["done"] == 1
    after = mails(version)
    assert len(after) == len(set(after))
    assert {str(each) for each in accounts[:5]} <= set(after)


def test_who_accepted_is_told_no_more(
    version: str, announced: str, account: Account, other_account: Account
) -> None:
    # Whoever signs up after the publication has accepted it with that.
    own = account_id(account)
    postgres.rows(
        "delete from app.policy_acceptances where version = %(it)s and account_id <> %(own)s",
        {"it": version, "own": own},
    )
    policies.accept(uuid.UUID(own), version)
    tasks.run({announced: two_at_a_time(lambda _: None)}, 60)
    assert own not in mails(version)
    assert account_id(other_account) in mails(version)
