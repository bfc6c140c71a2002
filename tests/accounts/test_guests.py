"""Visitors: a key for an hour on a small plan, a few a day, and nothing left of them after."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lib import background
from lib.accounts import guests, keys
from lib.accounts.rates import WIDER, Network
from lib.billing import purchases
from lib.files import uploads
from lib.files.stores import storage
from lib.http.client import networks as client_networks_of
from lib.platform import postgres
from lib.platform.errors import Problem
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.guests import Guest
from tests.rigs.people import fresh_address, stranger
from tests.rigs.privacy.erasure import traces


@pytest.fixture
def guest(stack: Stack) -> Guest:
    return Guest(stack)


def test_a_visitor_makes_a_job(guest: Guest, clip: Path) -> None:
    assert (guest.answer["max_bytes"], guest.answer["minutes"]) == (26_214_400, 3)
    job = guest.wait(guest.create(guest.upload(clip), "mp3"))
    assert job["status"] == "completed", job
    assert len(guest.download(job["id"])) > 1000
    row = postgres.row(
        "select extract(epoch from expires_at - created_at)::int as seconds from app.files"
        " where job_id = %(id)s",
        {"id": job["id"]},
    )
    assert row == {"seconds": guests.SECONDS}


def test_a_visitor_does_nothing_that_needs_a_person(guest: Guest, stack: Stack) -> None:
    for method, path, body in (
        ("POST", "/v1/api-keys", {}),
        ("DELETE", "/v1/account", {}),
        ("POST", "/v1/account/export", None),
        ("POST", "/v1/billing/checkout", {"plan": "pro"}),
        ("POST", "/v1/billing/portal", None),
        ("DELETE", "/v1/account/sessions", None),
        ("POST", "/v1/policies/1/accept", None),
        ("PATCH", "/v1/account", {"email": "somebody@example.com"}),
        ("PATCH", "/v1/account", {"name": "Somebody"}),
        ("PATCH", "/v1/account", {"retention": {"inputs": None, "outputs": None}}),
        ("POST", f"/v1/transcodes/{uuid.uuid4()}/report", {"message": "Look."}),
    ):
        answer = guest.http.request(method, path, json=body)
        assert answer.status_code == 403, (path, answer.text)
    answer_body = guest.http.get("/v1/account").json()
    assert (answer_body["email"], answer_body["name"]) == (None, None)
    assert answer_body["retention"] == {"inputs": 1, "outputs": 1}
    keys_shown = guest.http.get("/v1/api-keys").json()["items"]
    assert [each["scopes"] for each in keys_shown] == [["jobs", "read"]]
    assert keys_shown[0]["expires_at"] == guest.answer["expires_at"]


def test_the_plan_is_not_for_sale(stack: Stack, person: Person) -> None:
    offered = httpx.get(f"{stack.url}/v1/billing/plans", trust_env=False).json()["items"]
    assert "try" not in {plan["id"] for plan in offered}
    assert "try" not in {plan.id for plan in purchases.plans().items}  # what stripe-setup sells
    with stranger(stack) as visitor:
        answer = visitor.post(
            "/v1/billing/checkout",
            json={"plan": "try"},
            headers={"Authorization": f"Bearer {person.token}"},
        )
    assert answer.status_code in (400, 503), answer.text


def test_a_visitor_who_writes_says_where_to_answer_to(guest: Guest) -> None:
    letter = {"message": f"How long is it kept? {uuid.uuid4()}"}
    assert guest.http.post("/v1/support", json=letter).status_code == 400
    letter["email"] = f"{uuid.uuid4()}@example.com"
    answer = guest.http.post("/v1/support", json=letter)
    assert answer.status_code == 201, answer.text
    row = postgres.row(
        "select account_id, email from app.support_messages where id = %(id)s",
        {"id": answer.json()["id"]},
    )
    assert row == {"account_id": None, "email": letter["email"]}


def test_a_visitor_sends_a_few_small_files(
    guest: Guest, clip: Path, make_media: Callable[..., Path]
) -> None:
    large = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 26_214_401}
    refused = guest.http.post("/v1/upload/presigned-url", json=large)
    assert refused.status_code == 400
    assert "at most 25 MiB" in refused.json()["error"]
    assert "Sign up" in refused.json()["details"]
    small = large | {"fileSize": 1000}
    statuses = [
        guest.http.post("/v1/upload/presigned-url", json=small).status_code for _ in "12345"
    ]
    assert statuses == [200] * 5
    sixth = guest.http.post("/v1/upload/presigned-url", json=small)
    assert sixth.status_code == 400
    assert "5 uploads. Sign up" in sixth.json()["error"]


def test_other_plans_are_asked_when_a_job_names_the_upload(free_account: Account) -> None:
    request = {"filename": "a.mp4", "contentType": "video/mp4", "fileSize": 104_857_601}
    assert free_account.http.post("/v1/upload/presigned-url", json=request).status_code == 200
    beyond = free_account.http.post(
        "/v1/upload/presigned-url", json=request | {"fileSize": uploads.MAX_BYTES + 1}
    )
    assert beyond.json()["error"] == "File size too large. Maximum allowed size is 2GB."


def test_minutes_and_jobs_at_once_are_few(guest: Guest, make_media: Callable[..., Path]) -> None:
    long = make_media("long.wav", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "170")
    url = guest.upload(long)
    first = guest.create(url, "mp3")
    second = guest.http.post(
        "/v1/transcodes", json={"inputs": [{"url": url}], "outputFormat": "mp3"}
    )
    assert second.status_code == 402, second.text
    assert "Sign up" in second.json()["error"]
    assert guest.wait(first)["status"] == "completed"
    # Nearly all is used, and there was a wall: nobody gets a mail.
    queued = "select key from app.tasks where account_id = %(id)s"
    assert postgres.rows(queued, {"id": guest.id}) == []
    plan = guest.http.get("/v1/account").json()["plan"]
    assert (plan["id"], plan["jobs_at_once"], plan["minutes_per_month"]) == ("try", 1, 3)


def test_a_body_that_asks_for_more_is_refused(stack: Stack) -> None:
    answer = stranger(stack).post("/v1/try", json={"plan": "pro"})
    assert answer.status_code == 400, answer.text


def later(network: str, seconds: int) -> None:
    """As if the time had passed since the network's visitors came."""
    postgres.rows(
        "update app.guests set created_at = created_at - make_interval(secs => %(seconds)s)"
        " where network = %(it)s",
        {"it": network, "seconds": seconds},
    )


