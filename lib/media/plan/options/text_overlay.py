"""@text-overlay: text over the video."""

from __future__ import annotations

from lib.media import fonts
from lib.media.plan import text
from lib.media.plan.draft import Draft, add_text, overlay
from lib.media.plan.options.fade import fade
from lib.media.plan.text import Line, Look
from lib.media.request import graph, virtual

EMS_PER_LETTER = 0.55
"""The average width of a letter of a Latin font."""


def text_overlay(draft: Draft, option: virtual.TextOverlay) -> Draft:
    """Draw the text first, then lay it over the video."""
    style = option.style
    size = round(style.font_size)
    border = round(style.box_border_w)
    lines = [
        Line(words, size, style.font_color, style.bold, style.italic)
        for words in text.wrap(option.text, _letters_per_line(option, size))
    ]
    align = style.align or ("center" if style.x is None else "left")
    look = Look(
        fonts.resolve(style.font), align, round(style.line_spacing), style.outline_thickness,
        style.outline_color,
    )  # fmt: skip
    # Text is drawn opaque and fades as it is laid over, so its box is drawn denser.
    opacity = max(0.01, text.opacity(style.font_color))
    box = style.box_color
    if opacity < 1:
        box = f"{box.partition('@')[0]}@{min(1.0, text.opacity(box) / opacity):.3f}"
    drawn = text.lay_out(lines, look, border=border, box=box if border else "")
    draft, source = add_text(draft, drawn)
    x, y = _place(style, border)
    return overlay(
        draft, graph.parse(f"format=rgba{fade(opacity)}"), source, text.placed(x, border, size),
        text.placed(y, border, size), _display_time(style),
    )  # fmt: skip


def _letters_per_line(option: virtual.TextOverlay, size: int) -> int | None:
    """Where lines are wrapped: by letters, or by a width in pixels."""
    style = option.style
    if style.chars_per_line is not None or style.text_width is None:
        return style.chars_per_line
    wide = fonts.script(option.text) in (fonts.CJK, fonts.JAPANESE, fonts.KOREAN)
    return max(5, round(style.text_width / (size * (1 if wide else EMS_PER_LETTER))))


def _display_time(style: virtual.TextStyle) -> str:
    """The expression that says when the text is shown; empty for always."""
    if style.start is None and style.end is None:
        return ""
    return f"between(t,{style.start or 0:g},{style.end if style.end is not None else 1e9:g})"


def _place(style: virtual.TextStyle, border: int) -> tuple[str, str]:
    """x and y as drawtext's expressions: as given, else by the name of the position."""
    name = virtual.place(style.position or "center")
    horizontal, vertical = virtual.PLACES.get(name, ("c", "m"))
    edge = round(style.margin) + border
    across = {"l": f"{edge}", "c": "(w-text_w)/2", "r": f"w-text_w-{edge}"}[horizontal]
    down = {"t": f"{edge}", "m": "(h-text_h)/2", "b": f"h-text_h-{edge}"}[vertical]
    return (
        across if style.x is None else _expression(style.x),
        down if style.y is None else _expression(style.y),
    )


def _expression(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
