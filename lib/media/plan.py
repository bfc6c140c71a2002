"""From a request and what its files hold to a plan: pure data that says what ffmpeg is to do."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from lib.media import values
from lib.media.errors import MediaError
from lib.media.formats import Format, lookup
from lib.media.geometry import shown, target
from lib.media.probe import Probe, Video
from lib.media.request import Checked, Flags, Preset, TranscodeRequest, check

Source = Literal["preset", "raw_options", "virtual_options", "defaults"]
GIF_RATE = 12.0
STILL_SECONDS = 3
"""How long a still shows when it is joined with other inputs."""
SAMPLE_RATE = 48_000
LONG_SECONDS = 120
HEAVY_PIXELS = 5 * 3840 * 2160


class Plan(msgspec.Struct):
    """What ffmpeg is to do, but for the paths."""

    format: Format
    source: Source
    inputs: list[Flags]
    """Flags before each -i."""
    options: Flags
    """Flags of the output, -filter_complex and -map among them."""
    preset: Preset | None = None
    expected_seconds: float | None = None
    """How long the output should be, for the progress."""
    rate: float = 0
    """Frames a second of the output where it is known, to tell its length by."""
    complete: bool = False
    """Whether an output much shorter than expected means that an input was cut off."""


def make_plan(request: TranscodeRequest, probes: Sequence[Probe]) -> Plan:
    """The plan for a request. Raises Refused, and MediaError when the files don't allow it."""
    checked = check(request)
    made = lookup(request.outputFormat)
    if request.options:
        return _raw_plan(request, checked, made, probes)
    if checked.filters:
        return _filter_plan(request, checked, made, probes)
    if len(probes) > 1 and made.name not in ("jpeg", "png", "webp"):
        return _concat_plan(request, checked, made, probes)
    return _single_plan(request, checked, made, probes)


def billable_seconds(request: TranscodeRequest, probes: Sequence[Probe | None]) -> float | None:
    """Seconds of input that count: what -ss, -t and -to leave of each, stills nothing, summed.

    None while the length of a file that counts is not known.
    """
    checked = check(request)
    output = dict(checked.output)
    total = 0.0
    for flags, found in zip(checked.inputs, probes, strict=True):
        if found is not None and found.still:
            continue
        given = dict(flags)
        length = found.duration if found is not None else None
        if given.get("-stream_loop", "0") != "0":
            repeats = int(given["-stream_loop"] or 0) + 1
            length = None if length is None else length * repeats if repeats else float("inf")
        span = _span(output, _span(given, length))
        if span is None or span == float("inf"):
            return None
        total += span
    return total


def lane(request: TranscodeRequest, probes: Sequence[Probe | None]) -> str:
    """The contract's lane: heavy for many large pictures, long over two minutes, else short."""
    pixels = sum(
        found.video.width * found.video.height for found in probes if found and found.video
    )
    if len(probes) > 1 and pixels > HEAVY_PIXELS:
        return "heavy"
    return "long" if (billable_seconds(request, probes) or 0) > LONG_SECONDS else "short"


def _span(flags: dict[str, str | None], length: float | None) -> float | None:
    """What -ss, -t and -to leave of `length` seconds."""
    start = values.seconds(flags["-ss"] or "0") if "-ss" in flags else 0.0
    wanted: float | None = None
    if "-t" in flags:
        wanted = values.seconds(flags["-t"] or "0")
    elif "-to" in flags:
        wanted = max(0.0, values.seconds(flags["-to"] or "0") - start)
    if length is None:
        return wanted
    left = max(0.0, length - start)
    return left if wanted is None else min(left, wanted)


def _quality(request: TranscodeRequest) -> str:
    return (request.preset and request.preset.quality) or "medium"


def _resolution(request: TranscodeRequest) -> str | None:
    return request.preset.resolution if request.preset else None


def _source(request: TranscodeRequest) -> Source:
    return "preset" if request.preset else "defaults"


def _raw_plan(
    request: TranscodeRequest, checked: Checked, made: Format, probes: Sequence[Probe]
) -> Plan:
    """The caller's own options; the format chooses the muxer, and ffmpeg the codecs not named."""
    options = [flag for flag in checked.output if flag[0] != "-f"]
    given = dict(options)
    if checked.filters:
        options = [("-filter_complex", checked.filters), *_maps(checked, made, probes), *options]
    options += _one_frame(made) if "-frames:v" not in given else []
    longest = max(_lengths(checked, probes), default=0.0)
    return Plan(
        made,
        "raw_options",
        _inputs(checked, probes),
        options,
        expected_seconds=_span(given, longest or None),
        rate=_raw_rate(given, probes),
    )


