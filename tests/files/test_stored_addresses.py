"""gs:// addresses are compared whole: what only means the same file is nobody's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from lib.files.stores import storage
from lib.files.stores.requests import Missing, StorageError
from lib.jobs.admission import option_files
from lib.platform import postgres
from tests.rigs.accounts import Account
from tests.rigs.people import account_id

Change = Callable[[str], str]


def with_last(insert: str) -> Change:
    """Puts something before the last part of an address."""
    return lambda url: f"{url.rpartition('/')[0]}/{insert}{url.rpartition('/')[2]}"


CHANGES: dict[str, Change] = {
    "query": lambda url: f"{url}?download=1",
    "empty query": lambda url: f"{url}?",
    "fragment": lambda url: f"{url}#a",
    "slash": lambda url: f"{url}/",
    "double slash": with_last("/"),
    "dot": with_last("./"),
    "dots": with_last("x/../"),
    "encoded dots": with_last("%2e%2e/"),
    "encoded dots and slash": with_last("%2e%2e%2f"),
    "twice encoded": with_last("%252e%252e%252f"),
    "no utf-8": with_last("%ff"),
    "encoded name": lambda url: url[: -len("mp3")] + "%6dp3",
    "upper case": lambda url: f"gs://{url.removeprefix('gs://').upper()}",
    "space": lambda url: url.replace("gs://", "gs:// "),
    "encoded space": lambda url: f"{url}%20",
    "encoded new line": lambda url: f"{url}%0a",
    "space within": lambda url: url.replace(".m", " .m"),
    "other script": lambda url: f"{url}\u0430",
}


@pytest.fixture(scope="module")
def files(stack: Any, tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Any:
    """An account with an upload and an output, and another that has both, too."""
    owner, other = Account(stack, "pro"), Account(stack, "pro")
    upload = owner.upload(clip)
    output = owner.wait(owner.create(upload, "mp3"))["output_url"]
    return owner, other, upload, output


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_an_address_that_only_means_a_file_is_not_found(files: Any, name: str) -> None:
    owner, _, upload, output = files
    postgres.rows(  # each route has a limit a minute, which others test
        "delete from app.rate_windows where subject like '%%:' || %(id)s",
        {"id": account_id(owner)},
    )
    for url in (upload, output):
        changed = CHANGES[name](url)
        assert changed != url
        for path in ("/v1/transcodes", "/v1/validate"):
            for body in bodies(changed, upload):
                answer = owner.http.post(path, json=body)
                assert answer.status_code in (400, 404), (path, changed, answer.text)
        probed = owner.http.post("/v1/ffprobe", json={"url": changed})
        assert probed.status_code == 404, probed.text


@pytest.mark.parametrize("around", [" ", "\n", "\t\r\n"])
def test_spaces_around_an_address_are_dropped_before_it_is_kept(files: Any, around: str) -> None:
    """So that whatever looks for a stored file in a job finds it."""
    owner, _, upload, _ = files
    pasted = f"{around}{upload}{around}"
    options = [{"option": "@watermark", "argument": {"url": pasted}}]
    job = owner.job(owner.create(pasted, "mp4", options=options))
    owner.http.patch(f"/v1/transcodes/{job['id']}/cancel")
    assert job["request"]["inputs"] == [{"url": upload}]
    assert job["inputs"][0]["url"] == upload
    assert option_files(job["request"]) == [upload]


def bodies(url: str, own: str) -> list[dict[str, Any]]:
    """Requests that name a file as an input, and in an option."""
    mp4 = {"inputs": [{"url": own}], "outputFormat": "mp4"}
    return [
        mp4 | {"inputs": [{"url": url}]},
        mp4 | {"options": [{"option": "@watermark", "argument": {"url": url}}]},
    ]


def test_the_own_job_under_another_account_is_not_found(files: Any) -> None:
    owner, other, _, output = files
    foreign = output.replace(account_id(owner), account_id(other))
    assert foreign != output
    for account, url in ((owner, foreign), (other, foreign), (other, output)):
        answer = account.http.post(
            "/v1/transcodes", json={"inputs": [{"url": url}], "outputFormat": "mp3"}
        )
        assert answer.status_code == 404, answer.text
        assert "names no file of yours" in answer.json()["error"]


def test_the_own_files_are_found(files: Any) -> None:
    owner, _, upload, output = files
    job = owner.job(owner.create([upload, output], "mp3"))
    for item in job["inputs"]:
        link = item["downloadUrl"]
        assert httpx.get(link, follow_redirects=True, trust_env=False).status_code == 200


@pytest.mark.parametrize("name", ["a b", "a?b", "a#b", "%2e%2e", "a%00b", "ä", "..", "a\\b"])
def test_a_name_is_quoted_in_storage_s_addresses(files: Any, tmp_path: Path, name: str) -> None:
    """Whatever a name holds, it is that object which is asked for, or none."""
    owner, _, upload, _ = files
    folder = upload.removeprefix("gs://uploads/").rpartition("/")[0]
    with pytest.raises((Missing, StorageError)):
        storage.download(
            "uploads", f"{folder}/{name}/{upload.rpartition('/')[2]}", tmp_path / "x", lambda: False
        )
    for path in (f"/v1/upload/{quote(name, safe='')}", f"/v1/upload/{quote(quote(name))}"):
        assert owner.http.delete(path).status_code in (404, 405), path
