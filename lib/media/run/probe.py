"""What a file holds, from the report of `ffmpeg -i` (we ship no ffprobe)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from lib.media.deadline import NEVER, Deadline
from lib.media.errors import MediaError, OutOfTime
from lib.media.model import STILLS, Audio, Probe, Video
from lib.media.plan.guards import MAX_PIXELS, guards, ports, remote
from lib.media.run import sandbox
from lib.media.run.ffmpeg import binary
from lib.media.run.progress import Clock

REPORT_BYTES = 8 * 1024 * 1024
"""A tag may hold a megabyte, and what we look for stands before and after it."""
PROBE_SECONDS = 20
MEASURE_SECONDS = 60


def probe(
    place: Path | str,
    *,
    folder: Path | None = None,
    size: int | None = None,
    deadline: Deadline | None = None,
) -> Probe:
    """Look into a file, or into what our proxy serves, with `size` bytes and `folder` to work in.

    It may take until `deadline` (by default PROBE_SECONDS). Raises MediaError: validation when it
    is not media that we read; OutOfTime.
    """
    size = Path(place).stat().st_size if size is None else size
    if size == 0:
        raise MediaError(
            "validation", "The file is empty (0 bytes). Send the media itself.", "empty"
        )
    separator = f"<{secrets.token_hex(8)}>"
    finished = _look(
        place,
        folder,
        ["-loglevel", "time+level+info"],
        ["-dump_separator", separator],
        [],
        seconds=PROBE_SECONDS,
        deadline=deadline,
        # The further lines of long tags, which begin with white space, are many and of no use.
        keep_line=lambda line: not line.startswith(b"    ") or separator.encode() in line,
    )
    if finished.timed_out:
        raise OutOfTime(
            "processing_limit",
            "The file could not be read in time. If it is at a URL, its server may be too slow:"
            " upload the file instead.",
        )
    if finished.returncode < 0:
        raise MediaError("transient", "Looking into the file was interrupted. Send the job again.")
    if "exceeds specified max pixel count" in finished.report:
        raise MediaError(
            "validation",
            f"The image is larger than {MAX_PIXELS // 10**6} megapixels. Send a smaller one.",
            "pixels",
        )
    if finished.returncode not in (0, 1):
        raise unreadable()
    return parse(finished.report, size, separator)


def measure(
    place: Path | str,
    probe: Probe,
    *,
    folder: Path | None = None,
    deadline: Deadline | None = None,
) -> Probe:
    """`probe`, its length read from the packets of the whole file where it is unknown or a guess.

    Recorders that stream (MediaRecorder's WebM) state no length, and an MP3 without an index may be
    guessed several times too long, which would be charged.
    """
    if probe.still or not (probe.duration is None or probe.estimated):
        return probe
    length = Clock()
    finished = _look(
        place,
        folder,
        ["-loglevel", "error"],
        [],
        ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-progress", "pipe:1", "-nostats",
         "-f", "null", "-"],
        seconds=MEASURE_SECONDS,
        deadline=deadline,
        on_line=length.line,
    )  # fmt: skip
    if finished.timed_out and deadline is not None:
        raise OutOfTime(
            "processing_limit", "Measuring the input's length took too long. Send a shorter input."
        )
    if finished.returncode != 0 or not length.seconds:
        return probe
    return msgspec.structs.replace(probe, duration=length.seconds, estimated=False)


def fingerprint(
    place: Path | str, *, folder: Path | None = None, deadline: Deadline | None = None
) -> tuple[str, ...]:
    """How the first picture and sound are coded, down to the decoder's set-up data.

    Files of the same fingerprint can follow each other without being encoded again. Empty when
    ffmpeg can't tell.
    """
    lines: list[str] = []
    finished = _look(
        place,
        folder,
        ["-loglevel", "error"],
        [],
        ["-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy", "-frames:v", "1", "-frames:a", "1",
         "-f", "framecrc", "-"],
        seconds=PROBE_SECONDS,
        deadline=deadline,
        on_line=lines.append,
    )  # fmt: skip
    header = tuple(line for line in lines if line.startswith("#") and "software" not in line)
    return header if finished.returncode == 0 else ()


def _look(
    place: Path | str,
    folder: Path | None,
    before: list[str],
    before_input: list[str],
    after: list[str],
    *,
    seconds: int,
    deadline: Deadline | None,
    keep_line: Callable[[bytes], bool] = lambda line: True,
    on_line: Callable[[str], None] | None = None,
) -> sandbox.Finished:
    """Run ffmpeg over an input, in the sandbox, writing nothing.

    It may use `seconds` of CPU, and of wall clock where there is no `deadline`: what a source takes
    to send its bytes is then for the deadline to judge.
    """
    where = place if remote(place) else Path(place).absolute()
    return sandbox.run(
        [str(binary()), "-hide_banner", "-nostdin", *before, *guards(where), *before_input,
         "-i", str(where), *after],
        folder=folder or Path(place).absolute().parent,
        limits=sandbox.Limits(
            float("inf") if deadline else seconds, seconds, 0, 1024**3, deadline or NEVER
        ),
        keep_bytes=REPORT_BYTES,
        keep_line=keep_line,
        on_line=on_line,
        connect=ports(place),
    )  # fmt: skip


def unreadable() -> MediaError:
    """The error for a file that is not media."""
    return MediaError(
        "validation",
        "The file can't be read as media. It may be cut off, damaged, or not a video, audio or"
        " image file at all; check that it plays on your machine.",
        "unreadable",
    )


_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} (?P<text>.*)")
_INPUT = re.compile(r"\[info\] Input #0, (?P<format>[\w,]+), from ")
_DURATION = re.compile(r"\[info\]   Duration: (?:(\d{1,9}):(\d\d):(\d\d\.\d{1,9})|N/A)")
_ESTIMATED = re.compile(r"\[in#0[^]]*\] \[warning\] Estimating duration from bitrate")
_SIDE_DATA = "[info]     Side data:"
_ROTATION = re.compile(
    r"\[info\]       [Dd]isplay [Mm]atrix: rotation of (-?\d{1,9}(?:\.\d{1,9})?) degrees"
)
_KIND = re.compile(r".*: (?P<kind>Video|Audio|Subtitle|Data|Attachment): (?P<codec>[\w.-]+)")
_SIZE = re.compile(r"(?:^|, )(\d{1,6})x(\d{1,6})(?=[ ,\[]|$)")
_PIXEL_FORMAT = re.compile(r"([a-z][a-z0-9]+)(?:\(|,|$)")
_ASPECT = re.compile(r"SAR (\d{1,12}):(\d{1,12})")
_RATE = re.compile(r"(?:^|, )(\d{1,9}(?:\.\d{1,9})?)(k?) fps")


def parse(report: str, size_bytes: int, separator: str) -> Probe:
    """The facts in a report of `-loglevel time+level+info -dump_separator <separator>`.

    A file's own metadata stands in the same report and must not pass for facts. A stream's facts
    are joined by `separator`, which is created for each run, so no file can hold it: only the
    text around it is believed, from the last `: Video: ` before it (a language tag may hold such
    words, and line feeds). The one true Input and Duration lines are always there; when a tag's
    key forges another, nothing is believed. Further lines of a tag's value are indented and carry
    no time. Raises MediaError (validation).
    """
    containers: list[str] = []
    durations: list[float | None] = []
    video: Video | None = None
    audio: Audio | None = None
    turnable = side_data = estimated = False
    for line in report.split("\n"):
        if separator in line:
            turnable = side_data = False
            head, _, rest = line.partition(separator)
            stream = _stream(head, rest.replace(separator, ", "))
            if isinstance(stream, Audio):
                audio = audio or stream
            elif stream and (video is None or (video.attached and not stream.attached)):
                video, turnable = stream, True
            continue
        timed = _LINE.match(line)
        if timed is None:
            continue
        text = timed["text"]
        if match := _INPUT.match(text):
            containers.append(match["format"])
        elif match := _DURATION.match(text):
            durations.append(_seconds(match))
        elif _ESTIMATED.match(text):
            estimated = True
        elif text == _SIDE_DATA:
            side_data = turnable
        elif side_data and video and (match := _ROTATION.match(text)):
            turned = round(-float(match[1]) / 90) * 90 % 360
            video = msgspec.structs.replace(video, rotation=turned)
    if len(containers) != 1 or len(durations) != 1 or (video is None and audio is None):
        raise unreadable()
    still = containers[0] in STILLS
    duration = 0.0 if still else durations[0]
    return Probe(containers[0], size_bytes, duration, video, audio, estimated)


def _stream(head: str, facts: str) -> Video | Audio | None:
    """The stream that a line describes; None for other kinds."""
    match = _KIND.match(head)
    if match and match["kind"] == "Audio":
        return _audio(match["codec"], facts)
    return _video(match["codec"], facts) if match and match["kind"] == "Video" else None


def _seconds(match: re.Match[str]) -> float | None:
    """The length in a Duration line; None for N/A."""
    hours, minutes, rest = match.groups()
    return None if hours is None else int(hours) * 3600 + int(minutes) * 60 + float(rest)


def _video(codec: str, facts: str) -> Video | None:
    size = _SIZE.search(facts)
    if size is None:
        return None
    aspect = _ASPECT.search(facts)
    pixels = _PIXEL_FORMAT.match(facts)
    fps = _RATE.search(facts)
    sample = int(aspect[1]) / int(aspect[2]) if aspect and int(aspect[2]) else 1.0
    return Video(
        codec=codec,
        width=int(size[1]),
        height=int(size[2]),
        fps=float(fps[1]) * (1000 if fps[2] else 1) if fps else 0.0,
        sample_aspect=sample or 1.0,
        attached="(attached pic)" in facts,
        pixel_format=pixels[1] if pixels else "",
    )


def _audio(codec: str, facts: str) -> Audio:
    rate = re.match(r"(\d{1,12}) Hz(?:, ([^,]+))?", facts)
    return Audio(
        codec=codec,
        sample_rate=int(rate[1]) if rate else 0,
        channels=(rate[2] or "") if rate else "",
    )