def _raw_rate(given: dict[str, str | None], probes: Sequence[Probe]) -> float:
    if given.get("-r"):
        return float(Fraction(given["-r"] or "0"))
    return next((picture.fps for found in probes if (picture := _picture(found))), 0.0)


def _filter_plan(
    request: TranscodeRequest, checked: Checked, made: Format, probes: Sequence[Probe]
) -> Plan:
    """The caller's graph, the codecs of the preset or the defaults."""
    options: Flags = [("-filter_complex", checked.filters), *_maps(checked, made, probes)]
    options += _codecs(made, _quality(request), picture=made.kind != "audio", sound=True)
    options += _one_frame(made)
    return Plan(
        made,
        _source(request),
        _inputs(checked, probes),
        options,
        request.preset,
        sum(_lengths(checked, probes)) or None,
    )


def _lengths(checked: Checked, probes: Sequence[Probe]) -> list[float]:
    """Seconds that are read of each input; 0 where that is not known."""
    return [
        _span(dict(flags), found.duration) or 0.0
        for flags, found in zip(checked.inputs, probes, strict=True)
    ]


def _inputs(checked: Checked, probes: Sequence[Probe]) -> list[Flags]:
    """The flags before each -i: the caller's, and how damage in such a file is noticed."""
    return [[*flags, *_damage(found)] for flags, found in zip(checked.inputs, probes, strict=True)]


def _damage(found: Probe) -> Flags:
    """-xerror fails on damage that decoders report; this is for what they don't or over-report.

    A damaged still decodes to grey unless told to explode; video must not be, or recordings that
    begin between key frames fail. A WAV that was piped states no true length, and its last packet
    counts as corrupt.
    """
    if found.still:
        return [("-err_detect", "explode")]
    if found.format == "wav":
        return [("-fflags", "+discardcorrupt")]
    return []


def _one_frame(made: Format) -> Flags:
    return [("-frames:v", "1")] if made.kind == "image" and made.name != "gif" else []


def _maps(checked: Checked, made: Format, probes: Sequence[Probe]) -> Flags:
    """-map for what the graph leaves open, and the sound when just one input has any."""
    used = {label for chain in checked.graph for each in chain for label in each.inputs}
    outputs = [
        label
        for chain in checked.graph
        for each in chain
        for label in each.outputs
        if label not in used
    ]
    if not outputs:  # an unlabelled end is mapped by ffmpeg itself
        return []
    maps: Flags = [("-map", f"[{label}]") for label in outputs]
    sounding = [number for number, found in enumerate(probes) if found.audio]
    if len(sounding) == 1 and made.kind == "video" and not _makes_sound(checked):
        maps.append(("-map", f"{sounding[0]}:a:0"))
    return maps


def _makes_sound(checked: Checked) -> bool:
    """Whether a filter of the graph works on sound."""
    sound = {"afade", "volume", "atempo", "atrim", "asetpts", "anull"}
    return any(
        each.name in sound or ("a", "1") in each.options
        for chain in checked.graph
        for each in chain
    )


def _single_plan(
    request: TranscodeRequest, checked: Checked, made: Format, probes: Sequence[Probe]
) -> Plan:
    """The first input alone: of several, a picture is made of the first."""
    found = probes[0]
    picture = _picture(found) if made.kind == "video" else found.video
    picture = picture if made.kind != "audio" else None
    sound = found.audio if made.kind != "image" else None
    _require(made, picture is not None, sound is not None)
    options: Flags = []
    options += [("-map", "0:v:0")] if picture else []
    options += [("-map", "0:a:0")] if sound else []
    chain = _picture_filters(request, made, picture, still=found.still) if picture else ""
    options += [("-vf", chain)] if chain else []
    options += _codecs(made, _quality(request), picture=bool(picture), sound=bool(sound))
    options += _layout(made, found) if sound else []
    options += _one_frame(made)
    inputs = _inputs(checked, probes)
    length = _span(dict(checked.inputs[0]), found.duration)
    if found.still and made.kind == "video":
        looped, length = _shown_still(inputs[0], 25.0)
        inputs[0] = looped
    single_frame = made.kind == "image" and made.name != "gif"
    rate = picture.fps if picture and not found.still else 0.0
    return Plan(
        made,
        _source(request),
        inputs,
        options,
        request.preset,
        0.0 if single_frame else length,
        rate=min(rate, GIF_RATE) if made.name == "gif" else rate,
        # The length stated is that of the longest stream: nothing follows if that is left out.
        complete=not single_frame
        and not checked.inputs[0]
        and not found.estimated
        and (sound is not None or found.audio is None)
        and (picture is not None or _picture(found) is None),
    )


