"""@quote-card: a quotation in the middle of the darkened video."""

from __future__ import annotations

from lib.media import fonts
from lib.media.plan import text
from lib.media.plan.draft import Draft, add_text, filter_video, overlay
from lib.media.plan.text import Line, Look
from lib.media.request import graph, virtual


def quote_card(draft: Draft, option: virtual.QuoteCard) -> Draft:
    """Darken the video, then lay the quotation and its author over it."""
    style = option.style
    look = Look(
        fonts.resolve(style.font), "center", round(round(style.font_size) * 0.1), 0, "black"
    )
    drawn = text.lay_out(_lines(option), look, border=0, box="")
    darken = graph.Filter("drawbox", (("color", style.background), ("thickness", "fill")))
    draft, source = add_text(filter_video(draft, ((darken,),)), drawn)
    return overlay(
        draft, graph.parse("format=rgba"), source, "(main_w-overlay_w)/2", "(main_h-overlay_h)/2"
    )


def _lines(option: virtual.QuoteCard) -> list[Line]:
    """The quotation in quotation marks, and below it who said it."""
    style = option.style
    size = round(style.font_size)
    # Only fonts without a script of their own have an italic.
    italic = fonts.script(option.quote) is None
    lines = [
        Line(words, size, style.font_color, italic=italic)
        for words in text.wrap(f"\u201c{option.quote}\u201d", style.chars_per_line)
    ]
    author = "  ".join(filter(None, (option.name, option.handle)))
    if author:
        small = max(12, size // 2)
        lines += [
            Line("", small, style.font_color),
            Line(f"\u2014 {author}", small, style.font_color, bold=True),
        ]
    return lines
