"""What burns time, memory or disk: it ends within the limits, one way or the other."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.media.errors import MediaError
from tests.rigs.hostile import files
from tests.rigs.hostile.canary import Canary
from tests.rigs.hostile.cases import HARMLESS, LIMITED, Case, body, case_id, option
from tests.rigs.hostile.guest import Guest
from tests.rigs.hostile.impatient import Impatient
from tests.rigs.media.plans import LIMITS, options, transcode
from tests.rigs.sources import SourceServer

pytestmark = pytest.mark.slow

LARGEST = 300 * 1024**2
"""More than any of these outputs comes to in the seconds that a job gets here."""
WORD = "<script>alert(1)</script>"


def _options(name: str, *pairs: tuple[str, Any], mention: str = "", **fields: Any) -> Case:
    return Case("bounded", name, "bounded", mention,
                body(options=[option(*pair) for pair in pairs], **fields))  # fmt: skip


def _input(name: str, *pairs: tuple[str, Any], mention: str = "", **fields: Any) -> Case:
    inputs = [{"url": "{clip}", "options": [option(*pair) for pair in pairs]}]
    return Case("bounded", name, "bounded", mention, body(inputs=inputs, **fields))


def _graph(graph: str, mention: str, output: str = "mp4") -> Case:
    return Case("graph", graph[:60], "bounded", mention,
                body(filters=[{"filter": graph}], outputFormat=output))  # fmt: skip


def _file(name: str, output: str = "mp4", **fields: Any) -> Case:
    inputs = [{"url": f"http://{{sources}}/{name}"}]
    request = body(inputs=inputs, outputFormat=output, **fields)
    return Case("file", f"{name} to {output}", "bounded", "", request)


COPY = [option("-c", "copy")]
ENDLESS = [
    _input("stream_loop -1", ("-stream_loop", -1), mention="inputs[0]", options=COPY),
    _input("stream_loop -1 -t 90000", ("-stream_loop", -1), ("-t", 90_000), options=COPY),
    _input("stream_loop -1 -t 9999999", ("-stream_loop", -1), ("-t", 9_999_999), options=COPY),
    _input("stream_loop 100", ("-stream_loop", 100), mention="inputs[0]", outputFormat="webm"),
    _input("stream_loop 1000", ("-stream_loop", 1000), mention="-stream_loop", options=COPY),
    _options("loop=-1", ("-vf", "loop=loop=-1:size=10"), mention="loop"),
    _options("aloop=-1", ("-af", "aloop=loop=-1:size=1000"), mention="aloop", outputFormat="mp3"),
    _options("tpad=stop=-1", ("-vf", "tpad=stop=-1"), mention="tpad"),
    _options("apad", ("-af", "apad"), mention="apad", outputFormat="mp3"),
    _options("-r 100000", ("-r", 100_000), mention="-r"),
    _options("-r 120", ("-r", 120), ("-vf", "scale=3840:2160")),
    _options("fps=100000", ("-vf", "fps=100000"), mention="fps"),
    _options("zoompan d=1000000", ("-vf", "zoompan=d=1000000"), mention="zoompan"),
    _options("zoompan s=huge", ("-vf", "zoompan=s=30000x30000:d=9"), mention="zoompan"),
    _options("minterpolate", ("-vf", "minterpolate=fps=1000:mi_mode=mci"), mention="minterpolate"),
    _options("setpts slow", ("-vf", "setpts=PTS*100000")),
    _options("setpts slow and filled", ("-vf", "setpts=PTS*100000,fps=120")),
    _options("atempo", ("-af", "atempo=0.5,atempo=0.5,atempo=0.5,atempo=0.5"), outputFormat="mp3"),
    _options("scale=30000:30000", ("-vf", "scale=30000:30000")),
    _options("scale=99999999999999999999:2", ("-vf", "scale=99999999999999999999:2")),
    _options("scale=1:1000000", ("-vf", "scale=1:1000000")),
    _options("pad=60000:60000", ("-vf", "pad=60000:60000")),
    _options("scale up ten times", ("-vf", ",".join(["scale=iw*4:ih*4"] * 10))),
    _options("-threads 10000", ("-threads", 10_000), mention="-threads"),
    _options("-threads 16", ("-threads", 16), mention="-threads"),
    _options("-g huge", ("-g", 10_000), ("-bf", 16), ("-refs", 16), mention="-g"),
    _options("placebo", ("-preset", "placebo"), mention="-preset"),
    _options("slower at 4K", ("-preset", "slower"), ("-vf", "scale=7680:4320")),
    _options("reverse", ("-vf", "loop=1000:50,reverse"), mention="loop"),
    _options("tmix", ("-vf", "tmix=frames=1024"), mention="tmix"),
    _options("boxblur", ("-vf", "boxblur=1000:1000"), mention="boxblur"),
    _options("nlmeans", ("-vf", "scale=1920:1080,nlmeans=r=99:p=99"), mention="nlmeans"),
    _options("geq", ("-vf", "scale=3840:2160,geq=lum='hypot(sin(X),cos(Y))*255'"), mention="geq"),
    _options("geq loop", ("-vf", "geq=lum='while(1,1)'"), mention="geq"),
    _options("rotate by itself", ("-vf", "rotate=a=t:ow=iw*100:oh=ih*100"), mention="rotate"),
    _options("palettegen", ("-vf", "scale=7680:4320,palettegen"), outputFormat="png",
    mention="palet"),
    _options("-vf of 150,000 filters", ("-vf", "hflip," * 150_000 + "hflip")),
    _options("an argument of 200,000 letters", ("-vf", "setpts=PTS" + "+0" * 100_000)),
    _options("a drawn text of 200,000 letters",
             ("-vf", "drawtext=text=" + "x" * 200_000), mention="-vf"),
    _options("volume of many decimals", ("-af", "volume=0." + "3" * 5000), outputFormat="mp3"),
    _options("-ss far", ("-ss", 999_999)),
    _options("-t tiny", ("-t", "0.000001")),
    _options("-itsoffset far", ("-c", "copy"),
             inputs=[{"url": "{clip}", "options": [option("-itsoffset", 999_999)]}]),
    _options("-frames:v 100000 looped", ("-frames:v", 100_000),
             inputs=[{"url": "{clip}", "options": [option("-stream_loop", -1)]}]),
    _options("ten inputs", ("-an", None), inputs=[{"url": "{clip}"}] * 10),
    Case("bounded", "ten inputs joined at 4K", "bounded", "",
         body(inputs=[{"url": "{clip}"}] * 10, preset={"resolution": "4k"}, outputFormat="webm")),
    _graph("color=red[v]", "color"), _graph("testsrc[v]", "testsrc"), _graph("sine[a]", "sine",
    "mp3"),
    _graph("anullsrc[a]", "anullsrc", "wav"), _graph("[0:v]hflip[v];color[w];[w]nullsink",
    "filter"),
    _graph("aevalsrc='while(1,1)'[a]", "aevalsrc", "mp3"),
    _graph("color=s=30000x30000:d=1[v]", "color"), _graph("nullsrc=s=65535x65535:r=1000[v]",
    "null"),
    _graph("[0:v]split=1000" + "".join(f"[a{n}]" for n in range(1000)), "split"),
    _graph("[0:v]" + ",".join(["hflip"] * 3000) + "[v]", "filters"),
    _graph(";".join(f"[0:v]scale={n + 2}:2[v{n}]" for n in range(900)), "filters"),
    _graph("[0:v]scale=2:2[a];[a]scale=2:2[a]", "filters"),
    _graph("[a]hflip[b];[b]hflip[a]", "filters"), _graph("[0:v][0:v]overlay[v]", "filters"),
    _graph("[9:v]hflip[v]", "filters"), _graph("[0:v]hflip[0:v]", "filters"),
    _graph("[0:v]hflip[v];[-i]vflip", "filters"), _graph("[-y]hflip[-y]", "filters"),
    _graph("[0:v]hflip[..];[..]vflip[v]", "filters"), _graph("[0:v]concat=n=10[v]", "filters"),
    _graph("[0:v]hflip[v];[0:a]anull[" + "a" * 40 + "]", "filters"),
]  # fmt: skip
# Texts are data: drawn, stored or dropped, and nothing more.
TEXTS = [
    *(
        _options(f"text {text}", ("-vf", f"drawtext=text='{text}'"), mention="drawtext")
        for text in (
            "%{metadata\\:title}", "%{localtime}", "%{pts\\:hms}", "%{e\\:1/0}",
            "%{expr\\:st(0,1)}",
            "%{eif\\:random(0)\\:x\\:9999}", "%{frame_num}", "%{expr_int_format\\:1\\:s\\:9}", "%{",
            "%{gmtime\\:%s%n%p}", "%n%s%p", "%{nosuch}", "%{metadata\\:../../etc/passwd\\:x}",
            "{\\\\fn/etc/passwd}", "<b>", "\\\\", WORD, "; touch {stray}",
        )
    ),
    *(
        Case("text", f"overlay {text}", "bounded", "@text-overlay",
             body(options=[option("@text-overlay", {"text": text, "style": {"zzz": "/etc"}})]))
        for text in (
            "{\\fn/etc/passwd}", "%{metadata:title}", "%{pts}", "':textfile=/etc/passwd:x='",
            "a\\':textfile=/etc/passwd", "a,movie=/etc/passwd", "\u202e\u0000"[:1] + "rtl",
            "[out];movie=/etc/passwd", "%{expr:1/0}", WORD, "$(touch {stray})", "\n" * 500,
            "\U0001f600" * 500, "\u0301" * 3000,
        )
    ),
    *(
        _options(f"metadata {value[:20]}", ("-metadata", f"title={value}"), mention="-metadata")
        for value in (
            WORD, "a\nb", "Duration: 00:00:99.00", "x\n  Stream #0:0: Video: h264, 9x9", "$(id)",
            "/etc/passwd", "a=b=c", "\u202ex", "x" * 1900, "'; touch {stray}", "-y", "@{stray}",
        )
    ),
    *(
        Case("text", f"own metadata {value[:20]!r}", "works", "",
             body(metadata={"note": value}, outputFormat="mp3"))
        for value in ("; touch {stray}", "$(touch {stray})", "`touch {stray}`", "&& id", WORD,
                      "../../etc/passwd", "\u202egpj", "'; drop table app.jobs; --", "%s%n%d")
    ),
]  # fmt: skip
FILES = [
    _file("huge.png", "png"), _file("huge.png"), _file("wide.png", "jpeg"), _file("tall.png",
    "gif"),
    _file("bomb.png", "jpeg"), _file("text.png", "png"), _file("many.gif"), _file("many.gif",
    "gif"),
    _file("many.gif", "webm"), _file("long.wav", "mp3"), _file("long.wav", "flac"),
    _file("huge.mp4"), _file("tags.mp4"), _file("forged.mkv", "gif"), _file("forged.mkv", "mp3"),
    _file("forged.mp3", "mp3"), _file("streams.mkv"), _file("chapters.mkv"), _file("rate.mkv"),
    _file("rate.mkv", "gif"), _file("tiny.mp4", preset={"resolution": "4k"}),
]  # fmt: skip
CASES = [*ENDLESS, *TEXTS, *FILES, *HARMLESS, *LIMITED]


def make(folder: Path, clip: Path) -> None:
    """The files of FILES."""
    huge = files.png(30_000, 30_000, b"\0" * 100)
    (folder / "huge.png").write_bytes(huge)
    (folder / "wide.png").write_bytes(files.png(2**31 - 1, 1, b"\0"))
    (folder / "tall.png").write_bytes(files.png(1, 2**30, b"\0" * 100))
    (folder / "bomb.png").write_bytes(files.png(11_000, 11_000))
    text = files.chunk(b"tEXt", b"Comment\0" + b"x" * 1_000_000)
    (folder / "text.png").write_bytes(files.png(8, 8, extra=text * 4))
    (folder / "many.gif").write_bytes(files.gif(20_000))
    (folder / "long.wav").write_bytes(files.silence(3600))
    lines = "x\n  Duration: 09:09:09.00, start: 0\n  Stream #0:0: Video: h264, yuv420p, 9x9, 1 fps"
    forged = f"{lines}\n[info] Input #0, hls, from 'x':\nprogress=end\nout_time_us=99999999999"
    copy = ["-i", str(clip), "-c", "copy"]
    for name, arguments in {
        "huge.mp4": ["-f", "lavfi", "-i", "color=s=8192x8192:r=1:d=2", "-preset", "ultrafast"],
        "tags.mp4": ["-i", str(_large_tags(folder)), *copy, "-map_metadata", "0"],
        "forged.mkv": [*copy, *_tags(f"title={forged}", f"Duration={forged}", "Stream #0=x")],
        "forged.mp3": ["-i", str(clip), *_tags(f"title={forged}", f"TXXX={forged}")],
        "streams.mkv": ["-i", str(clip), *["-map", "0:a"] * 200, "-map", "0:v", "-c", "copy"],
        "chapters.mkv": ["-i", str(_chapters(folder)), *copy],
        "rate.mkv": ["-f", "lavfi", "-i", "color=s=16x16:r=1000:d=5", "-preset", "ultrafast"],
        "tiny.mp4": ["-f", "lavfi", "-i", "color=s=2x2:r=25:d=1"],
    }.items():
        files.ffmpeg(folder, name, *arguments)


def _tags(*tags: str) -> list[str]:
    return [part for tag in tags for part in ("-metadata", tag)]


def _large_tags(folder: Path) -> Path:
    path = folder / "tags.txt"
    path.write_text(f";FFMETADATA1\ntitle={WORD}\ncomment={'y' * 1_000_000}\n")
    return path


def _chapters(folder: Path) -> Path:
    path = folder / "chapters.txt"
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={0}\nEND={0}\ntitle=../../x\n"
    path.write_text(";FFMETADATA1\n" + "".join(chapter.format(n) for n in range(3000)))
    return path


@pytest.fixture(scope="module")
def hasty(impatient: Impatient, canary: Canary) -> Iterator[Guest]:
    """A guest of the stack with little patience."""
    new_guest = Guest(impatient.url, impatient.key, canary)
    yield new_guest
    new_guest.http.close()


@pytest.fixture(scope="module")
def responses(
    hasty: Guest, values: dict[str, str], sources: SourceServer, clip: Path
) -> dict[tuple[str, str], httpx.Response]:
    """The answers to all cases: the jobs run one after the other while the tests look at them."""
    make(sources.folder, clip)
    return {(case.family, case.name): hasty.send(case, values) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_bounded(
    case: Case,
    hasty: Guest,
    values: dict[str, str],
    responses: dict[tuple[str, str], httpx.Response],
) -> None:
    answer = responses[case.family, case.name]
    if answer.status_code == 402:  # so long that the month's minutes don't suffice
        return
    hasty.assert_wanted(case, answer, values)
    if answer.status_code == 201:
        job = hasty.job(answer.json()["id"])
        assert (job["processing_time_seconds"] or 0) < 3 * Impatient.SECONDS
        for output in job["outputs"] or ():
            assert output["size_bytes"] < LARGEST
        assert math.isfinite(job["duration_seconds"] or 0)


def test_what_files_say_of_themselves_is_not_believed(
    hasty: Guest, responses: dict[tuple[str, str], httpx.Response]
) -> None:
    """Tags that forge a report: the clip's own two seconds are billed."""
    for name in ("forged.mkv to gif", "forged.mkv to mp3", "forged.mp3 to mp3", "tags.mp4 to mp4"):
        job = hasty.ended(responses["file", name].json()["id"])
        assert job["status"] == "completed", job
        assert job["billable_minutes"] == pytest.approx(2 / 60, abs=0.005)
        assert job["inputs"][0]["duration"] == pytest.approx(2, abs=0.2)
        assert b"alert(1)" not in hasty.download(job["id"])


