"""Plans for requests with options of their own: raw flags, graphs, and virtual options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lib.media.formats import Format
from lib.media.plan import stream_copy
from lib.media.plan.compose import Composition, compose
from lib.media.plan.model import (
    Machine,
    Plan,
    Stream,
    guarded,
    lengths,
    moving,
    one_frame,
    single,
    span,
)
from lib.media.plan.presets import container, join, paced, quality, source, video_codec
from lib.media.request import graph, tables, values, virtual
from lib.media.request.check import Checked, Flags, animated
from lib.media.run.probe import Probe, Video

TEXT_FILTERS = frozenset({"drawtext", "subtitles", "ass"})
TIMED = frozenset({"ss", "t", "to", "frames:v", "frames:a", "copyts", "start_at_zero", "shortest"})


def raw_plan(checked: Checked, probes: Sequence[Probe], machine: Machine) -> Plan:
    """The caller's options; the format chooses the container, and we the codecs not named."""
    if checked.virtual:
        return _virtual_plan(checked, probes, machine)
    made = checked.format
    inputs = guarded(checked, probes)
    options = [flag for flag in checked.output if flag[0] != "-f"]
    if made.kind == "audio":
        options = [_cover(flag, probes) for flag in options]
    given = dict(options)
    expected = _expected(given, lengths(checked, probes))
    notes: list[str] = []
    streams: list[Stream] = []
    head: Flags = []
    if checked.graph:
        mapped = "-map" in given
        head = [("-filter_complex", checked.filters)]
        head += [] if mapped else _maps(checked, made, probes)
    elif len(probes) == 1:
        options = _seek_first(checked, probes[0], inputs, options, notes)
        streams = _kept(checked, probes[0], dict(options))
        head = _copy_flags(streams, probes[0], made)
    options = head + options + _until_shortest(checked, probes, given)
    options += _paced(checked, dict(options), probes, expected, machine, notes)
    still = single(made) and not animated(made, checked.output)
    options += one_frame(made) if still and "-frames:v" not in given else []
    if "-movflags" not in given:
        options += container(made)
    return Plan(
        made,
        "raw_options",
        inputs,
        options,
        expected_seconds=0.0 if still else expected,
        rate=_raw_rate(given, probes),
        remotes=checked.remotes,
        streams=streams or _streams(dict(options), probes, made),
        chose_copy=any(each.action == "copy" and each.why != _ASKED for each in streams),
        notes=notes,
        draws_text=_draws_text(checked),
    )


def filter_plan(checked: Checked, probes: Sequence[Probe], machine: Machine) -> Plan:
    """The caller's graph, the codecs of the preset or the defaults."""
    made = checked.format
    notes: list[str] = []
    options: Flags = [("-filter_complex", checked.filters), *_maps(checked, made, probes)]
    total = sum(lengths(checked, probes)) or None
    lead = next((picture for found in probes if (picture := moving(found))), None)
    if made.kind != "audio":
        codec = video_codec(checked)
        options += paced(codec, lead, total, machine, notes) if lead else list(codec)
    options += made.audio.get(quality(checked), ())
    options += container(made) + one_frame(made)
    why = "Filters change it."
    return Plan(
        made,
        source(checked),
        guarded(checked, probes),
        options,
        checked.request.preset,
        total,
        remotes=checked.remotes,
        streams=[Stream("video", "encode", why)] if made.kind != "audio" else [],
        notes=notes,
        draws_text=_draws_text(checked),
    )


