"""Plans for requests without options: a format, perhaps a preset; one file, or several in a row."""

from __future__ import annotations

from collections.abc import Sequence

from lib.media.errors import MediaError
from lib.media.formats import Format, Settings
from lib.media.plan import stream_copy
from lib.media.plan.geometry import shown, target
from lib.media.plan.model import (
    Machine,
    Plan,
    Source,
    Stream,
    guarded,
    lengths,
    moving,
    one_frame,
    single,
    span,
)
from lib.media.request import values
from lib.media.request.check import Checked, Flags
from lib.media.run.probe import Probe, Video

GIF_RATE = 12.0
STILL_SECONDS = 3
"""How long a still shows when it is joined with other inputs."""
SAMPLE_RATE = 48_000
BUSY_SHARE = 0.6
"""Of the time left, that an encoder may be expected to take before a faster one is chosen."""
SPEEDS: dict[str, list[tuple[float, Settings]]] = {
    "libx264": [(24e6, (("-preset", "fast"),)), (47e6, (("-preset", "veryfast"),)),
                (100e6, (("-preset", "ultrafast"),))],
    "libvpx-vp9": [(10e6, (("-deadline", "good"), ("-cpu-used", "4"))),
                   (40e6, (("-deadline", "realtime"), ("-cpu-used", "6"))),
                   (50e6, (("-deadline", "realtime"), ("-cpu-used", "8")))],
}  # fmt: skip
"""Pixels a second that a core encodes, measured, and what makes it so; the best first."""


def source(checked: Checked) -> Source:
    """Where what is done comes from, when no option says it."""
    return "preset" if checked.request.preset else "defaults"


def quality(checked: Checked) -> str:
    """high, medium or low."""
    return (checked.request.preset and checked.request.preset.quality) or "medium"


def resolution(checked: Checked) -> str | None:
    """480p, 720p, 1080p, 4k, or None to keep the size."""
    return checked.request.preset.resolution if checked.request.preset else None


def single_plan(checked: Checked, probes: Sequence[Probe], machine: Machine) -> Plan:
    """The first input alone: of several, a picture is made of the first."""
    found, made = probes[0], checked.format
    picture = moving(found) if made.kind == "video" else found.video
    picture = picture if made.kind != "audio" else None
    sound = found.audio if made.kind != "image" else None
    require(made, picture is not None, sound is not None)
    inputs = guarded(checked, probes)
    length = span(dict(checked.inputs[0]), found.duration)
    if found.still and made.kind == "video":
        inputs[0], length = _shown_still(inputs[0], 25.0)
    options: Flags = []
    options += [("-map", "0:v:0")] if picture else []
    options += [("-map", "0:a:0")] if sound else []
    streams: list[Stream] = []
    chosen: Flags = []
    notes: list[str] = []
    if picture:
        chain = "" if _kept_picture(checked, picture, found) else picture_filters(
            checked, picture, still=found.still
        )  # fmt: skip
        if _kept_picture(checked, picture, found):
            chosen += [("-c:v", "copy"), *stream_copy.tag(picture, made)]
            streams.append(Stream("video", "copy", f"{picture.codec} fits {made.name} as it is."))
        else:
            options += [("-vf", chain)] if chain else []
            chosen += paced(video_codec(checked), picture, length, machine, notes)
            streams.append(Stream("video", "encode", _why_picture(checked, picture)))
    if sound:
        if _kept_sound(checked, found):
            chosen += [("-c:a", "copy")]
            streams.append(Stream("audio", "copy", f"{sound.codec} fits {made.name} as it is."))
        else:
            chosen += [*made.audio.get(quality(checked), ()), *_layout(made, found)]
            streams.append(Stream("audio", "encode", _why_sound(checked, found)))
    rate = picture.fps if picture and not found.still else 0.0
    return Plan(
        made,
        source(checked),
        inputs,
        options + chosen + container(made) + one_frame(made),
        checked.request.preset,
        0.0 if single(made) else length,
        rate=min(rate, GIF_RATE) if made.name == "gif" else rate,
        # The length stated is that of the longest stream: nothing follows if that is left out.
        complete=not single(made)
        and not checked.inputs[0]
        and not found.estimated
        and (sound is not None or found.audio is None)
        and (picture is not None or moving(found) is None),
        streams=streams,
        notes=notes,
        chose_copy=any(each.action == "copy" for each in streams),
    )


