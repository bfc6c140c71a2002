"""Runs a plan with ffmpeg in the sandbox, and returns the outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lib.media import fonts
from lib.media.errors import Canceled, MediaError, NoSpace, OutOfTime
from lib.media.plan import metering
from lib.media.plan.argv import LIST_NAME, argv
from lib.media.plan.guards import guards, ports, remote
from lib.media.plan.model import Plan
from lib.media.plan.text import Text
from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from lib.media.run.progress import Clock
from lib.media.run.sandbox import Limits

__all__ = ["Limits", "Outcome", "run"]

CUT_OFF = 0.9
"""An output shorter than this share of what its inputs state means that one was cut off."""
SHORT_PIXELS = 150e6
"""Pixels that are decoded in the wink of an eye."""
TOO_LARGE_EXIT = 229
STOPPED = re.compile(r"received signal (?:9|15|2|1)\b")
DAMAGED = re.compile(
    r"File ended prematurely|Invalid data found|moov atom not found|corrupt|partial file|Truncating"
    r"|Error while decoding|Invalid NAL|truncated|Decoding error"
    r"|Error (?:processing|submitting) packet (?:in|to) decoder",
    re.IGNORECASE,
)


class Written(NamedTuple):
    """A file that ffmpeg wrote."""

    duration_seconds: float
    size_bytes: int
    counted: bool = True
    """Whether the duration is exact; else it may be short by the frames that are reordered."""


class Outcome(NamedTuple):
    """How a run of ffmpeg ended, and the files it wrote."""

    outputs: list[Written]
    """One for each output of the plan."""
    wall_seconds: float
    cpu_seconds: float
    arguments: list[str]
    """ffmpeg's argument list, paths replaced by {input0}, …, {output}."""
    packets: metering.Counts | None = None
    """How much was read of each stream, where the plan counts it and the report can be trusted."""

    @property
    def output(self) -> Written:
        """The only output."""
        (output,) = self.outputs
        return output


def run(
    plan: Plan,
    inputs: Sequence[Path | str],
    output_path: Path,
    *,
    limits: Limits,
    on_progress: Callable[[float], None],
    canceled: Callable[[], bool],
    on_seconds: Callable[[float], None] = lambda seconds: None,
) -> Outcome:
    """Run the plan; `on_progress` gets percent, `on_seconds` the output's length so far.

    Raises MediaError, Canceled.

    `inputs` are files, or addresses of our proxy; what else the plan names is in the output's
    folder already, except for rendered text, which is drawn first.
    """
    clock = Clock()
    output_path = output_path.absolute()
    folder = output_path.parent
    places = [place if remote(place) else Path(place).absolute() for place in inputs]
    _prepare(plan, places, folder, limits, canceled)
    finished = sandbox.run(
        [str(binary()), *_arguments(plan, places, output_path)],
        folder=folder,
        readable=[*(place for place in places if isinstance(place, Path)),
                  *(fonts.readable() if plan.draws_text else ())],
        connect=ports(*places),
        environment=fonts.environment() if plan.draws_text else {},
        limits=limits,
        keep_line=metering.is_useful if plan.counts_packets else lambda line: True,
        on_line=_listener(plan, clock, on_progress, on_seconds),
        canceled=canceled,
    )  # fmt: skip
    packets = metering.counts(finished.report) if plan.counts_packets else None
    if plan.counts_packets:
        finished = finished._replace(report=metering.plain(finished.report))
    seconds = _length(clock, plan)
    _check(finished, plan, seconds, output_path, limits)
    if (
        plan.output.chose_copy
        and plan.output.copies_video
        and not _intact(output_path, plan, limits, canceled)
    ):
        raise MediaError("validation", _DAMAGED, "damaged")
    return Outcome(
        [Written(seconds, output_path.stat().st_size, _is_exact(clock, plan))],
        finished.wall_seconds,
        finished.cpu_seconds,
        argv(plan, placeholders(len(places)), "{output}"),
        packets,
    )


