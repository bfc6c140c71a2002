"""Virtual options as filters: each takes the picture and the sound so far, and gives the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from lib.media import fonts
from lib.media.plan import text
from lib.media.plan.model import Extra, moving
from lib.media.plan.presets import palette
from lib.media.plan.text import Line, Look, Text
from lib.media.request import graph, values, virtual
from lib.media.request.check import Checked, Flags
from lib.media.run.probe import Probe

LABEL = "ffm"
CELL_WIDTH = 320
"""Of a picture on a contact sheet."""
ALIGNMENTS = {"bottom": "2", "top": "6", "center": "10"}
"""Overrides take the numbers of the old SSA, not those of ASS."""


class Composition(msgspec.Struct):
    """A graph under construction: where its picture and its sound come out."""

    extras: list[Extra]
    texts: dict[str, Text]
    maps: Flags
    seconds: float | None
    picture: str = ""
    """A label in brackets, or a stream such as 0:v:0; empty for none."""
    sound: str = ""
    chains: list[tuple[graph.Filter, ...]] = []
    made: int = 0

    @property
    def shown(self) -> str:
        """The graph as ffmpeg is told it; empty while no filter is needed."""
        return graph.show(tuple(self.chains)) if self.chains else ""

    def label(self) -> str:
        """A label that is not in the graph."""
        taken = graph.labels(tuple(self.chains))
        while (name := f"{LABEL}{self.made}") in taken:
            self.made += 1
        self.made += 1
        return name

    def filter_picture(self, tree: graph.Graph) -> None:
        """Send the picture through a graph with one way in and one way out."""
        end = self.label()
        self.chains += graph.joined(tree, self.picture.strip("[]"), end)
        self.picture = f"[{end}]"

    def filter_sound(self, tree: graph.Graph) -> None:
        """Send the sound through a graph with one way in and one way out."""
        end = self.label()
        self.chains += graph.joined(tree, self.sound.strip("[]"), end)
        self.sound = f"[{end}]"

    def over(self, tree: graph.Graph, source: str, x: str, y: str, enable: str = "") -> None:
        """Lay another picture, from `source` and prepared by `tree`, over this one."""
        prepared, end = self.label(), self.label()
        self.chains += graph.joined(tree, source, prepared)
        # As the picture is coded: stills keep their full colours, and deep ones their depth.
        options = [("x", x), ("y", y), ("format", "auto")]
        options += [("enable", enable)] if enable else []
        self.chains.append(
            (graph.Filter("overlay", tuple(options), (self.picture.strip("[]"), prepared), (end,)),)
        )
        self.picture = f"[{end}]"


def compose(
    base: Composition, checked: Checked, probes: Sequence[Probe], seconds: float | None
) -> Composition:
    """The virtual options of a request, in their order, on top of `base`."""
    base.seconds = seconds
    for made in checked.virtual:
        match made:
            case virtual.TextOverlay():
                _text(base, made, len(probes))
            case virtual.QuoteCard():
                _card(base, made, len(probes))
            case virtual.Watermark():
                _watermark(base, made, checked, probes)
            case virtual.Thumbnail():
                _thumbnail(base, made)
            case virtual.Subtitles():
                _subtitles(base, made, checked)
            case virtual.Speed():
                _speed(base, made, probes)
            case virtual.Normalize():
                _normalize(base, made)
            case virtual.Trim():
                pass  # flags do it
    if checked.format.name == "gif" and base.picture and base.chains:
        base.filter_picture(graph.parse(palette()))
    return base


def _words(base: Composition, made: Text, count: int) -> str:
    """A picture of words as one more input; the stream it is read as."""
    name = f"text{len(base.texts)}.png"
    base.texts[name] = made
    base.extras.append(Extra(name))
    return f"{count + len(base.extras) - 1}:v:0"


def _text(base: Composition, made: virtual.TextOverlay, count: int) -> None:
    style = made.style
    size = round(style.font_size)
    border = round(style.box_border_w)
    per_line = style.chars_per_line
    if per_line is None and style.text_width is not None:
        wide = fonts.script(made.text) in (fonts.CJK, fonts.JAPANESE, fonts.KOREAN)
        per_line = max(5, round(style.text_width / (size * (1 if wide else 0.55))))
    lines = [
        Line(words, size, style.font_color, style.bold, style.italic)
        for words in text.wrap(made.text, per_line)
    ]
    x, y = _place(style, border)
    align = style.align or ("center" if style.x is None else "left")
    look = Look(
        fonts.resolve(style.font), align, round(style.line_spacing), style.outline_thickness,
        style.outline_color,
    )  # fmt: skip
    # Words are drawn opaque and fade as they are laid over, so their box is drawn the denser.
    seen = max(0.01, text.opacity(style.font_color))
    box = style.box_color
    if seen < 1:
        box = f"{box.partition('@')[0]}@{min(1.0, text.opacity(box) / seen):.3f}"
    drawn = text.lay_out(lines, look, border=border, box=box if border else "")
    shown = ""
    if style.start is not None or style.end is not None:
        shown = f"between(t,{style.start or 0:g},{style.end if style.end is not None else 1e9:g})"
    source = _words(base, drawn, count)
    base.over(
        graph.parse(f"format=rgba{_fade(seen)}"), source, text.placed(x, border, size),
        text.placed(y, border, size), shown,
    )  # fmt: skip


def _place(style: virtual.TextStyle, border: int) -> tuple[str, str]:
    """x and y as drawtext's expressions: what is given, else by the position's name."""
    named = virtual.place(style.position or "center")
    horizontal, vertical = virtual.PLACES.get(named, ("c", "m"))
    edge = round(style.margin) + border
    across = {"l": f"{edge}", "c": "(w-text_w)/2", "r": f"w-text_w-{edge}"}[horizontal]
    down = {"t": f"{edge}", "m": "(h-text_h)/2", "b": f"h-text_h-{edge}"}[vertical]
    return (
        across if style.x is None else _expression(style.x),
        down if style.y is None else _expression(style.y),
    )


def _expression(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _card(base: Composition, made: virtual.QuoteCard, count: int) -> None:
    style = made.style
    size = round(style.font_size)
    # Only the scripts of the named families have an italic.
    italic = fonts.script(made.quote) is None
    lines = [
        Line(words, size, style.font_color, italic=italic)
        for words in text.wrap(f"\u201c{made.quote}\u201d", style.chars_per_line)
    ]
    who = "  ".join(filter(None, (made.name, made.handle)))
    if who:
        small = max(12, size // 2)
        lines += [
            Line("", small, style.font_color),
            Line(f"\u2014 {who}", small, style.font_color, bold=True),
        ]
    look = Look(fonts.resolve(style.font), "center", round(size * 0.1), 0, "black")
    drawn = text.lay_out(lines, look, border=0, box="")
    base.filter_picture(
        ((graph.Filter("drawbox", (("color", style.background), ("thickness", "fill"))),),)
    )
    base.over(
        graph.parse("format=rgba"), _words(base, drawn, count), "(main_w-overlay_w)/2",
        "(main_h-overlay_h)/2",
    )  # fmt: skip


def _watermark(
    base: Composition, made: virtual.Watermark, checked: Checked, probes: Sequence[Probe]
) -> None:
    if made.url is not None:
        name = next(each.name for each in checked.remotes if each.given == made.url)
        base.extras.append(Extra(name, (("-err_detect", "explode"),)))
        source = f"{len(probes) + len(base.extras) - 1}:v:0"
    else:
        source = f"{made.input}:v:0"
    share = virtual.SIZES[made.size] if isinstance(made.size, str) else made.size
    horizontal, vertical = virtual.PLACES[made.position]
    margin = round(made.margin)
    x = {"l": f"{margin}", "c": "(main_w-overlay_w)/2", "r": f"main_w-overlay_w-{margin}"}
    y = {"t": f"{margin}", "m": "(main_h-overlay_h)/2", "b": f"main_h-overlay_h-{margin}"}
    width = _known_width(probes)
    scale = f"scale={max(2, round(width * share))}:-1" if width else "null"
    tree = graph.parse(f"format=rgba,{scale}{_fade(made.opacity)}")
    base.over(tree, source, x[horizontal], y[vertical])


def _fade(opacity: float) -> str:
    """The filter that lets through what lies below."""
    return f",colorchannelmixer=aa={opacity:g}" if opacity < 1 else ""


def _known_width(probes: Sequence[Probe]) -> int:
    """The width that the first picture is shown with; later filters may change it."""
    picture = next((each for found in probes if (each := moving(found))), None)
    if picture is None:
        return 0
    return picture.height if picture.rotation in (90, 270) else picture.width


def _thumbnail(base: Composition, made: virtual.Thumbnail) -> None:
    if made.count is None:
        if made.width:
            base.filter_picture(graph.parse(f"scale={made.width}:-2"))
        return
    columns = made.columns or math.ceil(math.sqrt(made.count))
    rows = math.ceil(made.count / columns)
    rate = made.count / (base.seconds or made.count)
    base.filter_picture(
        graph.parse(
            # Times are rounded to the nearest cell, which ends by showing the middle of its span.
            f"fps={rate:.9f}:start_time=0:round=near,scale={made.width or CELL_WIDTH}:-2,"
            f"tile={columns}x{rows}:padding=4:margin=4"
        )
    )


def _subtitles(base: Composition, made: virtual.Subtitles, checked: Checked) -> None:
    name = next(each.name for each in checked.remotes if each.given == made.url)
    style = made.style
    overrides: dict[str, str] = {}
    if style.font:
        overrides["FontName"] = fonts.resolve(style.font).name
    if style.font_size:
        overrides["FontSize"] = f"{style.font_size:g}"
    if style.font_color:
        overrides["PrimaryColour"] = text.ass_colour(style.font_color)
    if style.outline_color:
        overrides["OutlineColour"] = text.ass_colour(style.outline_color)
    if style.outline is not None:
        overrides["Outline"] = f"{style.outline:g}"
    if style.box:
        # libass' own style 4: one box behind all lines, as far around them as the shadow is long.
        box = text.ass_colour(style.box_color)
        overrides = {"Outline": "0"} | overrides
        overrides |= {"BorderStyle": "4", "BackColour": box, "Shadow": "4"}
    if style.bold is not None:
        overrides["Bold"] = str(int(style.bold))
    if style.position:
        overrides["Alignment"] = ALIGNMENTS[style.position]
    if style.margin is not None:
        overrides["MarginV"] = f"{style.margin:g}"
    options: list[tuple[str | None, str]] = [("filename", name)]
    if overrides:
        written = values.STYLE.parse(",".join(f"{k}={v}" for k, v in overrides.items()))
        options.append(("force_style", written))
    base.filter_picture(((graph.Filter("subtitles", tuple(options)),),))


def _speed(base: Composition, made: virtual.Speed, probes: Sequence[Probe]) -> None:
    if base.picture:
        rate = next((each.fps for found in probes if (each := moving(found))), 0.0)
        # Faster, frames must go; else they would be pushed on until the picture outlasts the sound.
        thinned = f",fps={rate:g}" if made.factor > 1 and rate else ""
        base.filter_picture(graph.parse(f"setpts=PTS/{made.factor:g}{thinned}"))
    if base.sound:
        steps: list[str] = []
        left = made.factor
        while left < 0.5:
            steps.append("atempo=0.5")
            left /= 0.5
        base.filter_sound(graph.parse(",".join([*steps, f"atempo={left:g}"])))
    if base.seconds is not None:
        base.seconds /= made.factor


def _normalize(base: Composition, made: virtual.Normalize) -> None:
    if base.sound:
        base.filter_sound(
            graph.parse(
                f"loudnorm=I={made.target:g}:TP={made.peak:g}:LRA={made.range:g},aresample=48000"
            )
        )
