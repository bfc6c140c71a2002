"""@trim: a part of the input."""

from __future__ import annotations

from lib.media.model import Flags
from lib.media.plan.draft import Draft, change
from lib.media.request import virtual


def trim(draft: Draft, option: virtual.Trim) -> Draft:
    """Cut with flags: before a single input, which reads nothing before the start."""
    start = virtual.moment(option.start)
    duration = virtual.moment(option.duration) if option.duration is not None else None
    if option.end is not None:
        duration = virtual.moment(option.end) - start
    flags: Flags = [("-t", f"{duration:g}")] if duration is not None else []
    flags += [("-ss", f"{start:g}")] if start else []
    left = max(0.0, draft.seconds - start) if draft.seconds is not None else None
    known = [seconds for seconds in (left, duration) if seconds is not None]
    draft = change(draft, seconds=min(known, default=None))
    if len(draft.probes) == 1 and "-ss" not in dict(draft.inputs[0]):
        return change(draft, inputs=[[*flags, *draft.inputs[0]]])
    return change(draft, own=[*flags, *draft.own])