def _virtual_plan(checked: Checked, probes: Sequence[Probe], machine: Machine) -> Plan:
    """Virtual options: one graph of the caller's filters, then ours in their order."""
    made = checked.format
    inputs = guarded(checked, probes)
    raw = [flag for flag in checked.output if flag[0] not in ("-f", "-map")]
    trims = [each for each in checked.virtual if isinstance(each, virtual.Trim)]
    notes: list[str] = []
    base = _base(checked, probes, inputs, raw)
    length = base.seconds
    for trim in trims:
        length = _trim(trim, inputs, raw, len(probes), length)
    made_of = compose(base, checked, probes, length)
    options: Flags = []
    simple = not made_of.shown
    if not simple:
        options.append(("-filter_complex", made_of.shown))
    if made.kind != "audio" and made_of.picture:
        options.append(("-map", made_of.picture))
    if made.kind != "image" and made_of.sound:
        options.append(("-map", made_of.sound))
    options += base.maps
    raw = [flag for flag in raw if flag[0] not in ("-vf", "-af")]
    given = dict(raw)
    expected = _expected(given, [made_of.seconds or 0.0])
    pictured = bool(made_of.picture) and made.kind != "audio"
    streams: list[Stream] = []
    if len(probes) == 1 and not trims and not checked.graph:
        streams = _kept(checked, probes[0], given)
        options += _copy_flags(streams, probes[0], made)
    kept = {stream.kind for stream in streams if stream.action == "copy"}
    if pictured and "-c:v" not in given and "-c" not in given and "video" not in kept:
        lead = next((picture for found in probes if (picture := moving(found))), None)
        codec = [flag for flag in video_codec(checked) if flag[0] not in given]
        if lead:
            codec_flags = paced(tuple(codec), lead, expected, machine, notes)
            options += [flag for flag in codec_flags if flag[0] not in given]
        else:
            options += codec
    sounding = made.kind != "image" and made_of.sound and "-an" not in given
    if sounding and "-c:a" not in given and "-c" not in given and "audio" not in kept:
        options += [flag for flag in made.audio.get(quality(checked), ()) if flag[0] not in given]
    options += raw
    still = single(made) and not animated(made, checked.output)
    options += one_frame(made) if still and "-frames:v" not in given else []
    if "-movflags" not in given:
        options += container(made)
    return Plan(
        made,
        "virtual_options",
        inputs,
        options,
        expected_seconds=0.0 if still else expected,
        rate=_raw_rate(given, probes),
        extras=made_of.extras,
        texts=made_of.texts,
        remotes=checked.remotes,
        streams=streams or _streams(dict(options), probes, made),
        chose_copy=any(each.action == "copy" and each.why != _ASKED for each in streams),
        notes=notes,
        draws_text=_draws_text(checked) or bool(made_of.texts),
    )


class _Maps(NamedTuple):
    picture: str
    sound: str
    others: Flags


def _asked_maps(checked: Checked) -> _Maps:
    """What -map names: a picture, a sound, and the rest."""
    picture = sound = ""
    others: Flags = []
    for flag, value in checked.output:
        if flag != "-map" or value is None:
            continue
        label = value.strip("[]") if value.startswith("[") else ""
        kind = _kind_of(checked.graph, label) if label else value.partition(":")[2][:1]
        plain = value.rstrip("?")
        if kind == "v" and not picture and not value.startswith("-"):
            picture = plain
        elif kind == "a" and not sound and not value.startswith("-"):
            sound = plain
        else:
            others.append((flag, value))
    return _Maps(picture, sound, others)


def _base(
    checked: Checked, probes: Sequence[Probe], inputs: list[Flags], raw: Flags
) -> Composition:
    """The picture and sound that virtual options begin with, and the graph so far."""
    made = checked.format
    marks = {each.input for each in checked.virtual if isinstance(each, virtual.Watermark)}
    own = [number for number in range(len(probes)) if number not in marks]
    first = own[0] if own else 0
    asked = _asked_maps(checked)
    seconds = span(dict(checked.inputs[first]), probes[first].duration)
    base = Composition(extras=[], texts={}, maps=asked.others, seconds=seconds)
    if checked.graph:
        base.chains = list(checked.graph)
        ends = graph.open_outputs(checked.graph)
        pictures = [end for end in ends if _kind_of(checked.graph, end) == "v"]
        sounds = [end for end in ends if _kind_of(checked.graph, end) == "a"]
        base.picture = asked.picture or (f"[{pictures[0]}]" if pictures else "")
        base.sound = asked.sound or (f"[{sounds[0]}]" if sounds else _first_sound(probes))
    elif len(own) > 1 and not raw and not asked.picture:
        joined, base_inputs, each, _ = join(checked, probes)
        inputs[:] = base_inputs
        base.chains = list(graph.parse(joined))
        base.picture = "[v]" if "[v]" in joined else ""
        base.sound = "[a]" if "[a]" in joined else ""
        base.seconds = sum(each)
    else:
        shown = probes[first].video if made.kind == "image" else moving(probes[first])
        base.picture = asked.picture or (f"{first}:v:0" if shown else "")
        base.sound = asked.sound or (
            f"{first}:a:0" if probes[first].audio else _first_sound(probes)
        )
    for flag, value in raw:
        if flag == "-vf" and base.picture:
            base.filter_picture(graph.parse(value or ""))
        elif flag == "-af" and base.sound:
            base.filter_sound(graph.parse(value or ""))
    return base


