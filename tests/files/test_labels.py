"""The caller's name of a file, in any script, from the upload to each of its downloads."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
import pytest

from lib.platform import postgres
from local import client as api
from local.stack import Stack
from tests.rigs.accounts import Account, Person
from tests.rigs.files import rows
from tests.rigs.privacy.exports import Worker, opened, ready
from tests.rigs.sources import SourceServer
from tests.rigs.waiting import eventually

NAMES = [
    "отпуск 2026.mp4", "我的视频.mp4", "عرض تجريبي نهائي.mp4", "עברית.mp4", "🎬.mp4",
    "Été à Nîmes.mp4", 'it\'s "50%" off.mp4',
]  # fmt: skip


@pytest.fixture
def short(clip: Path, tmp_path: Path) -> Path:
    """A clip that a test may rename."""
    return Path(shutil.copy(clip, tmp_path / "short.mp4"))


def downloaded_as(url: str) -> str:
    """The name under which a browser saves what a link leads to (RFC 6266)."""
    answer = httpx.get(url, follow_redirects=True, trust_env=False)
    assert answer.status_code == 200, answer.text
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert disposition.startswith("attachment; filename=")
    return unquote(disposition.partition("filename*=UTF-8''")[2])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_every_download(account: Account, short: Path, name: str) -> None:
    path = short.rename(short.with_name(name))
    link = api.presign(account.http, path)
    assert link["filename"].isascii()
    api.put(link["uploadUrl"], path)
    confirmed = api.confirm(account.http, link["filename"], path)
    assert confirmed["filename"] == link["filename"]
    assert downloaded_as(confirmed["downloadUrl"]) == name
    job = account.wait(account.create(confirmed["fileUrl"], "mp3"))
    assert job["status"] == "completed", job
    output = name.removesuffix(".mp4") + ".mp3"
    assert job["inputs"][0]["filename"] == name
    assert downloaded_as(job["inputs"][0]["downloadUrl"]) == name
    assert job["outputs"][0]["filename"] == output
    assert job["output_url"].isascii()
    download = account.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"]
    assert downloaded_as(download) == output
    [listed] = account.http.get("/v1/transcodes", params={"q": name[:-4]}).json()["items"]
    assert (listed["inputs"][0]["filename"], listed["outputs"][0]["filename"]) == (name, output)
    # The output as an input keeps the name.
    second = account.wait(account.create(job["output_url"], "wav"))
    assert second["outputs"][0]["filename"] == name.removesuffix(".mp4") + ".wav"


def test_a_url_gives_its_last_segment(account: Account, short: Path, sources: SourceServer) -> None:
    plain = sources.put(short.rename(short.with_name("клип один.mp4")))
    encoded = plain.rpartition("/")[0] + "/" + quote("клип один.mp4")
    job = account.wait(account.create(encoded, "mp3"))
    assert job["inputs"][0]["filename"] == "клип один.mp4"
    if job["status"] == "completed":
        assert job["outputs"][0]["filename"] == "клип один.mp3"


def test_two_names_that_mean_the_same_are_found_alike(account: Account, short: Path) -> None:
    path = short.rename(short.with_name("cafe\u0301.mp4"))
    job_id = account.create(account.upload(path), "mp3")
    for expected in ("café", "cafe\u0301"):
        body = account.http.get("/v1/transcodes", params={"q": expected}).json()["items"]
        assert [job["id"] for job in body] == [job_id]


def test_rows_of_earlier_versions_keep_working(stack: Stack, account: Account, clip: Path) -> None:
    url = account.upload(clip)
    rows(
        stack,
        "update app.files set filename = %s where address = %s",
        "C:\\films\\\u202eclip.mp4",
        url,
    )
    job = account.wait(account.create(url, "mp3"))
    assert job["inputs"][0]["filename"] == "C:_films_clip.mp4"
    stored = url.rpartition("/")[2]
    rows(
        stack,
        "update app.jobs set inputs = jsonb_set(inputs, '{0,filename}', to_jsonb(%s::text))"
        " where id = %s",
        stored,
        job["id"],
    )
    rows(stack, "update app.files set filename = %s where job_id = %s", "a\u202eb.mp3", job["id"])
    assert account.job(job["id"])["inputs"][0]["filename"] == stored
    link = account.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"]
    assert downloaded_as(link) == "ab.mp3"


def test_names_are_exported_and_erased(stack: Stack, person: Person, short: Path) -> None:
    mine = Worker(stack, person, short.rename(short.with_name("עברית.mp4")))
    person.http.post("/v1/account/export")
    archive = opened(ready(person)["url"])
    files = list(csv.DictReader(io.StringIO(archive.read("files.csv").decode())))
    assert {row["name"] for row in files} == {"עברית.mp4", "עברית.mp3"}
    for row in files:
        assert downloaded_as(row["link"]) == row["name"]
    assert person.http.request(
        "DELETE", "/v1/account", json={"password": person.password}
    ).status_code in (200, 202)

    def any_row() -> object:
        return postgres.row(
            "select 1 from app.files where filename like %(name)s and account_id = %(id)s"
            " union all select 1 from app.jobs where inputs::text like %(name)s and"
            " account_id = %(id)s",
            {"name": "%עברית%", "id": person.id},
        )

    eventually(lambda: not any_row())
    assert mine.job_id
