"""@watermark: an image over the video."""

from __future__ import annotations

from collections.abc import Sequence

from lib.media.model import Probe
from lib.media.plan.draft import Draft, add_input, overlay
from lib.media.plan.lengths import first_video
from lib.media.plan.model import Extra
from lib.media.plan.options.fade import fade
from lib.media.request import graph, virtual


def watermark(draft: Draft, option: virtual.Watermark) -> Draft:
    """Lay an input, or an image by URL, over the video."""
    source = f"{option.input}:v:0"
    if option.url is not None:
        remotes = draft.checked.remotes
        name = next(remote.name for remote in remotes if remote.requested_url == option.url)
        draft, source = add_input(draft, Extra(name, (("-err_detect", "explode"),)))
    share = virtual.SIZES[option.size] if isinstance(option.size, str) else option.size
    horizontal, vertical = virtual.PLACES[option.position]
    margin = round(option.margin)
    x = {"l": f"{margin}", "c": "(main_w-overlay_w)/2", "r": f"main_w-overlay_w-{margin}"}
    y = {"t": f"{margin}", "m": "(main_h-overlay_h)/2", "b": f"main_h-overlay_h-{margin}"}
    width = _shown_width(draft.probes)
    scale = f"scale={max(2, round(width * share))}:-1" if width else "null"
    tree = graph.parse(f"format=rgba,{scale}{fade(option.opacity)}")
    return overlay(draft, tree, source, x[horizontal], y[vertical])


def _shown_width(probes: Sequence[Probe]) -> int:
    """The width of the first video as displayed; later filters may change it."""
    video = first_video(probes)
    if video is None:
        return 0
    return video.height if video.rotation in (90, 270) else video.width
