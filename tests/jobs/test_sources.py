"""URL inputs through the service: quirky servers, pasted URLs, share links, many inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib.files.open import MAX_SERVED, WHOLE_BYTES
from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.sources import SourceServer

THUMBNAIL = [{"option": "@thumbnail", "argument": {"at": 1}}]


@pytest.fixture(scope="module")
def tail(make_media: Callable[..., Path]) -> Path:
    """Four seconds that take more than is fetched whole, the index at the end."""
    path = make_media(
        "tail.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4",
        "-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "16M",
    )  # fmt: skip
    assert path.stat().st_size > 1.5 * WHOLE_BYTES
    return path


def created(account: Account, url: str, output: str = "jpeg", **request: Any) -> dict[str, Any]:
    """A job's end."""
    return account.wait(account.create(url, output, **request), 120)


@pytest.mark.parametrize(
    "mode",
    ["good", "first:503", "first:429,1", "reset", "cut:3000000", "cutwhole", "reject:416",
     "nospan", "only0", "ifrange", "etag", "oneconn:503", "once:410", "encoded:gzip", "cookie",
     "location:space", "head:bad"],
)  # fmt: skip
def test_quirky_servers(account: Account, sources: SourceServer, tail: Path, mode: str) -> None:
    sources.put(tail)
    url = sources.url(f"quirk/{mode}/{tail.name}?{time.monotonic_ns()}")
    job = created(account, url, options=THUMBNAIL)
    assert job["status"] == "completed", job["error_message"]
    assert account.download(job["id"])[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("mode", "category", "says"),
    [
        ("first:503x99", "upload", "answered 503"),
        ("first:429x99", "upload", "429 (too many requests)"),
        ("say:200,login", "validation", 'a web page ("Sign in b")'),
        ("say:404,html", "validation", "404 (not found)"),
    ],
)
def test_a_failed_job_says_what_happened(
    account: Account, sources: SourceServer, mode: str, category: str, says: str
) -> None:
    job = created(account, sources.url(f"quirk/{mode}/x.mp4?{time.monotonic_ns()}"))
    assert (job["status"], job["error_category"]) == ("failed", category), job
    assert says in job["error_message"]
    assert job["billable_minutes"] == 0


def test_a_pasted_url_is_kept_and_shown_as_it_is_cleaned(
    account: Account, sources: SourceServer, clip: Path
) -> None:
    sources.put(clip)
    cleaned = sources.url(f"quirk/good/a%20b%20{clip.name}?q=%C3%BC")
    pasted = "\t" + sources.url(f"quirk/good/a b {clip.name}?q=ü") + " \n"
    answer = account.http.post(
        "/v1/transcodes", json={"inputs": [{"url": pasted}], "outputFormat": "mp3"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["inputUrl"] == cleaned
    job = account.wait(answer.json()["id"])
    assert job["status"] == "completed", job["error_message"]
    assert job["request"]["inputs"] == [{"url": cleaned}]
    assert job["inputs"][0]["url"] == cleaned


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://www.youtube.com/watch?v=x", "a page of YouTube"),
        ("https://user:pa55word@example.com/a.mp4", "signed link"),
        (f"https://{'a' * 64}.example/a.mp4", "host name is too long"),
        ("https://example.com/" + "a" * 8173, "8,192 characters"),
    ],
)
def test_create_and_validate_refuse_with_advice(account: Account, url: str, says: str) -> None:
    for route in ("/v1/transcodes", "/v1/validate"):
        answer = account.http.post(route, json={"inputs": [{"url": url}], "outputFormat": "mp3"})
        assert answer.status_code == 400, answer.text
        assert says in answer.text
        assert "pa55word" not in answer.text


def test_a_share_link_is_stored_with_the_address_of_its_file(
    stack: Stack, account: Account
) -> None:
    link = "https://drive.google.com/file/d/1A2b3C4d5E6f7G8h9I0j/view?usp=sharing"
    job_id = account.create(link, "mp3")
    account.http.patch(f"/v1/transcodes/{job_id}/cancel")
    job = account.job(job_id)
    assert job["request"]["inputs"][0]["url"] == link
    assert job["inputs"][0]["url"].startswith("https://drive.usercontent.google.com/download?id=1A")
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        row = connection.execute("select inputs from app.jobs where id = %s", [job_id]).fetchone()
    assert row is not None
    assert "drive.usercontent.google.com" in row[0][0]["url"]


@pytest.mark.parametrize("how", ["joined pictures", "joined videos", "filter"])
def test_a_hundred_inputs_become_one_video(
    account: Account, sources: SourceServer, make_media: Callable[..., Path], how: str
) -> None:
    if how == "joined videos":
        one = make_media("one.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=5:d=1")
    else:
        one = make_media("one.png", "-f", "lavfi", "-i", "color=red:s=64x48", "-frames:v", "1")
    url = sources.put(one)
    graph = "".join(f"[{n}:v]" for n in range(100)) + "concat=n=100[v]"
    options = [
        {"option": "-filter_complex", "argument": graph}, {"option": "-map", "argument": "[v]"},
        {"option": "-r", "argument": 5}, {"option": "-preset", "argument": "ultrafast"},
    ]  # fmt: skip
    request = {"options": options} if how == "filter" else {"preset": {"quality": "low"}}
    job = account.wait(account.create([url] * 100, "mp4", **request), 300)
    assert job["status"] == "completed", job["error_message"]
    assert len(job["inputs"]) == len(job["receipt"]["inputs"]) == 100


def test_large_inputs_past_a_number_are_fetched_whole(
    account: Account, sources: SourceServer, tail: Path
) -> None:
    """The others are read in parts, each by a proxy of its own."""
    url = sources.put(tail)
    count = MAX_SERVED + 2
    labels = "".join(f"[{n}:v]trim=end_frame=1,scale=64:36[v{n}];" for n in range(count))
    graph = labels + "".join(f"[v{n}]" for n in range(count)) + f"concat=n={count}[v]"
    job_id = account.create([url] * count, "mp4", options=[
        {"option": "-filter_complex", "argument": graph}, {"option": "-map", "argument": "[v]"},
        {"option": "-preset", "argument": "ultrafast"},
    ])  # fmt: skip
    job = account.wait(job_id, 240)
    assert job["status"] == "completed", job["error_message"]
    whole = [each["sha256"] is not None for each in job["receipt"]["inputs"]]
    assert whole[-2:] == [True, True]


def test_the_inputs_of_a_job_have_a_limit_together(
    stack: Stack, free_account: Account, sources: SourceServer, clip: Path
) -> None:
    url, size = sources.put(clip), clip.stat().st_size
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        row = connection.execute("select max_input_bytes from app.plans where id = 'free'")
        before = row.fetchone()
        connection.execute("update app.plans set max_input_bytes = %s where id = 'free'", [size])
    try:
        ends = [
            free_account.wait(free_account.create([url] * count, "mp3"), 120) for count in (10, 11)
        ]
    finally:
        with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
            connection.execute(
                "update app.plans set max_input_bytes = %s where id = 'free'", before
            )
    assert ends[0]["status"] == "completed", ends[0]
    assert (ends[1]["status"], ends[1]["error_category"]) == ("failed", "file_size"), ends[1]
    assert "together" in ends[1]["error_message"]
