"""What the output file needs: a single frame for an image, and an index in front."""

from __future__ import annotations

from lib.media.formats import animated, single
from lib.media.model import Flags
from lib.media.plan.draft import Draft, change


def container(draft: Draft) -> Draft:
    """One frame for an image; the index first for players that read while they load."""
    options = draft.options
    flags: Flags = []
    if is_still(draft) and "-frames:v" not in options:
        flags.append(("-frames:v", "1"))
    if draft.format.name in ("mp4", "mov", "m4a") and "-movflags" not in options:
        flags.append(("-movflags", "+faststart"))
    return change(draft, container=flags)


def is_still(draft: Draft) -> bool:
    """Whether the output is one image."""
    return single(draft.format) and not animated(draft.format, draft.checked.output)
