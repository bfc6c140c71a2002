"""What the engine itself costs and saves: plans, copies, the sandbox."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.rigs import engine
from bench.rows import Row, milliseconds, timed
from lib.media.model import Audio, Probe, Video
from lib.media.plan.argv import argv
from lib.media.plan.model import Machine
from lib.media.plan.planner import make_plan
from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest
from lib.media.run import ffmpeg, sandbox
from local import sample

COPIES = 7
"""Copies are short, so each is timed so often; what they are compared with, twice."""
RUNS = 51
PLANS_A_SECOND = 2000
PLAN_SECONDS = 1.0
PLAN_ROUNDS = 5


def media(folder: Path) -> list[Row]:
    """Copies against encoding, requests to arguments, and the sandbox."""
    return [*_copies(folder), _arguments(), _cage(folder)]


def _copies(folder: Path) -> list[Row]:
    """What can be copied against the same request encoded: 60 s of 720p, or three of 20 s."""
    minute = sample.make(folder / "minute.mp4", seconds=60, rate=25)
    parts = [sample.make(folder / f"part{number}.mp4", seconds=20, rate=25) for number in range(3)]
    cut = {"-ss": "10", "-t": "45"}
    return [
        _copy("60 s of 720p, MP4 to MOV", _body("mov"), _body("mov"), [minute]),
        _copy(
            "45 s cut out of them", _body("mp4", cut | {"-c": "copy"}), _body("mp4", cut),
            [minute],
        ),
        _copy("3 of 20 s joined", _body("mp4", count=3), _body("mp4", count=3), parts),
    ]  # fmt: skip


def _copy(
    what: str,
    copying: dict[str, Any],
    encoding: dict[str, Any],
    paths: Sequence[Path],
) -> Row:
    """The job of one request, and of the other with all streams encoded."""
    copied, encoded = [], []
    for number in range(COPIES):
        began = time.perf_counter()
        plan, _ = engine.from_files(copying, paths)
        copied.append(time.perf_counter() - began)
        assert plan.output.copies
        if number in (0, COPIES - 1):
            began = time.perf_counter()
            plan, _ = engine.from_files(encoding, paths, may_copy=False)
            encoded.append(time.perf_counter() - began)
            assert all(stream.action == "encode" for stream in plan.output.streams)
    ours, encode_seconds = statistics.median(copied), min(encoded)
    return Row(
        f"{what}, copied, median of {COPIES}", f"{ours:.2f} s", f"encoded {encode_seconds:.1f} s",
        ours / encode_seconds, 1 / 20,
    )  # fmt: skip


def _arguments() -> Row:
    """Decoded JSON to ffmpeg's arguments, in one thread; the best of some seconds."""
    clip = Probe(
        "mov,mp4,m4a,3gp,3g2,mj2", 10**7, 30.0,
        Video("h264", 1920, 1080, 30.0, pixel_format="yuv420p"), Audio("aac", 48000, "stereo"),
    )  # fmt: skip
    machine = Machine(cores=2)

    def plan(body: dict[str, Any]) -> list[str]:
        checked = check(msgspec.convert(body, TranscodeRequest))
        probes = [clip] * len(checked.urls)
        decision = make_plan(checked, probes, machine)
        return argv(decision, [f"input{number}" for number in range(len(probes))], "output")

    rates = []
    for _ in range(PLAN_ROUNDS):
        done, began = 0, time.process_time()
        while time.process_time() - began < PLAN_SECONDS:
            for body in REQUESTS:
                plan(body)
            done += len(REQUESTS)
        rates.append(done / (time.process_time() - began))
    return Row(
        f"requests to arguments, {len(REQUESTS)} kinds in turn, best of {PLAN_ROUNDS} s",
        f"{max(rates):,.0f}/s on a core", f"{PLANS_A_SECOND:,}/s",
        PLANS_A_SECOND / max(rates), 1,
    )  # fmt: skip


def _cage(folder: Path) -> Row:
    """The same tiny run of ffmpeg in the sandbox and without, in turn."""
    command = [
        str(ffmpeg.binary()), "-loglevel", "error", "-nostdin", "-y",
        "-f", "lavfi", "-i", "sine=d=0.1", str(folder / "tone.wav"),
    ]  # fmt: skip
    sandboxed, bare = [], []
    for _ in range(RUNS):
        bare.append(timed(lambda: subprocess.run(command, capture_output=True, check=True)))
        began = time.perf_counter()
        assert sandbox.run(command, folder=folder, limits=engine.LIMITS).returncode == 0
        sandboxed.append(time.perf_counter() - began)
    added = milliseconds(
        [with_it - without for with_it, without in zip(sandboxed, bare, strict=True)]
    )
    return Row(
        f"the sandbox adds to a run of ffmpeg, median of {RUNS}", f"{added:.1f} ms",
        f"10 ms; ffmpeg without it {milliseconds(bare):.1f} ms", added / 10, 1,
    )  # fmt: skip


def _body(
    output_format: str,
    options: dict[str, Any] | None = None,
    filters: Sequence[str] = (),
    count: int = 1,
    **fields: Any,
) -> dict[str, Any]:
    """A request as it comes out of JSON."""
    body: dict[str, Any] = {
        "inputs": [{"url": f"https://example.com/clip{number}.mp4"} for number in range(count)],
        "outputFormat": output_format,
        **fields,
    }
    if options:
        body["options"] = [
            {"option": name} if argument is None else {"option": name, "argument": argument}
            for name, argument in options.items()
        ]
    if filters:
        body["filters"] = [{"filter": each} for each in filters]
    return body


REQUESTS = [
    _body("mp4"),
    _body("webm", preset={"quality": "high", "resolution": "720p"}),
    _body("mp3", {"-vn": None, "-c:a": "libmp3lame", "-b:a": "192k", "-ar": "44100"}),
    _body("mp4", {"-ss": "00:00:05", "-t": 10, "-c:v": "libx264", "-crf": 23, "-preset": "fast",
                  "-movflags": "+faststart"}),
    _body("gif", {"-vf": "fps=12,scale=480:-2:flags=lanczos,split[a][b];[a]palettegen[p];"
                         "[b][p]paletteuse", "-ss": 3, "-t": 4}),
    _body("mp4", filters=["[0:v]scale=1080:1920:force_original_aspect_ratio=increase,"
                          "crop=1080:1920,setsar=1[v]"], preset={"quality": "medium"}),
    _body("mp4", {"-filter_complex": "[0:v]setpts=PTS-STARTPTS[a];[1:v]scale=iw/4:-1[b];"
                  "[a][b]overlay=W-w-20:H-h-20:enable='between(t,1,5)'[v];"
                  "[0:a][1:a]amix=inputs=2:duration=first[s]",
                  "-map": "[v]", "-c:v": "libx264", "-c:a": "aac"}, count=2),
    _body("jpeg", {"@thumbnail": {"at": "50%", "width": 640}}),
    _body("mp4", {"@text-overlay": {"text": "Made in a minute, and shown to all",
                                    "style": {"fontSize": 64, "position": "bottom"}}}),
    _body("mp4", {"@trim": {"start": 2, "duration": 12}, "@speed": {"factor": 1.5},
                  "@normalize": {}}, count=1),
]  # fmt: skip
