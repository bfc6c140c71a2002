"""POST /v1/validate: what a create would do or refuse, with no job and no charge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.rigs.accounts import Account
from tests.rigs.sources import SourceServer


def _ask(account: Account, url: str, output_format: str = "mp4", **request: Any) -> Any:
    body = {"inputs": [{"url": url}], "outputFormat": output_format} | request
    answer = account.http.post("/v1/validate", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_plan_is_what_the_job_then_does(account: Account, clip: Path) -> None:
    url = account.upload(clip)
    request: dict[str, Any] = {
        "options": [
            {"option": "-vf", "argument": "scale=160:-2"},
            {"option": "-crf", "argument": 30},
            {"option": "@text-overlay", "argument": {"text": "Hello"}},
        ]
    }
    answer = _ask(account, url, **request)
    job = account.wait(account.create(url, **request))
    assert job["status"] == "completed", job
    assert answer["arguments"] == job["receipt"]["arguments"]
    assert answer["streams"] == job["receipt"]["streams"]
    assert answer["minutes"] == job["billable_minutes"]
    assert answer["source"] == job["ffmpeg_options"]["source"]
    assert answer["lane"] == job["lane"]
    assert answer["inputs"][0]["metadata"]["width"] == 320


def test_nothing_is_stored_or_charged(account: Account, clip: Path) -> None:
    answer = _ask(account, account.upload(clip))
    assert answer["minutes_left"] == 2500
    assert answer["minutes"] > 0
    assert account.http.get("/v1/transcodes").json()["total"] == 0
    assert _ask(account, account.upload(clip))["minutes_left"] == 2500


def test_a_copy_is_announced(account: Account, clip: Path) -> None:
    answer = _ask(account, account.upload(clip), "mov")
    assert {each["action"] for each in answer["streams"]} == {"copy"}
    assert all(each["why"] for each in answer["streams"])


def test_every_refusal_at_once_with_flag_rule_and_alternative(account: Account, clip: Path) -> None:
    options = [
        {"option": "-filter_script", "argument": "/etc/passwd"},
        {"option": "-vf", "argument": "movie=/etc/passwd"},
        {"option": "-crf", "argument": "good"},
    ]
    answer = account.http.post(
        "/v1/validate",
        json={
            "inputs": [{"url": account.upload(clip)}],
            "outputFormat": "mp4",
            "options": options,
        },
    )
    assert answer.status_code == 400
    refusals = answer.json()["refusals"]
    assert [each["flag"] for each in refusals] == [
        "-filter_script",
        "-vf: filter movie",
        "-crf",
    ]
    assert all(each["rule"] for each in refusals)
    assert refusals[1]["alternative"] == "Send the file as one more input and refer to it as [1:v]."


def test_create_refuses_in_the_same_words(account: Account, clip: Path) -> None:
    body = {
        "inputs": [{"url": account.upload(clip)}],
        "outputFormat": "mp4",
        "options": [{"option": "-foo"}, {"option": "-bar"}],
    }
    answer = account.http.post("/v1/validate", json=body)
    refused = account.http.post("/v1/transcodes", json=body)
    assert (answer.status_code, refused.status_code) == (400, 400)
    assert answer.json() == refused.json()
    assert len(answer.json()["refusals"]) == 2


@pytest.fixture
def large(make_media: Any) -> Path:
    """Twenty seconds that are not fetched whole."""
    path: Path = make_media(
        "validated.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=20",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-movflags", "+faststart",
    )  # fmt: skip
    return path


def test_a_url_is_looked_into_by_ranges(
    account: Account, sources: SourceServer, large: Path
) -> None:
    assert large.stat().st_size > 8_000_000
    answer = _ask(account, sources.put(large), "webm")
    assert answer["inputs"][0]["metadata"]["duration_seconds"] == 20
    assert answer["minutes"] == 0.3333
    assert answer["arguments"][-1] == "{output}"


def test_a_url_without_ranges_is_looked_into_by_the_job(
    account: Account, sources: SourceServer, large: Path
) -> None:
    answer = _ask(account, sources.put(large).replace("validated", "whole/validated"), "webm")
    assert answer["arguments"] is None
    assert answer["minutes"] is None
    assert "does not answer with ranges" in answer["warnings"][0]


def test_warnings_tell_of_what_is_ignored(account: Account, clip: Path) -> None:
    overlay = {"option": "@text-overlay", "argument": {"text": "a", "style": {"glow": 3}}}
    answer = _ask(account, account.upload(clip), options=[overlay])
    assert any("glow" in each for each in answer["warnings"])


def test_minutes_that_are_not_left_are_a_warning(
    stack: Stack, free_account: Account, make_media: Any
) -> None:
    long = make_media("long.wav", "-f", "lavfi", "-i", "anullsrc=r=4000:cl=mono", "-t", "6060")
    answer = _ask(free_account, free_account.upload(long), "mp3")
    assert answer["minutes"] == 101
    assert answer["minutes_left"] == 100
    assert any("402" in each for each in answer["warnings"])


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("gs://uploads/00000000-0000-0000-0000-000000000000/none.mp4", 404),
        ("http://127.0.0.1:9/none.mp4", 400),
    ],
)
def test_an_input_that_cannot_be_had_is_refused(account: Account, url: str, status: int) -> None:
    answer = account.http.post(
        "/v1/validate", json={"inputs": [{"url": url}], "outputFormat": "mp4"}
    )
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_file_that_does_not_suit_is_unprocessable(account: Account, make_media: Any) -> None:
    silent = make_media("silent.mp4", "-f", "lavfi", "-i", "testsrc2=d=1:s=64x64")
    answer = account.http.post(
        "/v1/validate",
        json={"inputs": [{"url": account.upload(silent)}], "outputFormat": "mp3"},
    )
    assert answer.status_code == 422
    assert "no audio track" in answer.json()["error"]


def test_a_stranger_learns_nothing(stack: Stack, account: Account, other_account: Account,
                                   clip: Path) -> None:  # fmt: skip
    url = account.upload(clip)
    body = {"inputs": [{"url": url}], "outputFormat": "mp4"}
    assert other_account.http.post("/v1/validate", json=body).status_code == 404
    nobody = account.http.post("/v1/validate", json=body, headers={"Authorization": ""})
    assert nobody.status_code == 401
