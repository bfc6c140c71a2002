"""@subtitles: subtitles burned into the video."""

from __future__ import annotations

from lib.media import fonts
from lib.media.plan import text
from lib.media.plan.draft import Draft, filter_video
from lib.media.request import graph, values, virtual

ALIGNMENTS = {"bottom": "2", "top": "6", "center": "10"}
"""Overrides take the numbers of the old SSA, not those of ASS."""


def subtitles(draft: Draft, option: virtual.Subtitles) -> Draft:
    """Send the video through ffmpeg's subtitles filter, with our copy of the file."""
    remotes = draft.checked.remotes
    name = next(remote.name for remote in remotes if remote.requested_url == option.url)
    options: list[tuple[str | None, str]] = [("filename", name)]
    overrides = _overrides(option.style)
    if overrides:
        style = values.STYLE.parse(",".join(f"{key}={value}" for key, value in overrides.items()))
        options.append(("force_style", style))
    return filter_video(draft, ((graph.Filter("subtitles", tuple(options)),),))


def _overrides(style: virtual.SubtitleStyle) -> dict[str, str]:
    """The fields of an ASS style that the caller sets."""
    box: dict[str, str | None] = {}
    if style.box:
        # libass' own style 4: one box behind all lines, as far around them as the shadow is long.
        color = text.ass_color(style.box_color)
        box = {"BorderStyle": "4", "BackColour": color, "Shadow": "4"}
    outline = None if style.outline is None else f"{style.outline:g}"
    fields: dict[str, str | None] = {
        "FontName": fonts.resolve(style.font).name if style.font else None,
        "FontSize": f"{style.font_size:g}" if style.font_size else None,
        "PrimaryColour": _color(style.font_color),
        "OutlineColour": _color(style.outline_color),
        "Outline": outline,
        **box,
        "Bold": None if style.bold is None else str(int(style.bold)),
        "Alignment": ALIGNMENTS[style.position] if style.position else None,
        "MarginV": None if style.margin is None else f"{style.margin:g}",
    }
    if style.box:
        del fields["Outline"]
        fields = {"Outline": outline or "0", **fields}
    return {key: value for key, value in fields.items() if value is not None}


def _color(color: str | None) -> str | None:
    return text.ass_color(color) if color else None
