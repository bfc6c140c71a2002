"""The export: one archive of all that is held of an account, for a day."""

from __future__ import annotations

import csv
import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lib.platform import postgres
from lib.privacy import export
from lib.privacy.inventory import TABLES
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.files import sweep
from tests.rigs.mail.arrivals import arrived
from tests.rigs.privacy.exports import Worker, opened, ready
from tests.rigs.privacy.schema import columns


def test_all_that_is_held_is_in_one_archive(stack: Stack, person: Person, clip: Path) -> None:
    mine = Worker(stack, person, clip)
    person.http.post(f"/v1/transcodes/{mine.job_id}/report", json={"message": "It hums."})
    request = person.http.post("/v1/account/export")
    assert request.status_code == 202, request.text
    answer = ready(person)
    archive = opened(answer["url"])
    assert set(archive.namelist()) == {"README.txt", "everything.json", "usage.csv", "files.csv"}
    everything = json.loads(archive.read("everything.json"))
    there = columns()
    assert set(everything) == {"login"} | {table.name for table in TABLES}
    for table in TABLES:
        for row in everything[table.name]:
            assert set(row) == there[table.name] - set(table.withheld), table.name
    assert everything["login"]["email"] == person.email
    assert everything["login"]["raw_user_meta_data"]["name"] == "Ann"
    assert everything["login"]["sessions"][0]["methods"] == ["password"]
    assert everything["login"]["identities"][0]["identity_data"]["email"] == person.email
    assert everything["accounts"][0]["id"] == person.id
    assert [row["id"] for row in everything["jobs"]] == [mine.job_id]
    assert everything["jobs"][0]["receipt"]["output"]["sha256"]
    assert [row["label"] for row in everything["api_keys"]] == ["export me"]
    assert everything["reports"][0]["message"] == "It hums."
    for name in ("policy_acceptances", "usage", "usage_ledger", "job_events", "request_log"):
        assert everything[name], name
    assert {row["role"] for row in everything["files"]} == {"upload", "output", "export"}
    ledger = list(csv.DictReader(io.StringIO(archive.read("usage.csv").decode())))
    assert [row["kind"] for row in ledger] == ["reserve", "settle"]
    files = list(csv.DictReader(io.StringIO(archive.read("files.csv").decode())))
    assert {row["file"].partition("//")[2].partition("/")[0] for row in files} == {
        "uploads", "outputs",
    }  # fmt: skip
    for row in files:
        got = httpx.get(row["link"], follow_redirects=True, trust_env=False)
        assert len(got.content) == int(row["bytes"])
    assert b"ffm_" not in b"".join(archive.read(name) for name in archive.namelist()).replace(
        everything["api_keys"][0]["starts_with"].encode(), b""
    )
    [mail] = [each for each in arrived(stack, person.email)
              if each.message["Subject"] == "Your data is ready to download"]  # fmt: skip
    text = mail.message.get_body(("plain",)).get_content()
    assert answer["url"] in text


def test_nothing_of_others_is_in_it(
    stack: Stack, person: Person, other_account: Account, clip: Path
) -> None:
    other_account.wait(other_account.create(other_account.upload(clip), "mp3"))
    row = postgres.row("select id from app.accounts where email = %(it)s",
                       {"it": other_account.email})  # fmt: skip
    assert row
    person.http.post("/v1/account/export")
    archive = opened(ready(person)["url"])
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert str(row["id"]).encode() not in whole
    assert other_account.email.encode() not in whole


def test_one_is_made_at_a_time_and_three_a_day(person: Person) -> None:
    first = person.http.post("/v1/account/export").json()
    assert person.http.post("/v1/account/export").json()["id"] in (first["id"],
                                                                   ready(person)["id"])  # fmt: skip
    for _ in range(3):
        ready(person)
        last = person.http.post("/v1/account/export")
    assert last.status_code == 429
    assert "within a day" in last.json()["error"]
    assert int(last.headers["Retry-After"]) > 0


def test_many_who_ask_at_once_get_one(person: Person) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = pool.map(lambda _: export.ask(uuid.UUID(person.id)).id, range(8))
    # One, or the next where the first was made meanwhile.
    assert len(set(ids)) <= 2
    rows = postgres.rows("select id from app.files where role = 'export' and account_id = %(id)s",
                         {"id": uuid.UUID(person.id)})  # fmt: skip
    assert len(rows) <= 2
    ready(person)


def test_one_that_was_given_up_is_made_anew(person: Person) -> None:
    postgres.rows("select app.record_export(%(id)s)",
                  {"id": uuid.UUID(person.id)})  # fmt: skip
    assert person.http.get("/v1/account/export").json()["status"] == "failed"
    assert person.http.post("/v1/account/export").json()["status"] in ("pending", "ready")
    opened(ready(person)["url"])


def test_the_links_to_files_live_no_longer_than_these(
    stack: Stack, person: Person, clip: Path
) -> None:
    mine = Worker(stack, person, clip)
    person.http.post("/v1/account/export")
    archive = opened(ready(person)["url"])
    rows = list(csv.DictReader(io.StringIO(archive.read("files.csv").decode())))
    [upload] = [row["link"] for row in rows if row["file"] == mine.url]
    [output] = [row["link"] for row in rows if row["file"] != mine.url]
    for forged in (
        upload[:-1] + ("0" if upload[-1] != "0" else "1"),
        upload.replace("expires=", "expires=9"),
        upload.partition("&")[0],
        output.partition("?")[0] + "?" + upload.partition("?")[2].replace("uploads", "outputs"),
    ):
        assert httpx.get(forged, trust_env=False).status_code == 404
    postgres.rows("update app.files set expires_at = now() where address = %(url)s",
                  {"url": mine.url})  # fmt: skip
    late = httpx.get(upload, trust_env=False)
    assert late.status_code == 404
    assert "was deleted on" in late.json()["error"]
    assert httpx.get(output, trust_env=False).status_code == 302


def test_an_export_is_gone_after_its_day(stack: Stack, person: Person) -> None:
    assert person.http.get("/v1/account/export").json()["status"] == "none"
    person.http.post("/v1/account/export")
    answer = ready(person)
    postgres.rows("update app.files set expires_at = now() where id = %(id)s",
                  {"id": uuid.UUID(answer["id"])})  # fmt: skip
    late = httpx.get(answer["url"], trust_env=False)  # before any sweep
    assert late.status_code == 404
    assert "was deleted on" in late.json()["error"]
    assert person.http.get("/v1/account/export").json()["status"] == "deleted"
    assert sweep(stack)["exports"] >= 1
    left = postgres.rows("select 1 from storage.objects where name = %(name)s",
                         {"name": f"{person.id}/{answer['id']}.zip"})  # fmt: skip
    assert left == []


@pytest.mark.parametrize("fault", ["signature", "expires", "id", "none"])
def test_a_forged_link_opens_nothing(person: Person, fault: str) -> None:
    person.http.post("/v1/account/export")
    url = ready(person)["url"]
    forged = {
        "signature": url[:-1] + ("0" if url[-1] != "0" else "1"),
        "expires": url.replace("expires=", "expires=9"),
        "id": url.replace(url.split("/")[6], str(uuid.uuid4())),
        "none": url.partition("?")[0],
    }[fault]
    assert httpx.get(forged, trust_env=False).status_code == 404


def test_a_key_exports_nothing(account: Account) -> None:
    assert account.http.post("/v1/account/export").status_code == 403
    assert account.http.get("/v1/account/export").status_code == 403
