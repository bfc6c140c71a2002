"""Crafted files, as inputs and as subtitles: nothing else is read, reached or written."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.rigs.accounts import Account
from tests.rigs.hostile import crafted
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.cases import Case, body, case_id, option
from tests.rigs.hostile.guest import Guest
from tests.rigs.sources import SourceServer

_FAILS = "fails:validation"
_ENDS = "works|fails:validation|fails:processing|fails:processing_limit"
MEDIA = {
    "playlist after a byte order mark": _FAILS, "concat script": _FAILS,
    "session description": _FAILS, "drawing of ImageMagick": _FAILS,
    "subtitles as a video": _FAILS, "playlist of a player": _FAILS,
    "movie that refers to another": _FAILS, "movie with its data at a URL": _ENDS,
    "movie with its data in a file": _ENDS, "attachment with a path": _ENDS,
    "tag that forges a report": _ENDS, "picture of ten billion pixels": _FAILS,
    "animation on a large canvas": _ENDS, "20,000 tracks": _FAILS, "boxes in boxes": _FAILS,
}  # fmt: skip
SUBTITLES = {
    "fonts that are paths": _ENDS, "a drawing that explodes": _ENDS,
    "a drawing of a long line": _FAILS, "a huge canvas": _ENDS,
    "a font tag that is a path": _ENDS, "a style sheet": _ENDS, "entities that explode": _FAILS,
    "broken XML": _FAILS, "an entity of a file": _FAILS, "120,000 braces in a line": _FAILS,
    "braces in lines": _ENDS, "tags without end": _ENDS, "classes without end": _ENDS,
    "MicroDVD": _FAILS, "JSON": _FAILS, "SAMI": _FAILS, "MPL2": _FAILS,
}  # fmt: skip
_OUTPUTS = {"jpg": "jpeg", "png": "png", "gif": "gif", "mp3": "mp3", "wav": "mp3", "webm": "mp3",
            "mov": "mp3"}  # fmt: skip
_EXTENSIONS = {
    name: extension for name, (extension, _) in crafted.media("http://h/", 1, "/x", "/y").items()
}


def _address(name: str) -> str:
    return f"http://{{sources}}/crafted-{name.replace(' ', '-').replace(',', '')}"


CASES = [
    *(
        Case("crafted input", name, expected, "",
             body(inputs=[{"url": f"{_address(name)}.{_EXTENSIONS[name]}"}],
                  outputFormat=_OUTPUTS.get(_EXTENSIONS[name], "mp4")))
        for name, expected in MEDIA.items()
    ),
    *(
        Case("crafted subtitles", name, expected, "",
             body(options=[option("@subtitles", {"url": f"{_address(name)}.srt"})]))
        for name, expected in SUBTITLES.items()
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def responses(
    guest: Guest, canary: Canary, sources: SourceServer, values: dict[str, str]
) -> dict[tuple[str, str], httpx.Response]:
    """The answers to all cases, sent at once so that no test waits for its turn."""
    written = f"{canary.folder}/{canary.stray}"
    offered = {
        f"{name}.{extension}": data
        for name, (extension, data) in crafted.media(
            canary.url, canary.port, str(canary.file), written
        ).items()
    } | {
        f"{name}.srt": text.encode()
        for name, text in crafted.subtitles(canary.url, str(canary.file)).items()
    }
    for name, data in offered.items():
        (sources.folder / _address(name).rpartition("/")[2]).write_bytes(data)
    return {(case.family, case.name): guest.send(case, values) for case in CASES}


def test_every_crafted_file_is_a_case() -> None:
    assert list(MEDIA) == list(crafted.media("http://h/", 1, "/x", "/y"))
    assert list(SUBTITLES) == list(crafted.subtitles("http://h/", "/x"))


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_crafted(
    case: Case,
    guest: Guest,
    values: dict[str, str],
    responses: dict[tuple[str, str], httpx.Response],
) -> None:
    guest.assert_wanted(case, responses[case.family, case.name], values)


@pytest.mark.slow
def test_subtitles_that_burn_time_delay_no_other_job(
    guest: Guest, sources: SourceServer, values: dict[str, str], account: Account
) -> None:
    """They are parsed by another process, which holds no lock of the worker's."""
    text = crafted.TIMES + ("<b" * 2_400 + "\n") * 400
    (sources.folder / "burning.srt").write_text(text)
    slow = guest.http.post(
        "/v1/transcodes",
        json=body(
            inputs=[{"url": values["clip"]}],
            options=[option("@subtitles", {"url": sources.url("burning.srt")})],
        ),
    ).json()["id"]
    while guest.job(slow)["status"] in ("pending", "queued"):
        time.sleep(0.05)
    quick = account.create(values["clip"], "mp3")
    assert account.wait(quick, 60)["status"] == "completed"
    job = guest.ended(slow, 90)
    assert (job["status"], job["error_category"]) == ("failed", "validation"), job
    assert "too complex" in job["error_message"]
