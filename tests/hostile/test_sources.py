"""Inputs that lead elsewhere: addresses that are not public, redirects, playlists, references."""

from __future__ import annotations

import struct
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
import pytest

from lib.media.run.probe import probe
from tests.rigs.hostile import files
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.cases import Case, body, case_id, words
from tests.rigs.hostile.guest import Guest
from tests.rigs.sources import SourceServer

pytestmark = pytest.mark.slow

# Spellings of this machine, each with the port of the server that nobody may call.
_OURSELVES = words("""
    127.0.0.1 localhost LOCALHOST localhost. 127.0.0.1. 127.1 127.0.1 0 0.0.0.0 0x7f.1 0x7f000001
    0x7F.0x0.0x0.0x1 0177.0.0.1 017700000001 2130706433 127.000.000.001 127.0.0.01 127.127.127.127
    00000000000000000000177.0.0.1 0x000000000000000007f.0.0.1 127.0x0.0.1 127.0.0.1%2e
    [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1]
    [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
    [2002:7f00:0001::1] [2001:0:7f00:1::] [::1%25lo] [fe80::1%25lo] [::ffff:0:127.0.0.1]
    [::ffff:0.0.0.0] ip6-localhost 127.0.0.1%00.example.com 127.0.0.1%23.example.com
    \N{CIRCLED DIGIT ONE}\N{CIRCLED DIGIT TWO}\N{CIRCLED DIGIT SEVEN}.0.0.1
    127\N{IDEOGRAPHIC FULL STOP}0\N{IDEOGRAPHIC FULL STOP}0\N{IDEOGRAPHIC FULL STOP}1
    \N{FULLWIDTH DIGIT ONE}27.0.0.1 127.0.0.1\N{FULLWIDTH FULL STOP}
    l\N{CIRCLED LATIN SMALL LETTER O}calhost loc\N{SOFT HYPHEN}alhost
    \N{ARABIC-INDIC DIGIT ONE}27.0.0.1
""")
# Addresses of special use, on plain web ports.
_SPECIAL = words("""
    10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 169.254.169.254
    169.254.170.2 100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.1 192.0.0.192 192.0.2.1
    192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255 0.0.0.1 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518
    [fd00:ec2::254] [fc00::1] [fe80::1] [fec0::1] [ff02::1] [2001:db8::1] [2001::1] [2001:10::1]
    [100::1] [3fff::1] [5f00::1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2002:a9fe:a9fe::]
    [::ffff:169.254.169.254] [::ffff:a00:1] [::169.254.169.254] metadata.google.internal
""")