def joined_plan(checked: Checked, probes: Sequence[Probe], machine: Machine) -> Plan:
    """All inputs one after the other, brought to the first picture's size and rate."""
    made = checked.format
    graph, inputs, each, rate = join(checked, probes)
    options: Flags = [("-filter_complex", graph)]
    lead = next((picture for found in probes if (picture := moving(found))), None)
    lead = lead if made.kind != "audio" else None
    with_sound = "[a]" in graph
    if made.name == "gif":
        options = [("-filter_complex", f"{graph};{palette('[v]', '[out]')}"), ("-map", "[out]")]
    else:
        options += [("-map", "[v]")] if lead else []
        options += [("-map", "[a]")] if with_sound else []
    known = all(found.still or found.duration is not None for found in probes)
    total = sum(each) if known else None
    notes: list[str] = []
    if lead:
        options += paced(video_codec(checked), lead, total, machine, notes)
    options += made.audio.get(quality(checked), ()) if with_sound else ()
    why = "The inputs are joined, and differ or are to be changed."
    return Plan(
        made,
        source(checked),
        inputs,
        options + container(made) + one_frame(made),
        checked.request.preset,
        total,
        rate=rate,
        adds_up=True,
        complete=known
        and not any(checked.inputs)
        and not any(found.estimated for found in probes)
        and (lead is not None or not any(map(moving, probes))),
        streams=[
            *([Stream("video", "encode", why)] if lead else []),
            *([Stream("audio", "encode", why)] if with_sound else []),
        ],
        notes=notes,
    )


def copied_join_plan(checked: Checked, probes: Sequence[Probe]) -> Plan:
    """Inputs that are coded alike, one after the other, without coding them anew."""
    found, made = probes[0], checked.format
    picture = moving(found)
    known = all(each.duration is not None for each in probes)
    why = "The inputs are coded alike, so their packets follow each other."
    return Plan(
        made,
        source(checked),
        [[]],
        [
            *([("-map", "0:v:0")] if picture else []),
            *([("-map", "0:a:0")] if found.audio else []),
            ("-c", "copy"),
            *(stream_copy.tag(picture, made) if picture else []),
            *container(made),
        ],
        checked.request.preset,
        sum(each.duration or 0 for each in probes) if known else None,
        rate=picture.fps if picture else 0.0,
        complete=known,
        adds_up=True,
        joined=True,
        chose_copy=True,
        streams=[
            *([Stream("video", "copy", why)] if picture else []),
            *([Stream("audio", "copy", why)] if found.audio else []),
        ],
    )


def may_join_copied(checked: Checked, probes: Sequence[Probe]) -> bool:
    """Whether several inputs could follow each other as they are, should they be coded alike."""
    found = probes[0]
    picture = moving(found)
    return (
        len(probes) > 1
        and checked.format.kind != "image"
        and not any(checked.inputs)
        and stream_copy.alike(list(probes))
        and (picture is None or _kept_picture(checked, picture, found))
        and (found.audio is None or _kept_sound(checked, found))
        and (checked.format.kind == "video" or picture is None)
        and (picture is not None or found.audio is not None)
    )


def join(checked: Checked, probes: Sequence[Probe]) -> tuple[str, list[Flags], list[float], float]:
    """The graph that joins all inputs to [v] and [a], their flags and lengths, and the rate."""
    made = checked.format
    pictures = [picture for found in probes if (picture := moving(found))]
    lead = pictures[0] if pictures and made.kind != "audio" else None
    with_sound = made.kind != "image" and any(found.audio for found in probes)
    require(made, lead is not None, with_sound)
    inputs = guarded(checked, probes)
    each = lengths(checked, probes)
    width, height = target(made, resolution(checked), lead) if lead else (0, 0)
    rate = _rate(lead.fps, made) if lead else 0.0
    chains: list[str] = []
    pads = ""
    for number, found in enumerate(probes):
        if found.still and lead:
            inputs[number], each[number] = _shown_still(inputs[number], rate)
        if lead:
            chains.append(_joined_picture(number, found, width, height, rate, each[number]))
            pads += f"[v{number}]"
        if with_sound:
            chains.append(_joined_sound(number, found, each[number]))
            pads += f"[a{number}]"
    ends = ("[v]" if lead else "") + ("[a]" if with_sound else "")
    chains.append(f"{pads}concat=n={len(probes)}:v={int(bool(lead))}:a={int(with_sound)}{ends}")
    return ";".join(chains), inputs, each, rate


def video_codec(checked: Checked) -> Settings:
    """The encoder's settings for the quality that is asked for."""
    return checked.format.video.get(quality(checked), ())


