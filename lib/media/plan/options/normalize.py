"""@normalize: loudness by EBU R 128."""

from __future__ import annotations

from lib.media.plan.draft import Draft, filter_audio
from lib.media.request import graph, virtual


def normalize(draft: Draft, option: virtual.Normalize) -> Draft:
    """Send the audio through ffmpeg's loudnorm."""
    if not draft.audio:
        return draft
    loudness = f"loudnorm=I={option.target:g}:TP={option.peak:g}:LRA={option.range:g}"
    return filter_audio(draft, graph.parse(f"{loudness},aresample=48000"))
