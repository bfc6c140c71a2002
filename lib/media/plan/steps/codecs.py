"""Copy or encode: what happens to each stream, and why."""

from __future__ import annotations

from typing import Literal

from lib.media.model import Audio, Flags, Video, moving
from lib.media.plan import preset, stream_copy
from lib.media.plan.draft import Draft, change
from lib.media.plan.model import Stream
from lib.media.plan.steps.filters import visible
from lib.media.request import tables, virtual
from lib.media.request.models import Checked

REQUESTED = "The options say so."
_TIMED = frozenset({"ss", "t", "to", "frames:v", "frames:a", "copyts", "start_at_zero", "shortest"})
_NEUTRAL = frozenset({"metadata", "disposition", "strict", "threads", "tag", "bsf", "an", "vn"})
_NARROW = frozenset({"mono", "stereo", ""})


def codecs(draft: Draft) -> Draft:
    """Choose a copy or an encoder for each stream that the caller's options leave open."""
    match draft.kind:
        case "options":
            return _copied(draft)
        case "virtual":
            return _encoded(_copied(draft))
        case "graph":
            video = preset.video_codec(draft.checked) if draft.format.kind != "audio" else ()
            return change(
                draft,
                video_codec=list(video),
                audio_codec=list(preset.audio_codec(draft.checked)),
            )
        case "plain":
            return _joined(draft) if draft.adds_up else _single(draft)


def _joined(draft: Draft) -> Draft:
    """Joined inputs are encoded, unless their packets follow each other."""
    if draft.joined:
        return draft
    kinds = {stream.kind for stream in draft.streams}
    return change(
        draft,
        video_codec=list(preset.video_codec(draft.checked)) if "video" in kinds else [],
        audio_codec=list(preset.audio_codec(draft.checked)) if "audio" in kinds else [],
    )


def _single(draft: Draft) -> Draft:
    """One input by a preset or the defaults: streams that fit are copied."""
    checked, probe, name = draft.checked, draft.probes[0], draft.format.name
    video = visible(draft)
    video_codec: Flags = []
    audio_codec: Flags = []
    streams: list[Stream] = []
    if video and stream_copy.keeps_video(checked, video, probe):
        video_codec = [("-c:v", "copy"), *stream_copy.tag(video, draft.format)]
        streams.append(Stream("video", "copy", f"{video.codec} fits {name} as it is."))
    elif video:
        video_codec = list(preset.video_codec(checked))
        streams.append(Stream("video", "encode", _why_video(checked, video)))
    if draft.audio and probe.audio and stream_copy.keeps_audio(checked, probe):
        audio_codec = [("-c:a", "copy")]
        streams.append(Stream("audio", "copy", f"{probe.audio.codec} fits {name} as it is."))
    elif draft.audio and probe.audio:
        audio_codec = [*preset.audio_codec(checked), *_layout(draft, probe.audio)]
        streams.append(Stream("audio", "encode", _why_audio(checked, probe.audio)))
    return change(draft, video_codec=video_codec, audio_codec=audio_codec, streams=tuple(streams))


def _why_video(checked: Checked, video: Video) -> str:
    file_format = checked.format
    if checked.inputs[0]:
        return "The input's options cut or shift it."
    if not stream_copy.keeps_rotation(video, file_format):
        return f"It is turned, which {file_format.name} can't state."
    if not stream_copy.video_fits(video, file_format):
        return f"{video.codec} {video.pixel_format} does not fit {file_format.name} as it is."
    return "The preset asks for a quality or a size."


def _why_audio(checked: Checked, audio: Audio) -> str:
    if checked.inputs[0]:
        return "The input's options cut or shift it."
    if not stream_copy.audio_fits(audio, checked.format):
        return f"{audio.codec} does not fit {checked.format.name} as it is."
    return "The preset asks for a quality."


def _layout(draft: Draft, audio: Audio) -> Flags:
    """Surround sound as 5.1, for encoders that take only a few of the many layouts."""
    if audio.channels in _NARROW or draft.format.name in ("wav", "flac"):
        return []
    return [("-af", "aformat=channel_layouts=stereo|5.1")]