def _prepare(
    plan: Plan,
    places: Sequence[Path | str],
    folder: Path,
    limits: Limits,
    canceled: Callable[[], bool],
) -> None:
    """Write what ffmpeg reads besides the inputs. Raises MediaError, Canceled."""
    for name, text in plan.texts.items():
        draw(text, folder / name, limits=limits, canceled=canceled)
    if plan.joined:
        _list(places, folder)
    if plan.draws_text:
        _know_fonts()


def _listener(
    plan: Plan,
    clock: Clock,
    on_progress: Callable[[float], None],
    on_seconds: Callable[[float], None],
) -> Callable[[str], None]:
    """What takes each line of ffmpeg's progress."""
    clocked = not metering.is_picture(plan) and not metering.may_shift(plan)

    def take(line: str) -> None:
        clock.line(line)
        if line.startswith("progress=") and clocked:
            on_seconds(clock.seconds)
        if plan.output.expected_seconds and line.startswith("progress="):
            on_progress(round(min(99.0, 100 * clock.seconds / plan.output.expected_seconds), 1))

    return take


def run_or_encode(
    plan: Plan,
    encoding: Callable[[], Plan],
    inputs: Sequence[Path | str],
    output_path: Path,
    *,
    limits: Limits,
    on_progress: Callable[[float], None],
    canceled: Callable[[], bool],
    on_seconds: Callable[[float], None] = lambda seconds: None,
) -> tuple[Plan, Outcome]:
    """As `run`; when a copy that we chose goes wrong, run what `encoding` gives instead.

    So a file is refused for damage only that a decoder sees, and no odd timestamp fails a job.
    """
    try:
        return plan, run(
            plan,
            inputs,
            output_path,
            limits=limits,
            on_progress=on_progress,
            canceled=canceled,
            on_seconds=on_seconds,
        )
    except MediaError as error:
        if not plan.output.chose_copy or error.category not in ("validation", "processing"):
            raise
    plan = encoding()
    return plan, run(
        plan,
        inputs,
        output_path,
        limits=limits,
        on_progress=on_progress,
        canceled=canceled,
        on_seconds=on_seconds,
    )


def _arguments(plan: Plan, places: Sequence[Path | str], output: Path) -> list[str]:
    """ffmpeg's arguments, and where the plan needs it, the report of what was read."""
    arguments = argv(plan, places, output)
    if plan.counts_packets:
        arguments[arguments.index("-loglevel") + 1] = "level+verbose"
    return arguments


def placeholders(count: int) -> list[str]:
    """What stands for the inputs' places where an argument list is shown."""
    return [f"{{input{number}}}" for number in range(count)]


def draw(
    text: Text, path: Path, *, limits: Limits, canceled: Callable[[], bool] = lambda: False
) -> None:
    """Draw a text as a transparent picture, cut to its words and put on its box.

    Raises MediaError, Canceled.
    """
    _know_fonts()
    script = path.with_suffix(".ass")
    script.write_text(text.script, encoding="utf-8")
    words = (
        # libass' colors are cut to a video's range in RGB, and come multiplied by the alpha.
        f"color=c=black@0:s={text.width}x{text.height},format=yuva444p,"
        f"subtitles=filename={script.name}:alpha=1,format=gbrap,unpremultiply=inplace=1,format=rgba"
    )

    def ffmpeg(graph: str, *arguments: str) -> sandbox.Finished:
        finished = sandbox.run(
            [str(binary()), "-hide_banner", "-nostdin", "-y", "-nostats", "-loglevel", "info",
             "-filter_complex", graph, "-frames:v", "1", *arguments],
            folder=path.parent,
            readable=fonts.readable(),
            environment=fonts.environment(),
            limits=limits,
            canceled=canceled,
        )  # fmt: skip
        _check_stopped(finished, limits)
        if finished.returncode != 0:
            raise MediaError(
                "processing",
                "The text could not be drawn. Send the job again with a shorter text or fewer"
                " effects.",
                "text",
            )
        return finished

    box = _BOX.search(ffmpeg(f"{words},alphaextract,bbox=min_val=1", "-f", "null", "-").report)
    x, y, width, height = (int(each) for each in box.groups()) if box else (0, 0, 2, 2)
    graph = f"{words},crop={width}:{height}:{x}:{y}:exact=1"
    if text.border:
        size = f"{width + 2 * text.border}x{height + 2 * text.border}"
        graph += (
            f"[words];color=c={text.box}:s={size},format=rgba[box];"
            f"[box][words]overlay={text.border}:{text.border}:format=rgb:alpha=straight"
        )
    ffmpeg(graph + "[drawn]", "-map", "[drawn]", "-c:v", "png", "-update", "1", path.name)


