"""How each virtual option changes a draft: one file per option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lib.media.plan.draft import Draft
from lib.media.plan.options.normalize import normalize
from lib.media.plan.options.quote_card import quote_card
from lib.media.plan.options.speed import speed
from lib.media.plan.options.subtitles import subtitles
from lib.media.plan.options.text_overlay import text_overlay
from lib.media.plan.options.thumbnail import thumbnail
from lib.media.plan.options.trim import trim
from lib.media.plan.options.watermark import watermark
from lib.media.request import virtual

STEPS: dict[type[virtual.Virtual], Callable[[Draft, Any], Draft]] = {
    virtual.TextOverlay: text_overlay,
    virtual.QuoteCard: quote_card,
    virtual.Watermark: watermark,
    virtual.Thumbnail: thumbnail,
    virtual.Subtitles: subtitles,
    virtual.Trim: trim,
    virtual.Speed: speed,
    virtual.Normalize: normalize,
}
"""The step of each option; it takes the draft and the checked option."""