def _picture(found: Probe) -> Video | None:
    """The moving or still picture of a file; cover art is none."""
    return found.video if found.video and not found.video.attached else None


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


def _concat_plan(
    request: TranscodeRequest, checked: Checked, made: Format, probes: Sequence[Probe]
) -> Plan:
    """All inputs one after the other, brought to the first picture's size and rate."""
    pictures = [picture for found in probes if (picture := _picture(found))]
    lead = pictures[0] if pictures and made.kind != "audio" else None
    with_sound = made.kind != "image" and any(found.audio for found in probes)
    _require(made, lead is not None, with_sound)
    inputs = _inputs(checked, probes)
    lengths = _lengths(checked, probes)
    width, height = target(made, _resolution(request), lead) if lead else (0, 0)
    rate = _rate(lead.fps, made) if lead else 0.0
    chains: list[str] = []
    pads = ""
    for number, found in enumerate(probes):
        if found.still and lead:
            inputs[number], lengths[number] = _shown_still(inputs[number], rate)
        if lead:
            chains.append(_joined_picture(number, found, width, height, rate, lengths[number]))
            pads += f"[v{number}]"
        if with_sound:
            chains.append(_joined_sound(number, found, lengths[number]))
            pads += f"[a{number}]"
    joined = f"{pads}concat=n={len(probes)}:v={int(bool(lead))}:a={int(with_sound)}"
    joined += ("[v]" if lead else "") + ("[a]" if with_sound else "")
    chains.append(joined)
    options: Flags = []
    if made.name == "gif":
        chains.append("[v]split[g0][g1];[g0]palettegen[p];[g1][p]paletteuse[out]")
        options.append(("-map", "[out]"))
    else:
        options += [("-map", "[v]")] if lead else []
        options += [("-map", "[a]")] if with_sound else []
    options.insert(0, ("-filter_complex", ";".join(chains)))
    options += _codecs(made, _quality(request), picture=bool(lead), sound=with_sound)
    known = all(found.still or found.duration is not None for found in probes)
    return Plan(
        made,
        _source(request),
        inputs,
        options,
        request.preset,
        sum(lengths) if known else None,
        rate=rate,
        complete=known
        and not any(checked.inputs)
        and not any(found.estimated for found in probes)
        and (lead is not None or not pictures),
    )


def _joined_picture(
    number: int, found: Probe, width: int, height: int, rate: float, length: float
) -> str:
    fit = f"fps={rate:g},format=yuv420p,settb=AVTB[v{number}]"
    picture = _picture(found)
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


def _codecs(made: Format, quality: str, *, picture: bool, sound: bool) -> Flags:
    flags: Flags = []
    flags += made.video.get(quality, ()) if picture else ()
    flags += made.audio.get(quality, ()) if sound else ()
    if made.name in ("mp4", "mov"):
        flags.append(("-movflags", "+faststart"))
    return flags


def _picture_filters(
    request: TranscodeRequest, made: Format, picture: Video, *, still: bool
) -> str:
    """The chain that brings a picture to its size, and a GIF to its palette."""
    width, height = target(made, _resolution(request), picture)
    chain: list[str] = []
    if made.name == "gif" and not still and picture.fps > GIF_RATE:
        chain.append(f"fps={GIF_RATE:g}")
    if (width, height) != shown(picture) or picture.sample_aspect != 1:
        chain += [f"scale={width}:{height}", "setsar=1"]
    if made.name == "gif":
        chain.append("split[a][b];[a]palettegen[p];[b][p]paletteuse")
    return ",".join(chain)


def _rate(fps: float, made: Format) -> float:
    """Frames a second of joined pictures: the first's, within reason."""
    rate = min(fps, 60.0) if fps >= 1 else 25.0
    return min(rate, GIF_RATE) if made.name == "gif" else rate


def _require(made: Format, picture: bool, sound: bool) -> None:
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