def opened(networks: Sequence[Network]) -> bool:
    try:
        guests.open_account(networks)
    except Problem as problem:
        assert problem.status == 429
        assert "ign up" in problem.error
        return False
    return True


def test_an_address_gets_two_a_minute(stack: Stack) -> None:
    with stranger(stack) as visitor:
        answers = [visitor.post("/v1/try") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert 50 <= int(answers[2].headers["Retry-After"]) <= 60
        assert "sign up" in answers[2].json()["error"]
        # All of an IPv6 line counts as one; another line does not.
        line = visitor.headers["x-real-ip"].removesuffix("::1")
        neighbor = {"x-real-ip": f"{line}::2"}
        assert visitor.post("/v1/try", headers=neighbor).status_code == 429
        later(f"{line}::/64", 61)
        assert visitor.post("/v1/try").status_code == 201
    with stranger(stack) as other:
        assert other.post("/v1/try", json={}).status_code == 201


def test_none_races_past_a_limit(stack: Stack) -> None:
    """In each minute two of many at once, and ten in all of the day."""
    network = fresh_address()
    with ThreadPoolExecutor(8) as pool:
        for minute in range(7):
            count = sum(pool.map(opened, [[Network(network)]] * 16))
            assert count == (guests.MOST_A_MINUTE if minute < 5 else 0)
            later(network, 61)
    with pytest.raises(Problem) as refused:
        guests.open_account([Network(network)])
    assert "all trials for today" in refused.value.error
    wait = int(refused.value.headers["Retry-After"])
    assert 86_400 - 500 < wait < 86_400 - 400  # until the first of them is a day ago
    later(network, wait)
    assert opened([Network(network)])


def test_a_48_opens_four_times_as_many_as_a_64() -> None:
    """In a minute and in a day, however many networks it has; the next /48 is another matter."""
    site = fresh_address().rsplit(":", 3)[0]  # 2001:db8:xxxx
    wide = f"{site}::/48"
    lines = itertools.count(1)

    def opened_from_a_fresh_line() -> bool:
        line = Network(f"{site}:{next(lines):x}::/64")
        return opened([line, Network(wide, WIDER)])

    for minute in range(guests.MOST_A_DAY // guests.MOST_A_MINUTE + 1):
        count = sum(opened_from_a_fresh_line() for _ in range(WIDER * guests.MOST_A_MINUTE + 2))
        within = minute < guests.MOST_A_DAY // guests.MOST_A_MINUTE
        assert count == (WIDER * guests.MOST_A_MINUTE if within else 0)
        postgres.rows(
            "update app.guests set created_at = created_at - interval '61 seconds'"
            " where wide_network = %(it)s",
            {"it": wide},
        )
    with pytest.raises(Problem, match="for today"):
        guests.open_account([Network(f"{site}:ffff::/64"), Network(wide, WIDER)])
    assert opened(client_networks_of(fresh_address()))


def test_the_48_of_a_visitor_is_noted(stack: Stack) -> None:
    address = fresh_address()
    with stranger(stack, address) as visitor:
        assert visitor.post("/v1/try").status_code == 201
    line, site = client_networks_of(address)
    assert postgres.rows(
        "select network, wide_network from app.guests where network = %(it)s", {"it": line.name}
    ) == [{"network": line.name, "wide_network": site.name}]


def test_there_is_a_limit_of_all(stack: Stack) -> None:
    guests.open_account([Network(fresh_address())])
    with pytest.raises(Problem, match="Too many people") as refused:
        guests.open_account([Network(fresh_address())], most_in_all=1)
    assert refused.value.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 86_400


def test_the_key_ends_with_its_hour(guest: Guest) -> None:
    assert guest.http.get("/v1/transcodes").status_code == 200
    postgres.rows(
        "update app.api_keys set expires_at = now() where account_id = %(id)s", {"id": guest.id}
    )
    assert guest.http.get("/v1/transcodes").status_code == 401


def test_a_key_of_a_person_has_no_end_of_its_own(account: Account) -> None:
    row = postgres.row(
        "select k.expires_at, a.guest_until from app.api_keys k"
        " join app.accounts a on a.id = k.account_id where k.hash = %(hash)s",
        {"hash": keys.digest(account.key)},
    )
    assert row == {"expires_at": None, "guest_until": None}


def words_of(guest: Guest) -> set[str]:
    """The ids of all that is the visitor's, and its address."""
    row = postgres.row(
        """
        select array_agg(word) as words from (
          select id::text as word from app.api_keys where account_id = %(id)s
          union all select id::text from app.jobs where account_id = %(id)s
          union all select id::text from app.files where account_id = %(id)s
          union all select key from app.files where account_id = %(id)s) w
        """,
        {"id": guest.id},
    )
    assert row
    return {str(guest.id), guest.address, *row["words"]}


def test_nothing_is_left_of_a_visitor(stack: Stack, guest: Guest, clip: Path) -> None:
    account_id = guest.id
    url = guest.upload(clip)
    job = guest.wait(guest.create(url, "mp3"))
    assert job["status"] == "completed"
    guest.http.post("/v1/upload/presigned-url", json={
        "filename": "never.mp4", "contentType": "video/mp4", "fileSize": 5})  # fmt: skip
    link = guest.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"]
    words = words_of(guest)
    background.sweep(5)
    assert guest.http.get("/v1/transcodes").status_code == 200  # its hour is not over
    assert {table for table, _ in traces(stack, words)} > {"app.accounts", "app.request_log"}
    postgres.rows(
        "update app.accounts set guest_until = now() where id = %(id)s", {"id": account_id}
    )
    background.sweep(30)
    assert guest.http.get("/v1/transcodes").status_code == 401
    end = time.monotonic() + 60
    while left := traces(stack, words):
        assert time.monotonic() < end, left
        time.sleep(0.2)
    for bucket in (storage.UPLOADS, storage.OUTPUTS):
        assert storage.folder(bucket, f"{account_id}/") == []
    assert httpx.get(link, trust_env=False).status_code >= 400


def test_a_visitor_leaves_by_itself_and_is_forgotten_after_a_day(stack: Stack) -> None:
    """A worker with nothing to do begins the end; the address counts for a day."""
    guest = Guest(stack)
    account_id = guest.id
    network = f"{guest.address.removesuffix('::1')}::/64"
    postgres.rows(
        "update app.accounts set guest_until = now() where id = %(id)s", {"id": account_id}
    )
    background.idle()
    end = time.monotonic() + 60
    while postgres.rows("select 1 from app.accounts where id = %(id)s", {"id": account_id}):
        assert time.monotonic() < end
        background.idle()
        time.sleep(0.2)
    came = "select account_id from app.guests where network = %(it)s"
    assert postgres.rows(came, {"it": network}) == [{"account_id": None}]
    later(network, 86_401)
    background.sweep(30)
    assert postgres.rows(came, {"it": network}) == []
