"""@thumbnail: one frame of the video, or a contact sheet of several."""

from __future__ import annotations

import math

from lib.media.model import Probe
from lib.media.plan.draft import Draft, change, filter_video
from lib.media.plan.lengths import output_rate
from lib.media.request import graph, virtual

CELL_WIDTH = 320
"""Width of a frame on a contact sheet."""


def thumbnail(draft: Draft, option: virtual.Thumbnail) -> Draft:
    """Seek to one frame, or tile several into a sheet."""
    if option.count is not None:
        return _sheet(draft, option, option.count)
    draft = _seek(draft, option)
    return filter_video(draft, graph.parse(f"scale={option.width}:-2")) if option.width else draft


def _sheet(draft: Draft, option: virtual.Thumbnail, count: int) -> Draft:
    columns = option.columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    rate = count / (draft.seconds or count)
    return filter_video(
        draft,
        graph.parse(
            # Times are rounded to the nearest cell, which ends up in the middle of its span.
            f"fps={rate:.9f}:start_time=0:round=near,scale={option.width or CELL_WIDTH}:-2,"
            f"tile={columns}x{rows}:padding=4:margin=4"
        ),
    )


def _seek(draft: Draft, option: virtual.Thumbnail) -> Draft:
    """Seek to the frame before anything is read."""
    probe = draft.probes[0]
    if probe.still or "-ss" in dict(draft.inputs[0]):
        return draft
    length = probe.duration or 0.0
    if isinstance(option.at, str) and option.at.endswith("%"):
        moment = length * float(option.at[:-1]) / 100
    else:
        moment = virtual.moment(option.at) if option.at is not None else length / 10
    if length:
        moment = min(moment, max(0.0, length - _last_frame(draft, probe)))
    if not moment:
        return draft
    return change(draft, inputs=[[("-ss", f"{moment:.3f}"), *draft.inputs[0]], *draft.inputs[1:]])


def _last_frame(draft: Draft, probe: Probe) -> float:
    """How many seconds before the end the last frame surely lies."""
    rate = output_rate(draft.options, draft.probes)
    return 2 / (rate or (probe.video.fps if probe.video else 0) or 25)
