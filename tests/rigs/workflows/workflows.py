"""What people ask of ffmpeg in n8n, Make and Rendi: requests, and the commands they stand for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lib.media import fonts
from lib.media.model import Probe
from lib.media.plan.model import Machine, Plan
from lib.media.plan.planner import make_plan, wants_fingerprints
from lib.media.request.check import check
from lib.media.request.models import Checked, TranscodeRequest
from lib.media.run import subtitles
from lib.media.run.ffmpeg import binary, cores
from lib.media.run.probe import fingerprint, probe
from lib.media.run.runner import Limits, run_or_encode
from tests.rigs.workflows import fixtures

HOST = "https://example.com/"
"""Where requests say that the fixtures lie."""
LIMITS = Limits(
    wall_seconds=60, cpu_seconds=120, output_bytes=200 * 1024**2, memory_bytes=1536 * 1024**2
)


class WorkflowInput(msgspec.Struct, forbid_unknown_fields=True):
    """An input: a fixture, and the options the request has for it."""

    file: str
    options: list[dict[str, Any]] | None = None


class Expected(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of the output beforehand; None where it does not matter."""

    container: str
    """One of the names that ffmpeg has for it."""
    codec_video: str | None = None
    codec_audio: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pixel_format: str | None = None
    sample_rate: int | None = None
    channels: str | None = None
    seconds: float | None = None
    within: float = 0.1
    """Seconds by which the length may be another."""
    has_video: bool = True
    has_audio: bool = False
    tags: dict[str, str] = {}
    """Tags of the file; an empty one must not be there."""
    likeness: float = 30
    """Decibels (PSNR) by which the image must match the one made by hand; 0 where it is drawn
    otherwise."""
    silent: bool = False


class Workflow(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that people do, as a request and as the command they would type."""

    name: str
    goal: str
    inputs: list[WorkflowInput]
    request: dict[str, Any]
    """Without its inputs."""
    command: list[str]
    """ffmpeg's arguments; {input0}, … and {output} stand for the files."""
    expect: Expected

    def body(self) -> dict[str, Any]:
        """The request as it is sent."""
        inputs = [
            {"url": HOST + each.file} | ({"options": each.options} if each.options else {})
            for each in self.inputs
        ]
        return {"inputs": inputs, **self.request}

    def checked(self) -> Checked:
        """The request, checked. Raises Refused."""
        return check(msgspec.convert(self.body(), TranscodeRequest))


class Run(NamedTuple):
    """A file, and how long it took in seconds."""

    path: Path
    seconds: float
    plan: Plan | None = None


def load() -> list[Workflow]:
    """All workflows, in the order of the file."""
    data = Path(__file__).with_name("commands.json").read_bytes()
    return msgspec.json.decode(data, type=list[Workflow])


def make_fixtures(folder: Path) -> Path:
    """Make the files that the workflows begin with, in `folder`; the folder."""
    return fixtures.make(folder)


def probed(workflow: Workflow, folder: Path) -> list[Probe]:
    """What the inputs hold, which are in `folder`: what the service knows from the upload."""
    return [probe(folder / each.file) for each in workflow.inputs]


def run_ours(
    workflow: Workflow, source: Path, folder: Path, probes: Sequence[Probe] | None = None
) -> Run:
    """Check, plan and run, the fixtures being in `source`; the output comes into `folder`.

    Looks into the inputs first unless `probes` tell. Raises Refused, MediaError.
    """
    began = time.perf_counter()
    checked = workflow.checked()
    paths = [source / each.file for each in workflow.inputs]
    media = list(probes) if probes is not None else probed(workflow, source)
    alike = wants_fingerprints(checked, media) and len(set(map(fingerprint, paths))) == 1
    machine = Machine(cores())
    for remote in checked.remotes:
        _bring(source / remote.url.removeprefix(HOST), remote.kind, folder / remote.name)
    output = folder / f"ours.{checked.format.extension}"
    plan, _ = run_or_encode(
        make_plan(checked, media, machine, coded_alike=alike),
        lambda: make_plan(msgspec.structs.replace(checked, may_copy=False), media, machine),
        paths,
        output,
        limits=LIMITS,
        on_progress=lambda percent: None,
        canceled=lambda: False,
    )
    return Run(output, time.perf_counter() - began, plan)


def run_by_hand(workflow: Workflow, source: Path, folder: Path) -> Run:
    """Run the command in `source`, where the fixtures are; the output comes into `folder`.

    It has the packaged fonts, since machines have none or others. Raises CalledProcessError.
    """
    extension = workflow.checked().format.extension
    output = (folder / f"by-hand.{extension}").absolute()
    places = {f"{{input{number}}}": each.file for number, each in enumerate(workflow.inputs)}
    places["{output}"] = str(output)
    command = [
        str(binary()), "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        *(places.get(each, each) for each in workflow.command),
    ]  # fmt: skip
    environment = fonts.environment()
    began = time.perf_counter()
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    return Run(output, time.perf_counter() - began)


def _bring(source: Path, kind: str, destination: Path) -> None:
    """A file that the request names besides its inputs, as the service would fetch it."""
    if kind == "subtitles":
        subtitles.rewrite(source, destination)
    else:
        destination.write_bytes(source.read_bytes())