@cache
def _know_fonts() -> None:
    """Let fontconfig look through our fonts once for this process, and keep what it finds."""
    sandbox.run(
        [str(binary()), "-nostdin", "-loglevel", "quiet", "-f", "lavfi",
         "-i", f"color=s=16x16,drawtext=font={fonts.DEFAULT.name}:text=a", "-frames:v", "1",
         "-f", "null", "-"],
        folder=fonts.configuration().parent,
        readable=fonts.readable(),
        environment=fonts.environment(),
        limits=_LOOK_THROUGH,
    )  # fmt: skip


_LOOK_THROUGH = Limits(20, 20, 8 * 1024**2, 1024**3)


def _intact(path: Path, plan: Plan, limits: Limits, canceled: Callable[[], bool]) -> bool:
    """Whether copied video can be decoded: all of a short one, the key frames of a long one.

    A copy passes on damage that an encoder would have noticed. Raises MediaError, Canceled.
    """
    picture = probe(path, deadline=limits.deadline).video
    pixels = picture.width * picture.height * picture.fps if picture else 0
    short = pixels * (plan.output.expected_seconds or 0) <= SHORT_PIXELS
    finished = sandbox.run(
        [str(binary()), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-xerror",
         *guards(path), *([] if short else ["-skip_frame", "nokey"]), "-i", str(path),
         "-map", "0:v:0", "-f", "null", "-"],
        folder=path.parent,
        limits=limits,
        canceled=canceled,
    )  # fmt: skip
    _check_stopped(finished, limits)
    return finished.returncode == 0 and not finished.report.strip()


_BOX = re.compile(
    r"bbox[^\n]{0,200}? x1:(\d{1,9}) x2:\d{1,9} y1:(\d{1,9}) y2:\d{1,9} w:(\d{1,9}) h:(\d{1,9})"
)


def _list(places: Sequence[Path | str], folder: Path) -> None:
    """The list of files that follow each other, by names that hold no sign of its syntax."""
    lines = ["ffconcat version 1.0"]
    for number, place in enumerate(places):
        name = f"joined{number}"
        (folder / name).symlink_to(place)
        lines.append(f"file {name}")
    (folder / LIST_NAME).write_text("\n".join(lines) + "\n")


def _length(clock: Clock, plan: Plan) -> float:
    """Seconds of the output; a picture has none."""
    if metering.is_picture(plan) or (plan.output.format.kind == "image" and clock.frames <= 1):
        return 0.0
    return metering.exact(clock.seconds, _counted(clock, plan))


def _is_exact(clock: Clock, plan: Plan) -> bool:
    """Whether the length is exact: by the count of frames, or since a sound ends last."""
    counted = _counted(clock, plan)
    sounds = any(stream.kind == "audio" for stream in plan.output.streams)
    ends_with_sound = plan.output.format.kind == "audio" or (
        sounds and 0 < counted <= clock.seconds
    )
    return ends_with_sound or metering.agrees(clock.seconds, counted)


def _counted(clock: Clock, plan: Plan) -> float:
    """The length by the count of frames; 0 where the rate is not known."""
    return clock.frames / plan.output.rate if plan.output.rate else 0.0


