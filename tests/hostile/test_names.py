"""File names are labels: accepted whatever they hold, and never a path."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from tests.rigs.hostile.guest import Guest

NAMES = [
    "-i.mp4", "--help.mp4", "-y", "-", "--", "a:b.mp4", "C:\\Windows\\x.mp4", "pipe:1",
    "file:x.mp4",
    "http://127.0.0.1/x.mp4", "concat:a|b", "subfile,,start,0,end,9,,:x.mp4", "%d.mp4", "%05d.png",
    "%00.mp4", "%2e%2e%2fx.mp4", "100%.mp4", "it's.mp4", '"quoted".mp4', "`id`.mp4", "$(id).mp4",
    "; touch x;.mp4", "a && b.mp4", "a|b.mp4", "a\nb.mp4", "a\r\nX-Header: y.mp4", "\t.mp4",
    "../../../etc/passwd", "..", ".", "...", "/etc/passwd", "//etc//passwd", "a/../../b.mp4",
    "..\\..\\x.mp4", "~/x.mp4", "~root", ".htaccess", "con", "nul.mp4", "a" * 4096 + ".mp4",
    "\u202egpm.4pm", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629.mp4",
    "\u05e9\u05dc\u05d5\u05dd.mp4",
    "\U0001f600.mp4", "e\u0301\u0301\u0301.mp4", "\ufeffx.mp4", "\u200b", "\u2028x.mp4",
    "\x01\x02.mp4",
    "\x1b[31mred.mp4", "\x7f.mp4", "a b  c.mp4", " ", "x.mp4 ", ".mp4", "x.mp4.exe", "x",
    "?a=b#c.mp4",
    "a?token=1.mp4", "<script>alert(1)</script>.mp4", "' or 1=1 --.mp4", "{0}{canary}.mp4", "*",
    "[a].mp4",
    "input0", "output.mp4", "x.m3u8", "x.sdp", "x.svg", "a;b=c.mp4", "a,b.mp4", "a=b.mp4",
    "\\'.mp4",
]  # fmt: skip
STORED = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}-[A-Za-z0-9._-]{0,200}")
LABEL = re.compile(r"[^\x00-\x1f\x7f-\x9f/\\\u202a-\u202e\u2066-\u2069]{1,251}\.mp3")


def presign(guest: Guest, name: str, size: int) -> httpx.Response:
    return guest.http.post(
        "/v1/upload/presigned-url",
        json={"filename": name, "contentType": "video/mp4", "fileSize": size},
    )


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[1:40])
def test_a_name_is_taken_as_a_label(name: str, guest: Guest) -> None:
    answer = presign(guest, name, 10)
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert STORED.fullmatch(result["filename"]), result["filename"]
    assert ".." not in result["filename"].replace("...", "")
    path = httpx.URL(result["uploadUrl"]).path
    assert path.endswith(f"/{result['filename']}")
    assert "/../" not in path


def test_nul_in_a_name_is_a_label_or_refused(guest: Guest) -> None:
    assert presign(guest, "a\x00.mp4", 10).status_code in (200, 400)


@pytest.mark.parametrize(
    "name",
    ["-i.mp4", "it's %d:x.mp4", "a\nb.mp4", "../../../etc/passwd", "\u202egpm.4pm", "$(id)",
     "a\r\nX-Header: y.mp4", "..", '"; filename="evil.exe".mp4', "a" * 4096],
)  # fmt: skip
def test_from_upload_to_download(name: str, guest: Guest, clip: Path) -> None:
    data = clip.read_bytes()
    result = presign(guest, name, len(data)).json()["result"]
    put = httpx.put(
        result["uploadUrl"], content=data, headers={"Content-Type": "video/mp4"}, trust_env=False
    )
    assert put.status_code < 300, put.text
    confirmed = guest.http.post(
        "/v1/upload/confirm", json={"filename": result["filename"], "fileSize": len(data)}
    ).json()["result"]
    job = guest.ended(guest.create(confirmed["fileUrl"], "mp3"))
    assert job["status"] == "completed", job
    label = job["outputs"][0]["filename"]
    assert LABEL.fullmatch(label), job["outputs"]
    assert len(label.encode()) <= 255
    assert job["output_url"].isascii()
    answer = httpx.get(
        guest.http.get(f"/v1/transcodes/{job['id']}/download").json()["url"], trust_env=False
    )
    assert "x-header" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == label
    assert answer.content


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[1:40])
def test_a_name_that_was_never_given_out_confirms_nothing(name: str, guest: Guest) -> None:
    answer = guest.http.post("/v1/upload/confirm", json={"filename": name, "fileSize": 10})
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "' or 1=1 --", "x" * 5000, "%0d%0aX: y",
     "\u202e", "00000000-0000-0000-0000-000000000000", "{}", "0x1"],
)  # fmt: skip
def test_ids_in_paths_are_no_paths(path: str, guest: Guest) -> None:
    for route in ("{}", "{}/download", "{}/inputs/0"):
        answer = guest.http.get("/v1/transcodes/" + route.format(path))
        assert answer.status_code in (400, 403, 404, 405, 414), (route, answer.status_code)
