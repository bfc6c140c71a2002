"""Seek and limit by the caller's own options: -ss before the input, -t beside -shortest."""

from __future__ import annotations

from lib.media.model import Flags, moving
from lib.media.plan.draft import Draft, change, with_note
from lib.media.request import values


def seek(draft: Draft) -> Draft:
    """-ss before the input: the same frames, without decoding everything before them.

    Skipped where something else depends on the input's timestamps: filters, copied audio, another
    seek. Of a copied video ffmpeg would drop everything up to the next key frame, and all of a
    short clip; before the input, it starts at the previous key frame, and players skip to the
    right moment.
    """
    if draft.kind != "options" or draft.checked.graph or len(draft.probes) != 1:
        return draft
    copied = _copies_video(draft)
    if _depends_on_time(draft, copied):
        return draft
    options = draft.options
    start = values.seconds(options["-ss"] or "0")
    own: Flags = []
    for flag, value in draft.own:
        if flag == "-to":
            own.append(("-t", f"{max(0.0, values.seconds(value or '0') - start):g}"))
        elif flag != "-ss":
            own.append((flag, value))
    draft = change(draft, own=own)
    if not start:
        return draft
    inputs = [[("-ss", options["-ss"]), *draft.inputs[0]], *draft.inputs[1:]]
    return with_note(change(draft, inputs=inputs), _SOUGHT_KEY_FRAME if copied else _SOUGHT)


_SOUGHT = "-ss was moved before the input: the same frames, without decoding the rest."
_SOUGHT_KEY_FRAME = "-ss was moved before the input, so that the copy begins with a key frame."


def _copies_video(draft: Draft) -> bool:
    options = draft.options
    copies = "copy" in (options.get("-c"), options.get("-c:v"))
    has_video = draft.format.kind == "video" and "-vn" not in options
    return copies and has_video and moving(draft.probes[0]) is not None


def _depends_on_time(draft: Draft, copied: bool) -> bool:
    """Whether -ss must stay where it is."""
    options = draft.options
    copies = any(flag.startswith("-c") and value == "copy" for flag, value in draft.own)
    return bool(
        "-ss" not in options
        or draft.probes[0].still
        or draft.checked.inputs[0]
        or draft.checked.remotes
        or {"-vf", "-af", "-copyts", "-force_key_frames"} & set(options)
        or (copies and not copied)
    )


def until_shortest(draft: Draft) -> Draft:
    """-t beside -shortest where one input repeats forever: the length of the other one.

    ffmpeg notices the end of a stream late, by more than a second at times, and runs on.
    """
    options = draft.options
    stops = {"-t", "-to", "-frames:v", "-af"} & set(options)
    if draft.kind != "options" or draft.checked.graph or stops or "-shortest" not in options:
        return draft
    endless = [
        ("-stream_loop", "-1") in flags or ("-loop", "1") in flags for flags in draft.checked.inputs
    ]
    if sorted(endless) != [False, True]:
        return draft
    repeated = draft.probes[endless.index(True)]
    other = draft.probes[endless.index(False)]
    if draft.checked.inputs[endless.index(False)] or other.estimated or not other.duration:
        return draft
    maps = {(value or "").partition(":")[0] for flag, value in draft.own if flag == "-map"}
    # Without -map it must be certain which streams ffmpeg takes, and filters may stretch the video.
    certain = other.video is None and (maps or repeated.audio is None)
    if not certain and (maps != {"0", "1"} or "-vf" in options):
        return draft
    return change(draft, own=[*draft.own, ("-t", f"{other.duration:g}")])
