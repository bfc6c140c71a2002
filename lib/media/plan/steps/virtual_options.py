"""Virtual options, in the order in which the caller sent them."""

from __future__ import annotations

from lib.media.errors import MediaError
from lib.media.plan.draft import Draft, change, filter_video
from lib.media.plan.lengths import output_rate, output_seconds
from lib.media.plan.options import STEPS
from lib.media.plan.options.trim import trim
from lib.media.plan.preset import palette, require
from lib.media.request import graph, virtual


def virtual_options(draft: Draft) -> Draft:
    """Apply each virtual option; the cut of a @trim comes first, whatever its place.

    Raises MediaError for files without the video or audio that the option needs.
    """
    if draft.kind != "virtual":
        return draft
    options = draft.checked.virtual
    drawn = virtual.needs_picture(options)
    if drawn and not draft.video:
        raise MediaError(
            "validation",
            f"The input has no picture, so {drawn} has nothing to draw on. Send a video or an"
            " image.",
        )
    require(draft.format, bool(draft.video), bool(draft.audio))
    for option in options:
        if isinstance(option, virtual.Trim):
            draft = trim(draft, option)
    for option in options:
        if not isinstance(option, virtual.Trim):
            draft = STEPS[type(option)](draft, option)
    if draft.format.name == "gif" and draft.video and draft.chains:
        draft = filter_video(draft, graph.parse(palette()))
    return _ends(draft)


def _ends(draft: Draft) -> Draft:
    """Map what the graph ends in, and state the length and rate of the output."""
    kind = draft.format.kind
    return change(
        draft,
        filters=[("-filter_complex", graph.show(draft.chains))] if draft.chains else [],
        maps=[
            *([("-map", draft.video)] if draft.video and kind != "audio" else []),
            *([("-map", draft.audio)] if draft.audio and kind != "image" else []),
            *draft.maps,
        ],
        expected=output_seconds(draft.options, [draft.seconds or 0.0]),
        rate=output_rate(draft.options, draft.probes),
    )
