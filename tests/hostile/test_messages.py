"""What failed jobs say: a sentence for callers, without paths, addresses or signatures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.stack import Stack
from tests.rigs.hostile import files
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.cases import option
from tests.rigs.hostile.guest import INSIDE, Guest, assert_clean
from tests.rigs.hostile.rows import assert_rows_clean
from tests.rigs.sources import SourceServer

MARKER = "NeverRepeatThisSignature"
"""No hash, id or random key can hold it by chance: hexadecimal has none of its letters."""
SIGNED = f"?X-Amz-Signature={MARKER}&token={MARKER}&Expires=1"
"""A signed address must never be repeated: whoever reads it can fetch the file."""


def _failing(sources: SourceServer, guest: Guest, folder: Path, clip: Path) -> dict[str, Any]:
    """Requests that fail in as many ways as ffmpeg, fetching and planning know."""
    data = clip.read_bytes()
    contents = {
        "cut.mp4": data[: len(data) // 2],
        "random.mp4": files.broken(clip)["random"],
        "list.mp4": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x\n",
        "quoted 'x' /tmp/y.mp4".replace("/", ""): b"",
        "huge.png": files.png(30_000, 30_000, b"\0" * 100),
        "cut.png": files.png(64, 64)[:70],
        "notes.mkv": b"\x1a\x45\xdf\xa3" + b"\xff" * 4000,
    }
    for name, content in contents.items():
        (sources.folder / name).write_bytes(content)
    plain = sources.put(clip) + SIGNED
    requests: dict[str, Any] = {
        name: {"inputs": [{"url": sources.url(name.replace(" ", "%20")) + SIGNED}]}
        for name in contents
    }
    requests["missing"] = {"inputs": [{"url": sources.url("nothing.mp4") + SIGNED}]}
    requests["redirect"] = {
        "inputs": [{"url": sources.url(f"redirect?to=http://10.0.0.1/x?token={MARKER}")}]
    }
    requests["no such name"] = {"inputs": [{"url": f"http://nothing.invalid/a{SIGNED}"}]}
    requests["refused connection"] = {"inputs": [{"url": f"http://127.0.0.1:9/a{SIGNED}"}]}
    requests["internal"] = {"inputs": [{"url": f"http://169.254.169.254/a{SIGNED}"}]}
    path = folder / "up.mp4"
    path.write_bytes(contents["cut.mp4"])
    requests["uploaded"] = {"inputs": [{"url": guest.upload(path)}]}
    raw: dict[str, list[tuple[str, Any]]] = {
        "scale": [("-vf", "scale=30000:30000")],
        "negative": [("-vf", "scale=-7:0")],
        "crop": [("-vf", "crop=9999:9999")],
        "codec": [("-c:v", "libvpx-vp9"), ("-c:a", "libopus")],
        "copy with filter": [("-c:v", "copy"), ("-vf", "hflip")],
        "nothing left": [("-an", None), ("-vn", None)],
        "beyond the end": [("-ss", 5000)],
        "bit rate": [("-b:v", 1)],
        "sample rate": [("-ar", 8001)],
        "pixels": [("-c:v", "libx264"), ("-pix_fmt", "gray")],
        "sound filter on picture": [("-vf", "volume=1")],
        "tempo": [("-af", "atempo=100,atempo=100,atempo=100")],
    }
    for name, pairs in raw.items():
        requests[name] = {"inputs": [{"url": plain}], "options": [option(*pair) for pair in pairs]}
    for name, graph in {
        "no such input": "[3:v]hflip[v]", "unconnected": "[0:v]hflip[v];[x]vflip[y]",
        "overlay of one": "[0:v]overlay[v]", "label twice": "[0:v]hflip[v];[0:v]vflip[v]",
        "sound to picture": "[0:a]hflip[v]", "empty crop": "[0:v]crop=0:0[v]",
    }.items():  # fmt: skip
        requests[name] = {"inputs": [{"url": plain}], "filters": [{"filter": graph}]}
    requests["no sound"] = {"inputs": [{"url": sources.url("huge.png")}], "outputFormat": "mp3"}
    return requests


@pytest.fixture(scope="module")
def failed(
    guest: Guest,
    sources: SourceServer,
    clip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Any]]:
    """The jobs of all requests that were accepted, ended."""
    requests = _failing(sources, guest, tmp_path_factory.mktemp("failing"), clip)
    answers = {
        name: guest.http.post("/v1/transcodes", json={"outputFormat": "mp4"} | request)
        for name, request in requests.items()
    }
    for name, answer in answers.items():
        assert answer.status_code in (201, 400), (name, answer.text)
        if answer.status_code == 400:
            assert MARKER not in answer.text
    accepted = {name: answer for name, answer in answers.items() if answer.status_code == 201}
    return {name: guest.wait(answer.json()["id"]) for name, answer in accepted.items()}


def test_messages_are_sentences_and_show_nothing(
    failed: dict[str, dict[str, Any]], guest: Guest
) -> None:
    seen = 0
    for name, job in failed.items():
        if job["status"] != "failed":
            continue
        seen += 1
        message = job["error_message"]
        assert_clean(message, guest.url)
        assert MARKER not in message, name
        assert message[0].isupper() or message.startswith("ffmpeg"), (name, message)
        assert message.rstrip().endswith((".", "!")) or "/billing" in message, (name, message)
        assert job["error_category"] != "unknown", (name, job)
    assert seen >= 20


def test_no_row_of_the_database_tells_more(
    failed: dict[str, dict[str, Any]], stack: Stack, canary: Canary, guest: Guest
) -> None:
    assert failed
    assert_rows_clean(stack.settings["POSTGRES_URL"], stack.url, canary, guest.email)


def test_events_and_logs_hold_no_signature(failed: dict[str, dict[str, Any]], stack: Stack) -> None:
    """Signed addresses stand in the request a job keeps, and nowhere else."""
    assert failed
    exceptions = ("request", "inputs")
    with psycopg.connect(stack.settings["POSTGRES_URL"]) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'app' and table_name in"
            " (select tablename from pg_tables where schemaname = 'app')"
        ).fetchall()
        for table, column in columns:
            if table == "jobs" and column in exceptions:
                continue
            row = connection.execute(
                f'select count(*) from app."{table}" where "{column}"::text like %s',  # type: ignore[arg-type,unused-ignore]
                (f"%{MARKER}%",),
            ).fetchone()
            assert row == (0,), (table, column)


@pytest.mark.parametrize(
    "text",
    [
        "could not open /tmp/ffm-job-1-x/input0", "see https://h/x?token=1", "127.0.0.1 refused",
        "[mov @ 0x55aa55aa] x", "Traceback (most recent call last)", "gs://uploads/x",
        "ffm-job-12-abc", "/home/me/x", "File \"x.py\"", "output.mp4: no",
    ],
)  # fmt: skip
def test_the_pattern_sees_what_it_must(text: str) -> None:
    assert INSIDE.search(text)


def test_refusals_show_nothing_either(guest: Guest, make_media: Callable[..., Path]) -> None:
    del make_media
    for options in ([option("-vf", "movie=x")], [option("-report")], [option("@x", {})]):
        answer = guest.http.post(
            "/v1/transcodes",
            json={"inputs": [{"url": "http://example.com/a"}], "outputFormat": "mp4",
                  "options": options},
        )  # fmt: skip
        assert answer.status_code == 400
        assert "/work" not in answer.text
        assert "Traceback" not in answer.text