def _first_sound(probes: Sequence[Probe]) -> str:
    return next((f"{number}:a:0" for number, found in enumerate(probes) if found.audio), "")


def _trim(
    trim: virtual.Trim, inputs: list[Flags], raw: Flags, count: int, length: float | None
) -> float | None:
    """The flags that cut; of one input the seek comes first, which reads nothing before it."""
    start = virtual.moment(trim.start)
    duration = virtual.moment(trim.duration) if trim.duration is not None else None
    if trim.end is not None:
        duration = virtual.moment(trim.end) - start
    place = inputs[0] if count == 1 and "-ss" not in dict(inputs[0]) else raw
    if start:
        place.insert(0, ("-ss", f"{start:g}"))
    if duration is not None:
        place.insert(0, ("-t", f"{duration:g}"))
    left = max(0.0, length - start) if length is not None else None
    return min(filter(lambda x: x is not None, (left, duration)), default=None)  # type: ignore[type-var]


def _seek_first(
    checked: Checked, found: Probe, inputs: list[Flags], options: Flags, notes: list[str]
) -> Flags:
    """-ss before the input: the same frames, without decoding all that lies before them.

    Not where something else reckons by the input's own time: filters, copied sound, other seeks.
    Of a copied picture ffmpeg would drop all up to the next key frame, and in a short clip all:
    before the input, it is taken from the key frame before, which players then skip to the moment.
    """
    given = dict(options)
    copied = "copy" in (given.get("-c"), given.get("-c:v")) and moving(found) is not None
    copied = copied and checked.format.kind == "video" and "-vn" not in given
    hindered = (
        "-ss" not in given
        or found.still
        or checked.inputs[0]
        or checked.remotes
        or {"-vf", "-af", "-copyts", "-force_key_frames"} & set(given)
        or (not copied and any(f.startswith("-c") and value == "copy" for f, value in options))
    )
    if hindered:
        return options
    start = values.seconds(given["-ss"] or "0")
    if start:
        inputs[0] = [("-ss", given["-ss"]), *inputs[0]]
        notes.append(_SOUGHT_KEY_FRAME if copied else _SOUGHT)
    moved: Flags = []
    for flag, value in options:
        if flag == "-to":
            moved.append(("-t", f"{max(0.0, values.seconds(value or '0') - start):g}"))
        elif flag != "-ss":
            moved.append((flag, value))
    return moved


def _cover(flag: tuple[str, str | None], probes: Sequence[Probe]) -> tuple[str, str | None]:
    """-map 1 of a still, said more plainly: its picture is wanted, as a sound's cover."""
    name, value = flag
    plain = name == "-map" and value is not None and value.isdigit() and probes[int(value)].still
    return (name, f"{value}:v") if plain else flag


def _until_shortest(
    checked: Checked, probes: Sequence[Probe], given: dict[str, str | None]
) -> Flags:
    """-t beside -shortest where an input repeats for ever: the length of those that end.

    ffmpeg notices the end of a stream late, at times by more than a second, and runs on.
    """
    if "-shortest" not in given or checked.graph or {"-t", "-to", "-frames:v", "-af"} & set(given):
        return []
    endless = [
        ("-stream_loop", "-1") in flags or ("-loop", "1") in flags for flags in checked.inputs
    ]
    if sorted(endless) != [False, True]:
        return []
    repeated, other = probes[endless.index(True)], probes[endless.index(False)]
    if checked.inputs[endless.index(False)] or other.estimated or not other.duration:
        return []
    maps = {(value or "").partition(":")[0] for flag, value in checked.output if flag == "-map"}
    # Without -map it must be plain which streams ffmpeg takes, and filters may stretch the picture.
    plain = other.video is None and (maps or repeated.audio is None)
    if not plain and (maps != {"0", "1"} or "-vf" in given):
        return []
    return [("-t", f"{other.duration:g}")]