def paced(
    codec: Settings,
    picture: Video,
    seconds: float | None,
    machine: Machine,
    notes: list[str],
) -> Flags:
    """The encoder's settings, with threads for the cores and a speed that fits the time left."""
    given = dict(codec)
    speeds = SPEEDS.get(given.get("-c:v", ""))
    if speeds is None:
        return list(codec)
    frames = (seconds or 0) * min(picture.fps or 25, 60)
    pixels = picture.width * picture.height * frames
    for number, (rate, settings) in enumerate(speeds):
        needed = pixels / (rate * machine.cores)
        if needed <= machine.seconds_left * BUSY_SHARE or number == len(speeds) - 1:
            if number:
                notes.append(
                    f"{given['-c:v']} runs with {' '.join(f'{k} {v}' for k, v in settings)}:"
                    f" {machine.seconds_left:.0f} s are left for the job."
                )
            given |= dict(settings)
            break
    return [*given.items(), ("-threads", str(min(16, max(1, machine.cores * 3 // 2))))]


def container(made: Format) -> Flags:
    """What players that read while they load want first."""
    return [("-movflags", "+faststart")] if made.name in ("mp4", "mov", "m4a") else []


def picture_filters(checked: Checked, picture: Video, *, still: bool) -> str:
    """The chain that brings a picture to its size, and a GIF to its palette."""
    made = checked.format
    width, height = target(made, resolution(checked), picture)
    chain: list[str] = []
    if made.name == "gif" and not still and picture.fps > GIF_RATE:
        chain.append(f"fps={GIF_RATE:g}")
    if (width, height) != shown(picture) or picture.sample_aspect != 1:
        chain += [f"scale={width}:{height}", "setsar=1"]
    if made.name == "gif":
        chain.append(palette())
    return ",".join(chain)


def palette(start: str = "", end: str = "") -> str:
    """The graph that gives a GIF its own colours."""
    return f"{start}split[g0][g1];[g0]palettegen[gp];[g1][gp]paletteuse{end}"


def require(made: Format, picture: bool, sound: bool) -> None:
    """Raises MediaError when the files lack what the format is made of."""
    if made.kind == "audio" and not sound:
        raise MediaError(
            "validation",
            f"The input has no audio track, so no {made.name} can be made of it. Send a file with"
            " sound, or choose a video or image format.",
        )
    if made.kind == "image" and not picture:
        raise MediaError(
            "validation",
            f"The input has no picture, so no {made.name} can be made of it. Send a video or an"
            " image, or choose an audio format.",
        )
    if not picture and not sound:
        raise MediaError("validation", "The input has neither picture nor sound.")


def _asked_quality(checked: Checked) -> bool:
    return bool(checked.request.preset and checked.request.preset.quality)


def _kept_picture(checked: Checked, picture: Video, found: Probe) -> bool:
    made = checked.format
    return (
        checked.may_copy
        and made.kind == "video"
        and not _asked_quality(checked)
        and not checked.inputs[0]
        and not found.still
        and stream_copy.picture_fits(picture, made)
        and (resolution(checked) is None or target(made, resolution(checked), picture)
             == shown(picture))
    )  # fmt: skip


def _kept_sound(checked: Checked, found: Probe) -> bool:
    return (
        checked.may_copy
        and found.audio is not None
        and not _asked_quality(checked)
        and not checked.inputs[0]
        and stream_copy.sound_fits(found.audio, checked.format)
    )


def _why_picture(checked: Checked, picture: Video) -> str:
    made = checked.format
    if checked.inputs[0]:
        return "The input's options cut or shift it."
    if not stream_copy.keeps_turn(picture, made):
        return f"It is turned, which {made.name} can't state."
    if not stream_copy.picture_fits(picture, made):
        return f"{picture.codec} {picture.pixel_format} does not fit {made.name} as it is."
    return "The preset asks for a quality or a size."


def _why_sound(checked: Checked, found: Probe) -> str:
    if checked.inputs[0]:
        return "The input's options cut or shift it."
    if found.audio and not stream_copy.sound_fits(found.audio, checked.format):
        return f"{found.audio.codec} does not fit {checked.format.name} as it is."
    return "The preset asks for a quality."


def _shown_still(flags: Flags, rate: float) -> tuple[Flags, float]:
    """The flags that make a clip of a still, and its seconds: the caller's -t, or the usual."""
    given = dict(flags)
    usual: Flags = [("-loop", "1"), ("-framerate", f"{rate:g}"), ("-t", f"{STILL_SECONDS}")]
    return (
        [*flags, *(flag for flag in usual if flag[0] not in given)],
        values.seconds(given.get("-t") or f"{STILL_SECONDS}"),
    )


_NARROW = frozenset({"mono", "stereo", ""})


def _layout(made: Format, found: Probe) -> Flags:
    """Surround sound as 5.1 for encoders that take but a few of the many layouts."""
    narrow = found.audio is None or found.audio.channels in _NARROW
    if narrow or made.name in ("wav", "flac"):
        return []
    return [("-af", "aformat=channel_layouts=stereo|5.1")]


def _joined_picture(
    number: int, found: Probe, width: int, height: int, rate: float, length: float
) -> str:
    fit = f"fps={rate:g},format=yuv420p,settb=AVTB[v{number}]"
    picture = moving(found)
    if picture is None:
        return f"color=black:s={width}x{height}:r={rate:g}:d={length:.3f},setsar=1,{fit}"
    square = "scale=iw*sar:ih," if picture.sample_aspect != 1 else ""
    return (
        f"[{number}:v:0]{square}scale={width}:{height}:force_original_aspect_ratio=decrease,"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1,{fit}"
    )


def _joined_sound(number: int, found: Probe, length: float) -> str:
    to_stereo = f"aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    if found.audio is None:
        return f"anullsrc=r={SAMPLE_RATE}:cl=stereo:d={length:.3f},{to_stereo}[a{number}]"
    return f"[{number}:a:0]aresample={SAMPLE_RATE},{to_stereo}[a{number}]"


def _rate(fps: float, made: Format) -> float:
    """Frames a second of joined pictures: the first's, within reason."""
    rate = min(fps, 60.0) if fps >= 1 else 25.0
    return min(rate, GIF_RATE) if made.name == "gif" else rate
