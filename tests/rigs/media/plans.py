"""What the media tests share: requests in one line, and a plan run to its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from lib.media.model import Audio, Probe, Video
from lib.media.plan.model import Machine, Plan
from lib.media.plan.planner import make_plan
from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest
from lib.media.run.probe import fingerprint, probe
from lib.media.run.runner import Limits, Outcome, run_or_encode

LIMITS = Limits(wall_seconds=60, cpu_seconds=60, output_bytes=10**9, memory_bytes=1536 * 1024**2)


def ask(output_format: str = "mp4", inputs: int = 1, **fields: Any) -> TranscodeRequest:
    """A request as it comes over the wire; `inputs` of them, or with `input_options` for each."""
    options: list[Any] = fields.pop("input_options", [None] * inputs)
    body = {
        "inputs": [
            {"url": f"https://example.com/{number}.mp4", "options": each}
            for number, each in enumerate(options)
        ],
        "outputFormat": output_format,
    }
    return msgspec.json.decode(msgspec.json.encode(body | fields), type=TranscodeRequest)


MACHINE = Machine(cores=2)


def planned(request: TranscodeRequest, probes: Sequence[Probe], **answer: Any) -> Plan:
    """The plan of a request on a machine with two cores. Raises Refused, MediaError."""
    return make_plan(check(request), probes, answer.pop("machine", MACHINE), **answer)


def options(*pairs: tuple[str, Any] | str) -> list[dict[str, Any]]:
    """Options: ("-crf", 23), or a flag alone."""
    return [
        {"option": pair} if isinstance(pair, str) else {"option": pair[0], "argument": pair[1]}
        for pair in pairs
    ]


def video(
    width: int = 1280, height: int = 720, *, sound: bool = True, seconds: float = 10, **facts: Any
) -> Probe:
    """What a probe finds in a plain video."""
    return Probe(
        "mov,mp4,m4a,3gp,3g2,mj2",
        1000,
        seconds,
        Video("h264", width, height, facts.pop("fps", 25.0), **{"pixel_format": "yuv420p"} | facts),
        Audio("aac", 48000, "stereo") if sound else None,
    )


def sound(seconds: float = 10, channels: str = "stereo") -> Probe:
    """What a probe finds in a sound file."""
    return Probe("mp3", 1000, seconds, None, Audio("mp3", 44100, channels))


def still(width: int = 640, height: int = 480) -> Probe:
    """What a probe finds in a picture."""
    return Probe("png_pipe", 1000, 0.0, Video("png", width, height, 25.0))


def transcode(
    folder: Path,
    paths: Sequence[Path],
    output_format: str = "mp4",
    limits: Limits = LIMITS,
    **fields: Any,
) -> tuple[Probe, Outcome, Path]:
    """Check, probe, plan and run; what came out."""
    checked = check(ask(output_format, len(paths), **fields))
    probes = [probe(path) for path in paths]
    output = folder / f"output.{checked.format.extension}"
    _, outcome = run_or_encode(
        make_plan(checked, probes, MACHINE, coded_alike=len(set(map(fingerprint, paths))) == 1),
        lambda: make_plan(msgspec.structs.replace(checked, may_copy=False), probes, MACHINE),
        paths,
        output,
        limits=limits,
        on_progress=lambda percent: None,
        canceled=lambda: False,
    )
    return probe(output), outcome, output