ADDRESSES = [
    *(f"http://{host}:{{canary_port}}/secret.mp4" for host in _OURSELVES),
    *(f"http://{host}/latest/meta-data/" for host in _SPECIAL),
    *(f"https://{host}/" for host in ("127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1")),
    # The one address that tests may reach, spelled in ways that were not allowed.
    *(
        f"http://{host}:{{sources_port}}/never.mp4"
        for host in ("127.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "127.0.0.1.", "0")
    ),
    "http://127.0.0.1:{canary_port}#@{sources}/never.mp4",
    "http://127.0.0.1:{canary_port}?@{sources}/never.mp4",
    "http://127.0.0.1:{canary_port};@x/clip.mp4",
    "http://{sources}.example.invalid/clip.mp4",
    "http://127.0.0.1:0{canary_port}/clip.mp4",
]
_STRAIGHT = [
    Case("address", url, "stopped", "inputs[0].url", body(inputs=[{"url": url}]))
    for url in ADDRESSES
]

_REDIRECTS = [
    "{canary_url}", "file:///etc/passwd", "file:{canary_file}", "/etc/passwd", "ftp://h/x",
    "//127.0.0.1:{canary_port}/x", "http://localhost:{canary_port}/x", "gopher://127.0.0.1/x",
    "http://[::1]:{canary_port}/x", "http://2130706433:{canary_port}/", "https://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "data:video/mp4,x",
    "http://user:pw@127.0.0.1:{canary_port}/", "http://127.0.0.1:22/", "concat:/etc/passwd|/x",
    "subfile,,start,0,end,9,,:/etc/passwd", "gs://uploads/x/y", "http://10.0.0.1/", "pipe:0",
    "http://[64:ff9b::7f00:1]:{canary_port}/", "http://127.0.0.1:{canary_port}\\@{sources}/",
    "http://127.1:{sources_port}/never.mp4", "udp://127.0.0.1:{canary_port}", "http://", "",
    "http:{canary_port}", "http://[/", "\t{canary_url}", "{canary_file}", "..//..//etc/passwd",
    "?to=?to=?to=", "http://h\r\nLocation: {canary_url}",
    "http://{sources}/redirect?to=http://{sources}/redirect?to={canary_url}",
    "http://{sources}/redirect?to=file:///etc/passwd",
]  # fmt: skip
REDIRECTED = [
    Case("redirect", to, "fails:validation|fails:upload", "",
         body(inputs=[{"url": "http://{sources}/redirect?to=" + (
             to if "\\" not in to and "\t" not in to and "\r" not in to and " " not in to
             else quote(to, safe="{}"))}]))
    for to in _REDIRECTS
]  # fmt: skip
_STATUS = [
    Case("status", str(code), expected, "",
         body(inputs=[{"url": f"http://{{sources}}/status?code={code}"}]))
    for expected, codes in (
        ("fails:validation", (204, 300, 301, 304, 401, 403, 404, 410, 418, 451)),
        ("fails:upload", (500, 502, 503)),
        ("fails:validation|fails:upload", (206,)),
    )
    for code in codes
]  # fmt: skip
OWNED = [
    "gs://uploads/../../etc/passwd", "gs://outputs/../x/y", "gs:///etc/passwd", "gs://uploads/",
    "gs://uploads//x", "gs://uploads/00000000-0000-0000-0000-000000000000/clip.mp4",
    "gs://outputs/00000000-0000-0000-0000-000000000000/x/1/y.mp4", "gs://uploads/%2e%2e/x",
    "gs://backups/x/y", "gs://uploads/x/y?token=1", "gs://uploads/x\\y/z", "gs://127.0.0.1/x/y",
    "gs://uploads/x/\u202ey", "gs://uploads/x/" + "y" * 3000, "gs://outputs/x/y/z/a/b/c/d",
    "gs://uploads/' or 1=1 --/x", "gs://uploads/{x}/y", "gs://exports/x/y.zip",
    "gs://uploads/x/y.mp4?/../z",
]  # fmt: skip


SCRIPTS = sorted(files.scripts("", 1, ""))
BROKEN = [
    "one byte", "zeroes", "ones", "random", "truncated", "ends only", "noise within", "ftyp only",
    "moov larger than the file", "64-bit box", "boxes in boxes", "ebml bomb", "zip", "epub",
    "zip bomb", "gzip", "tar", "pdf", "elf", "id3 with nothing", "riff claims 4 GB", "avi header",
    "gif header", "jpeg header", "png cut", "ogg pages", "flac header", "asf header", "rm header",
    "mpegts sync", "swf", "webp header", "tiff loop", "bmp huge",
]  # fmt: skip
_REFERENCES = ["url ", "urn ", "alis", "rsrc", "cios"]
_TARGETS = ["file", "url", "relative", "pattern"]


def _file(
    family: str, name: str, expected: str, extension: str = "mp4", output: str = "mp4"
) -> Case:
    url = f"http://{{sources}}/{family}-{quote(name)}.{extension}"
    return Case(f"{family} file", f"{name}.{extension}", expected, "",
                body(inputs=[{"url": url}], outputFormat=output))  # fmt: skip


OFFERED = [
    # A script that leads to the server not to be called, and to the one that may be.
    *(_file("script", name, "fails:validation") for name in SCRIPTS),
    *(_file("local-script", name, "fails:validation") for name in SCRIPTS),
    *(
        _file("script", name, "fails:validation", extension, output)
        for name, extension, output in (
            ("hls", "m3u8", "mp4"), ("mpd", "mpd", "mp4"), ("sdp", "sdp", "mp4"),
            ("ffconcat", "ffconcat", "mp4"), ("svg", "svg", "png"), ("lavfi", "lavfi", "mp4"),
            ("ansi", "txt", "gif"), ("ansi", "nfo", "mp4"), ("vapoursynth", "vpy", "mp4"),
            ("avisynth", "avs", "mp4"), ("idx", "idx", "mp4"), ("ffmetadata", "ffmeta", "mp4"),
            ("hls", "mp3", "mp3"), ("hls", "png", "png"), ("sdp", "gif", "webp"),
        )
    ),
    *(_file("broken", name, "fails:validation") for name in BROKEN if name != BROKEN[8]),
    # ffmpeg reads what is there of a box that states more.
    _file("broken", BROKEN[8], "works|fails:validation"),
    # An MP4 whose frames are said to lie in another file: never opened.
    *(
        _file("reference", f"{kind.strip()}-{target}", "works|fails:validation")
        for kind in _REFERENCES
        for target in _TARGETS
    ),
]  # fmt: skip
ALL_CASES = [*_STRAIGHT, *REDIRECTED, *_STATUS, *OFFERED]


@pytest.fixture(scope="module")
def responses(
    guest: Guest,
    canary: Canary,
    sources: SourceServer,
    clip: Path,
    values: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], httpx.Response]:
    """The answers to all cases, sent one after the other so that no test waits for its turn."""
    last = files.ffmpeg(tmp_path_factory.mktemp("made"), "x.mp4", "-i", str(clip), "-c", "copy")
    offered = {
        **{f"script-{name}": data for name, data in _scripts(canary.url, canary).items()},
        **{
            f"local-script-{name}": data
            for name, data in _scripts(sources.url("secret.mp4"), canary).items()
        },
        **{f"broken-{name}": data for name, data in files.broken(clip).items()},
        **_referring(last.read_bytes(), canary),
    }
    for case in OFFERED:
        path = unquote((case.request or {})["inputs"][0]["url"]).rpartition("/")[2]
        (sources.folder / path).write_bytes(offered[path.rpartition(".")[0]])
    (sources.folder / "never.mp4").write_bytes(clip.read_bytes())
    return {(case.family, case.name): guest.send(case, values) for case in ALL_CASES}


