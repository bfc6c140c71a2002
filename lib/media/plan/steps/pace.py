"""Threads and speed: an encoder that finishes in the time that is left."""

from __future__ import annotations

from lib.media.formats import Settings
from lib.media.model import Flags, Video
from lib.media.plan.draft import Draft, change, with_note
from lib.media.plan.lengths import first_video
from lib.media.plan.model import Machine

BUSY_SHARE = 0.6
"""Of the time left, that an encoder may be expected to take before a faster one is chosen."""
SPEEDS: dict[str, list[tuple[float, Settings]]] = {
    "libx264": [(24e6, (("-preset", "fast"),)), (47e6, (("-preset", "veryfast"),)),
                (100e6, (("-preset", "ultrafast"),))],
    "libvpx-vp9": [(10e6, (("-deadline", "good"), ("-cpu-used", "4"))),
                   (40e6, (("-deadline", "realtime"), ("-cpu-used", "6"))),
                   (50e6, (("-deadline", "realtime"), ("-cpu-used", "8")))],
}  # fmt: skip
"""Pixels per second that a core encodes, measured, and the settings for it; the best first."""
_VP9_SPEED = frozenset({"-deadline", "-quality", "-cpu-used", "-speed"})


def pace(draft: Draft) -> Draft:
    """Settings that fit the machine and the time left, where the caller left them open."""
    video = first_video(draft.probes)
    if video is None:
        return draft
    if draft.kind == "options":
        return _pace_own(draft, video)
    flags, notes = paced(draft.video_codec, video, draft.expected, draft.machine)
    settings = [flag for flag in flags if flag[0] not in draft.options]
    return with_note(change(draft, video_codec=settings), *notes)


def paced(
    codec: Flags, video: Video, seconds: float | None, machine: Machine
) -> tuple[Flags, list[str]]:
    """The encoder's settings, with threads and a speed that fits; and notes for the caller."""
    options = dict(codec)
    name = options.get("-c:v") or ""
    speeds = SPEEDS.get(name)
    if speeds is None:
        return list(codec), []
    frames = (seconds or 0) * min(video.fps or 25, 60)
    pixels = video.width * video.height * frames
    allowed = machine.seconds_left * BUSY_SHARE
    fitting = (
        at for at, (rate, _) in enumerate(speeds) if pixels / (rate * machine.cores) <= allowed
    )
    chosen = next(fitting, len(speeds) - 1)
    settings = dict(speeds[chosen][1])
    notes = [
        f"{name} runs with {' '.join(f'{flag} {value}' for flag, value in settings.items())}:"
        f" {machine.seconds_left:.0f} s are left for the job."
    ]
    threads = str(min(16, max(1, machine.cores * 3 // 2)))
    return [*{**options, **settings}.items(), ("-threads", threads)], notes if chosen else []


def _pace_own(draft: Draft, video: Video) -> Draft:
    """Threads, and for VP9 and AV1 a bearable speed, beside the caller's own options."""
    options = dict([*draft.copies, *draft.own])
    if "-vn" in options or draft.format.kind != "video":
        return draft
    codec = options.get("-c:v") or options.get("-c") or _default_encoder(draft)
    chosen: Flags = []
    notes: list[str] = []
    if codec == "libvpx-vp9" and not _VP9_SPEED & set(options):
        settings: Flags = [("-c:v", codec), ("-deadline", "good"), ("-cpu-used", "4")]
        flags, notes = paced(settings, video, draft.expected, draft.machine)
        chosen = [flag for flag in flags if flag[0] != "-c:v"]
        chosen += [] if "-row-mt" in options else [("-row-mt", "1")]
    elif codec == "libsvtav1" and "-preset" not in options:
        chosen = [("-preset", "8" if draft.machine.seconds_left > 300 else "10")]
    elif codec == "libaom-av1" and "-cpu-used" not in options:
        chosen = [("-cpu-used", "6"), ("-row-mt", "1")]
    if chosen:
        notes.append(f"{codec} was given {' '.join(f'{flag} {value}' for flag, value in chosen)}.")
    own = [flag for flag in chosen if flag[0] not in options]
    return with_note(change(draft, pace=own), *notes)


def _default_encoder(draft: Draft) -> str | None:
    """The encoder that ffmpeg takes for a format when none is named."""
    return dict(draft.format.video.get("medium", ())).get("-c:v")