_SOUGHT = "-ss was moved before the input: the same frames, without decoding the rest."
_SOUGHT_KEY_FRAME = "-ss was moved before the input, so that the copy begins with a key frame."


def _kept(checked: Checked, found: Probe, given: dict[str, str | None]) -> list[Stream]:
    """The streams that no option changes and that the container takes: they are copied."""
    made = checked.format
    if not checked.may_copy:
        return []
    bases = {
        named.base
        for flag, _ in checked.output
        if (named := tables.find(flag, output=True)) is not None
    }
    if bases & TIMED or checked.inputs[0] or "-c" in given or any(b.startswith("map") and b not in
       ("map_metadata", "map_chapters") for b in bases):  # fmt: skip
        return []
    speeds = any(isinstance(each, virtual.Speed) for each in checked.virtual)
    sounds = speeds or any(isinstance(each, virtual.Normalize) for each in checked.virtual)
    drawn = speeds or any(not isinstance(each, virtual.Normalize) for each in checked.virtual)
    picture = moving(found)
    streams: list[Stream] = []
    if picture and made.kind == "video" and "-vn" not in given:
        if given.get("-c:v") == "copy":
            streams.append(Stream("video", "copy", _ASKED))
        elif drawn or any(_about(base, "v") for base in bases):
            streams.append(Stream("video", "encode", "The options change the picture."))
        elif stream_copy.picture_fits(picture, made) and not found.still:
            why = f"No option changes it, and {picture.codec} fits {made.name}."
            streams.append(Stream("video", "copy", why))
        else:
            why = f"{picture.codec} does not fit {made.name} as it is."
            streams.append(Stream("video", "encode", why))
    if found.audio and made.kind != "image" and "-an" not in given:
        if given.get("-c:a") == "copy":
            streams.append(Stream("audio", "copy", _ASKED))
        elif sounds or any(_about(base, "a") for base in bases):
            streams.append(Stream("audio", "encode", "The options change the sound."))
        elif stream_copy.sound_fits(found.audio, made):
            why = f"No option changes it, and {found.audio.codec} fits {made.name}."
            streams.append(Stream("audio", "copy", why))
        else:
            why = f"{found.audio.codec} does not fit {made.name} as it is."
            streams.append(Stream("audio", "encode", why))
    return streams


_ASKED = "The options say so."
_NEUTRAL = frozenset({"metadata", "disposition", "strict", "threads", "tag", "bsf", "an", "vn"})


def _about(base: str, letter: str) -> bool:
    """Whether a flag changes the picture (v) or the sound (a)."""
    name, _, kind = base.partition(":")
    if name in _NEUTRAL:
        return False
    if kind:
        return kind == letter
    streams = tables.flags_of(output=True)[name].streams if name != "async" else "a"
    return letter in (streams if name not in ("vsync", "sws_flags") else "v")


def _copy_flags(streams: list[Stream], found: Probe, made: Format) -> Flags:
    flags: Flags = []
    for stream in streams:
        if stream.action == "copy" and stream.why != _ASKED:
            flags.append((f"-c:{stream.kind[0]}", "copy"))
            picture = moving(found)
            if stream.kind == "video" and picture:
                flags += stream_copy.tag(picture, made)
    return flags


def _streams(given: dict[str, str | None], probes: Sequence[Probe], made: Format) -> list[Stream]:
    """What the caller's own options say."""
    streams: list[Stream] = []
    for kind, letter, present in (
        ("video", "v", made.kind != "audio" and any(found.video for found in probes)),
        ("audio", "a", made.kind != "image" and any(found.audio for found in probes)),
    ):
        if not present or f"-{letter}n" in given:
            continue
        named = given.get(f"-c:{letter}") or given.get("-c")
        copied = named == "copy"
        why = _ASKED if named else "The options don't name a codec."
        streams.append(Stream(kind, "copy" if copied else "encode", why))  # type: ignore[arg-type]
    return streams