def _scripts(url: str, canary: Canary) -> dict[str, bytes]:
    return files.scripts(url, canary.port, str(canary.file))


def _referring(last: bytes, canary: Canary) -> dict[str, bytes]:
    references = {}
    targets = (str(canary.file), canary.url, "../../../../etc/passwd", "input%d")
    for name, location in zip(_TARGETS, targets, strict=True):
        for kind in _REFERENCES:
            record = files.alias(location) if kind == "alis" else location.encode() + b"\0"
            data = files.with_reference(last, kind.encode(), record)
            assert len(data) > len(last)
            references[f"reference-{kind.strip()}-{name}"] = data
    return references


@pytest.mark.parametrize("case", ALL_CASES, ids=case_id)
def test_sources(
    case: Case,
    guest: Guest,
    values: dict[str, str],
    sources: SourceServer,
    responses: dict[tuple[str, str], httpx.Response],
) -> None:
    guest.assert_wanted(case, responses[case.family, case.name], values)
    assert not any(hit.startswith(("/secret", "/never")) for hit in sources.hits)


def test_every_broken_file_is_a_case(clip: Path) -> None:
    assert sorted(files.broken(clip)) == sorted(BROKEN)


@pytest.mark.parametrize("url", OWNED)
def test_stored_files_of_others(guest: Guest, url: str) -> None:
    total = guest.total()
    answer = guest.http.post("/v1/transcodes", json=body(inputs=[{"url": url}]))
    assert answer.status_code in (400, 404), answer.text
    assert guest.total() == total


@pytest.mark.parametrize(("hops", "expected"), [(20, "works"), (21, "fails:validation")])
def test_twenty_redirects_are_followed_and_one_more_is_not(
    guest: Guest, sources: SourceServer, values: dict[str, str], hops: int, expected: str
) -> None:
    url = sources.url(f"quirk/hops:{hops}/{values['clip'].rpartition('/')[2]}")
    case = Case("redirect", str(hops), expected, "", body(inputs=[{"url": url}]))
    guest.assert_wanted(case, guest.send(case, values), values)


# What is refused of an address is refused at every redirect, of every try.
_LATER = ("http://127.0.0.1:{canary_port}/x", "http://[::1]:{canary_port}/x", "http://10.0.0.1/",
          "http://169.254.169.254/latest/", "file:///etc/passwd",
          "http://localhost:{sources_port}/never.mp4")  # fmt: skip


@pytest.mark.parametrize("to", _LATER)
@pytest.mark.parametrize("mode", ["retry", "unranged", "cookie", "resume"])
def test_later_tries_obey_the_rules_of_addresses(
    guest: Guest, sources: SourceServer, values: dict[str, str], to: str, mode: str
) -> None:
    target = quote(to.format(**values), safe="")
    url = sources.url(f"quirk/later:{mode},{target}/clip.mp4?{to}{mode}".replace("{", ""))
    job = guest.ended(guest.create(url.replace("}", "")))
    assert (job["status"], job["error_category"]) == ("failed", "validation"), job
    assert not any(hit.startswith(("/secret", "/never")) for hit in sources.hits)


