"""@speed: faster or slower, the pitch kept."""

from __future__ import annotations

from lib.media.plan.draft import Draft, change, filter_audio, filter_video
from lib.media.plan.lengths import first_video
from lib.media.request import graph, virtual

SLOWEST_STEP = 0.5
"""The least that one atempo filter takes."""


def speed(draft: Draft, option: virtual.Speed) -> Draft:
    """Change the timestamps of the video and the tempo of the audio."""
    if draft.video:
        video = first_video(draft.probes)
        rate = video.fps if video else 0.0
        # Faster, frames must go; else they would be pushed on until the video outlasts the audio.
        thinned = f",fps={rate:g}" if option.factor > 1 and rate else ""
        draft = filter_video(draft, graph.parse(f"setpts=PTS/{option.factor:g}{thinned}"))
    if draft.audio:
        steps: list[str] = []
        left = option.factor
        while left < SLOWEST_STEP:
            steps.append(f"atempo={SLOWEST_STEP:g}")
            left /= SLOWEST_STEP
        draft = filter_audio(draft, graph.parse(",".join([*steps, f"atempo={left:g}"])))
    if draft.seconds is None:
        return draft
    return change(draft, seconds=draft.seconds / option.factor)