def _check(
    finished: sandbox.Finished, plan: Plan, seconds: float, output: Path, limits: Limits
) -> None:
    """Raises MediaError unless ffmpeg really made the file; its exit code alone is not enough.

    Raises Canceled as well.
    """
    report = finished.report
    _check_stopped(finished, limits)
    if finished.returncode == TOO_LARGE_EXIT or "File too large" in report:
        raise MediaError(
            "file_size",
            f"The output grew past {limits.output_bytes // 1024**2} MB. Choose a shorter span, a"
            " smaller size or a lower quality.",
            "output_bytes",
        )
    if finished.returncode != 0:
        if DAMAGED.search(report):
            raise MediaError("validation", _DAMAGED, "damaged")
        by_caller = plan.source in ("raw_options", "virtual_options") or any(
            flag == "-filter_complex" for flag, _ in plan.output.options
        )
        raise MediaError("validation" if by_caller else "processing", _reason(report), "ffmpeg")
    if not output.exists() or output.stat().st_size == 0 or _NOTHING in report:
        raise MediaError(
            "validation",
            "ffmpeg made an empty file: the span or the streams asked for hold nothing. Check -ss,"
            " -t and what the input contains.",
            "empty_output",
        )
    cut_wav = "Packet corrupt" in report and "maximum wav data size" not in report
    expected = plan.output.expected_seconds or 0
    short = plan.output.complete and seconds < expected * CUT_OFF - 0.5
    # Whether ffmpeg fails for a broken block or conceals it depends on how its threads are timed.
    broken = "error while decoding MB" in report
    if short or cut_wav or broken or "File ended prematurely" in report:
        raise MediaError("validation", _DAMAGED, "damaged")


def _check_stopped(finished: sandbox.Finished, limits: Limits) -> None:
    """Raises for a run that was stopped or that ran into a limit: Canceled, MediaError."""
    report = finished.report
    if finished.canceled:
        raise Canceled
    # ffmpeg takes SIGXCPU for a wish to end early, and says so; at the hard limit it is killed.
    out_of_cpu = finished.cpu_seconds >= limits.cpu_seconds - 1
    if finished.timed_out or (finished.returncode != 0 and out_of_cpu):
        seconds = min(limits.wall_seconds, limits.deadline.seconds)
        raise OutOfTime(
            "processing_limit",
            f"The job needed more than the {seconds:.0f} seconds it may take. Send a shorter input,"
            " a smaller size or faster options.",
            "time",
        )
    if finished.returncode < 0 or STOPPED.search(report):
        raise MediaError(
            "transient", "ffmpeg was stopped from outside. Send the job again.", "stopped"
        )
    if finished.returncode != 0 and _FULL.search(report):
        raise NoSpace
    if finished.returncode != 0 and _MEMORY.search(report):
        raise MediaError(
            "processing_limit",
            f"The job needed more than the {limits.memory_bytes // 1024**2} MB of memory it may"
            " take. Send a smaller picture, or fewer inputs at once.",
            "memory",
        )


_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_MEMORY = re.compile(
    r"Cannot allocate memory|malloc of size [0-9]{1,19} failed|std::bad_alloc"
    r"|Resource temporarily unavailable"  # no room for a thread's stack
)
_NOTHING = "Output file is empty, nothing was encoded"
_DAMAGED = (
    "An input is damaged or cut off: it could not be decoded to its end. Send the whole file; if it"
    " plays on your machine, save it again first."
)


def _reason(report: str) -> str:
    """What ffmpeg said last, without paths; callers who know ffmpeg can act on it."""
    lines = [
        re.sub(r"\[[^\[\]]* @ 0x[0-9a-f]+\]", "", line).strip()
        for line in report.splitlines()
        if line.strip()
    ]
    telling = [line for line in lines if "/" not in line and len(line) < 300]
    said = telling[0] if telling else "it ended with an error"
    return f"ffmpeg could not do this: {said}. Check the options against the input."