@pytest.mark.parametrize("name", sorted({*SCRIPTS[::4], "hls", "sdp", "ffconcat", "svg"}))
def test_scripts_by_upload(name: str, guest: Guest, canary: Canary, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(files.scripts(canary.url, canary.port, str(canary.file))[name])
    url = guest.upload(path)  # it is probed here
    job = guest.ended(guest.create(url))
    assert (job["status"], job["error_category"]) == ("failed", "validation"), job
    assert guest.http.post("/v1/ffprobe", json={"url": url}).status_code in (422, 429)


def test_zero_bytes(guest: Guest, sources: SourceServer) -> None:
    (sources.folder / "empty.mp4").write_bytes(b"")
    job = guest.ended(guest.create(sources.url("empty.mp4")))
    assert (job["status"], job["error_category"]) == ("failed", "validation"), job


def test_a_matroska_that_names_a_next_file(
    guest: Guest, canary: Canary, sources: SourceServer, clip: Path, tmp_path: Path
) -> None:
    plain = files.ffmpeg(tmp_path, "x.mkv", "-i", str(clip), "-c", "copy").read_bytes()
    jobs = []
    for number, uri in enumerate((canary.url, f"file://{canary.file}", "/etc/passwd")):
        (sources.folder / f"linked{number}.mkv").write_bytes(
            files.linked_matroska(plain, uri.encode())
        )
        jobs.append(guest.create(sources.url(f"linked{number}.mkv"), "gif"))
    for job_id in jobs:
        assert guest.ended(job_id)["status"] == "completed"


def test_attachments_do_not_travel(
    guest: Guest, canary: Canary, sources: SourceServer, clip: Path, tmp_path: Path
) -> None:
    """A file within a file, with a name that climbs: neither written nor passed on."""
    word = b"ATTACHED" * 100
    (tmp_path / "a.ttf").write_bytes(word)
    attachment = files.ffmpeg(
        tmp_path, "x.mkv", "-i", str(clip), "-c", "copy", "-attach", str(tmp_path / "a.ttf"),
        "-metadata:s:t", "mimetype=application/x-truetype-font",
        "-metadata:s:t", f"filename=../../../../{canary.folder}/{canary.stray}",
    )  # fmt: skip
    url = sources.put(attachment)
    jobs = [guest.create(url, each, preset={"quality": "low"}) for each in ("mp4", "mov", "mp3")]
    for job_id in jobs:
        assert guest.ended(job_id)["status"] == "completed"
        assert word not in guest.download(job_id)


@pytest.mark.parametrize(
    "name",
    ["%d", "%05d", "frame%25d", "%2525d", "*", "[0-9]", "a%20-i%20b", "%2Fetc%2Fpasswd", "-i", "-",
     "pipe:1", "x|y", ";$(id)", "%60id%60", "..%2f..%2fx", "%0a%0d", "%00", "%E2%80%AE4pm", "con",
     "a" * 200],
)  # fmt: skip
def test_names_in_urls_are_no_paths(
    name: str, guest: Guest, sources: SourceServer, values: dict[str, str]
) -> None:
    """The address is a redirect's, so that the server need hold no such name."""
    del sources
    url = f"http://{values['sources']}/redirect?to={values['clip']}&name=/{name}.png"
    job = guest.ended(guest.create(url, "png"))
    assert job["status"] == "completed", job
    filename = job["outputs"][0]["filename"]
    assert filename == "".join(letter for letter in filename if letter.isalnum() or letter in "-_.")
    assert not filename.startswith(("-", "."))


def test_sources_that_drip_hang_or_lie(guest: Guest, values: dict[str, str]) -> None:
    """All at once: each takes the whole of the time that fetching may take."""
    jobs = {
        path: guest.create(f"http://{values['sources']}/{path}")
        for path in ("drip", "hang", "lie?name=clip.mp4")
    }
    for path, job_id in jobs.items():
        job = guest.ended(job_id)
        assert (job["status"], job["error_category"]) == ("failed", "upload"), (path, job)


def test_a_source_without_end(free_guest: Guest, values: dict[str, str]) -> None:
    job = free_guest.ended(free_guest.create(f"http://{values['sources']}/endless"))
    assert (job["status"], job["error_category"]) == ("failed", "file_size"), job


def test_the_index_at_the_end_and_no_range(
    guest: Guest, sources: SourceServer, clip: Path, tmp_path: Path
) -> None:
    last = files.ffmpeg(tmp_path, "last.mp4", "-i", str(clip), "-c", "copy")
    assert last.read_bytes().index(b"mdat") < last.read_bytes().index(b"moov")
    job_id = guest.create(sources.put(last))
    assert guest.ended(job_id)["status"] == "completed"
    output = tmp_path / "made.mp4"
    output.write_bytes(guest.download(job_id))
    assert probe(output).duration == pytest.approx(2, abs=0.2)


def test_a_wav_that_states_more_than_it_holds(guest: Guest, sources: SourceServer) -> None:
    data = bytearray(files.silence(1))
    data[40:44] = struct.pack("<I", 2**31)
    (sources.folder / "claims.wav").write_bytes(data)
    job = guest.ended(guest.create(sources.url("claims.wav"), "mp3"))
    assert job["status"] == "completed" or job["error_category"] == "validation", job
    if job["status"] == "completed":
        assert job["billable_minutes"] < 0.1