def test_nothing_is_left_behind(
    impatient: Impatient, hasty: Guest, responses: dict[tuple[str, str], httpx.Response]
) -> None:
    """Disk and processes of all these jobs are free again."""
    for answer in responses.values():
        if answer.status_code == 201:
            hasty.wait(answer.json()["id"])
    for kind in ("job", "probe"):
        assert list(impatient.scratch.glob(f"ffm-{kind}-*")) == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(impatient.scratch) not in "\n".join(
        line for line in listed.stdout.splitlines() if "ffm-job-" in line
    )


def test_no_output_grows_past_the_limit(clip: Path, tmp_path: Path) -> None:
    """The service's own limit is 4 GB: the same stop, at a size that a test can make."""
    with pytest.raises(MediaError) as stopped:
        transcode(
            tmp_path,
            [clip],
            limits=LIMITS._replace(output_bytes=2_000_000),
            input_options=[options(("-stream_loop", 100))],
            options=options(("-c", "copy"), ("-t", 200)),
        )
    assert stopped.value.category == "file_size"
    assert all(path.stat().st_size <= 2_000_000 for path in tmp_path.iterdir())


def test_memory_is_bounded(tmp_path: Path, make_media: Callable[..., Path]) -> None:
    picture = make_media("p.png", "-f", "lavfi", "-i", "color=s=4000x4000", "-frames:v", "1")
    with pytest.raises(MediaError) as stopped:
        transcode(
            tmp_path,
            [picture],
            "png",
            limits=LIMITS._replace(memory_bytes=300 * 1024**2),
            options=options(("-vf", "scale=16000:16000")),
        )
    assert stopped.value.category in ("processing_limit", "validation")