def _paced(
    checked: Checked,
    given: dict[str, str | None],
    probes: Sequence[Probe],
    seconds: float | None,
    machine: Machine,
    notes: list[str],
) -> Flags:
    """Threads, and for VP9 and AV1 a bearable speed, where the caller left them open."""
    made = checked.format
    codec = given.get("-c:v") or given.get("-c") or _usual(made)
    picture: Video | None = next((each for found in probes if (each := moving(found))), None)
    if picture is None or "-vn" in given or made.kind != "video":
        return []
    chosen: Flags = []
    if codec == "libvpx-vp9" and not {"-deadline", "-quality", "-cpu-used", "-speed"} & set(given):
        settings = (("-c:v", codec), ("-deadline", "good"), ("-cpu-used", "4"))
        chosen = [f for f in paced(settings, picture, seconds, machine, notes) if f[0] != "-c:v"]
        chosen += [] if "-row-mt" in given else [("-row-mt", "1")]
    elif codec == "libsvtav1" and "-preset" not in given:
        chosen = [("-preset", "8" if machine.seconds_left > 300 else "10")]
    elif codec == "libaom-av1" and "-cpu-used" not in given:
        chosen = [("-cpu-used", "6"), ("-row-mt", "1")]
    if chosen:
        notes.append(f"{codec} was given {' '.join(f'{k} {v}' for k, v in chosen)}.")
    return [flag for flag in chosen if flag[0] not in given]


def _usual(made: Format) -> str | None:
    """The encoder that ffmpeg takes for a format when none is named."""
    return dict(made.video.get("medium", ())).get("-c:v")


def _expected(given: dict[str, str | None], each: Sequence[float]) -> float | None:
    if given.get("-frames:v") == "1":
        return 0.0
    return span(given, max(each, default=0.0) or None)


def _raw_rate(given: dict[str, str | None], probes: Sequence[Probe]) -> float:
    if given.get("-r"):
        return values.frames_per_second(given["-r"] or "0")
    return next((picture.fps for found in probes if (picture := moving(found))), 0.0)


def _maps(checked: Checked, made: Format, probes: Sequence[Probe]) -> Flags:
    """-map for what the graph leaves open, and the sound when just one input has any."""
    outputs = graph.open_outputs(checked.graph)
    if not outputs:  # an unlabelled end is mapped by ffmpeg itself
        return []
    maps: Flags = [("-map", f"[{label}]") for label in outputs]
    sounding = [number for number, found in enumerate(probes) if found.audio]
    if len(sounding) == 1 and made.kind == "video" and not _makes_sound(checked.graph):
        maps.append(("-map", f"{sounding[0]}:a:0"))
    return maps


def _makes_sound(tree: graph.Graph) -> bool:
    """Whether a filter of the graph gives sound."""
    return any(
        "A" in tables.filters()[each.name].outputs or ("a", "1") in each.options
        for chain in tree
        for each in chain
    )


def _kind_of(tree: graph.Graph, label: str) -> str:
    """v or a: what a label of the graph carries."""
    for chain in tree:
        for each in chain:
            if label in each.outputs:
                if each.name == "concat":
                    given = dict(each.options)
                    pictures = int(given.get("v", "1"))
                    return "v" if each.outputs.index(label) % (
                        pictures + int(given.get("a", "0"))
                    ) < pictures else "a"  # fmt: skip
                outputs = tables.filters()[each.name].outputs
                if outputs == "N":
                    return "a" if each.name in ("asplit", "channelsplit", "acrossover") else "v"
                at = each.outputs.index(label)
                return outputs[min(at, len(outputs) - 1)].lower() if outputs else "v"
    return "v"


def _draws_text(checked: Checked) -> bool:
    trees = [checked.graph, *(
        graph.parse(value or "") for flag, value in checked.output if flag in ("-vf", "-af")
    )]  # fmt: skip
    return bool(checked.remotes) or any(
        each.name in TEXT_FILTERS for tree in trees for chain in tree for each in chain
    )