def _copied(draft: Draft) -> Draft:
    """Copy the streams that no option changes and that the container takes."""
    if not _may_copy(draft):
        return draft
    probe, file_format = draft.probes[0], draft.format
    options, changes = draft.options, _changes(draft)
    video = moving(probe)
    streams: list[Stream] = []
    if video and file_format.kind == "video" and "-vn" not in options:
        fits = stream_copy.video_fits(video, file_format) and not probe.still
        action, why = _choice(draft, "video", video.codec, fits, changes)
        streams.append(Stream("video", action, why))
    if probe.audio and file_format.kind != "image" and "-an" not in options:
        fits = stream_copy.audio_fits(probe.audio, file_format)
        action, why = _choice(draft, "audio", probe.audio.codec, fits, changes)
        streams.append(Stream("audio", action, why))
    copies: Flags = []
    for stream in streams:
        if stream.action == "copy" and stream.why != REQUESTED:
            copies.append((f"-c:{stream.kind[0]}", "copy"))
            copies += (
                stream_copy.tag(video, file_format) if stream.kind == "video" and video else []
            )
    return change(draft, streams=tuple(streams), copies=copies)


def _choice(
    draft: Draft, kind: Literal["video", "audio"], codec: str, fits: bool, changes: str
) -> tuple[Literal["copy", "encode"], str]:
    """Whether a stream is copied, and the reason."""
    letter = kind[0]
    if draft.options.get(f"-c:{letter}") == "copy":
        return "copy", REQUESTED
    if letter in changes:
        return "encode", f"The options change the {'picture' if kind == 'video' else 'sound'}."
    if fits:
        return "copy", f"No option changes it, and {codec} fits {draft.format.name}."
    return "encode", f"{codec} does not fit {draft.format.name} as it is."


def _bases(checked: Checked) -> set[str]:
    """The caller's flags by the names of the allow-list."""
    return {flag.base for each, _ in checked.output if (flag := tables.find(each, output=True))}


def _may_copy(draft: Draft) -> bool:
    """Whether one input reaches the output with no cut and no choice of streams."""
    checked = draft.checked
    if len(draft.probes) != 1 or checked.graph or not checked.may_copy:
        return False
    if any(isinstance(each, virtual.Trim) for each in checked.virtual):
        return False
    bases = _bases(checked)
    chooses = any(
        base.startswith("map") and base not in ("map_metadata", "map_chapters") for base in bases
    )
    return not (bases & _TIMED or checked.inputs[0] or "-c" in draft.options or chooses)


def _changes(draft: Draft) -> str:
    """Which streams the options change: v, a, both or neither."""
    checked = draft.checked
    bases = _bases(checked)
    speeds = any(isinstance(each, virtual.Speed) for each in checked.virtual)
    loudness = any(isinstance(each, virtual.Normalize) for each in checked.virtual)
    draws = any(not isinstance(each, virtual.Normalize) for each in checked.virtual)
    video = speeds or draws or any(_about(base, "v") for base in bases)
    audio = speeds or loudness or any(_about(base, "a") for base in bases)
    return ("v" if video else "") + ("a" if audio else "")


def _about(base: str, letter: str) -> bool:
    """Whether a flag changes the video (v) or the audio (a)."""
    name, _, kind = base.partition(":")
    if name in _NEUTRAL:
        return False
    if kind:
        return kind == letter
    streams = tables.flags_of(output=True)[name].streams if name != "async" else "a"
    return letter in (streams if name not in ("vsync", "sws_flags") else "v")


def _encoded(draft: Draft) -> Draft:
    """Our encoders for the streams of virtual options that have no codec yet."""
    options, file_format = draft.options, draft.format
    copies = {stream.kind for stream in draft.streams if stream.action == "copy"}
    visible = draft.video and file_format.kind != "audio" and not {"-c:v", "-c"} & set(options)
    audible = draft.audio and file_format.kind != "image"
    audible = audible and not {"-an", "-c:a", "-c"} & set(options)
    video_codec: Flags = []
    audio_codec: Flags = []
    if visible and "video" not in copies:
        video_codec = [flag for flag in preset.video_codec(draft.checked) if flag[0] not in options]
    if audible and "audio" not in copies:
        audio_codec = [flag for flag in preset.audio_codec(draft.checked) if flag[0] not in options]
    return change(draft, video_codec=video_codec, audio_codec=audio_codec)


def requested_streams(options: dict[str, str | None], draft: Draft) -> list[Stream]:
    """What the options of the output say of its streams."""
    streams: list[Stream] = []
    kinds: list[tuple[Literal["video", "audio"], bool]] = [
        ("video", draft.format.kind != "audio" and any(each.video for each in draft.probes)),
        ("audio", draft.format.kind != "image" and any(each.audio for each in draft.probes)),
    ]
    for kind, present in kinds:
        if not present or f"-{kind[0]}n" in options:
            continue
        codec = options.get(f"-c:{kind[0]}") or options.get("-c")
        why = REQUESTED if codec else "The options don't name a codec."
        streams.append(Stream(kind, "copy" if codec == "copy" else "encode", why))
    return streams
