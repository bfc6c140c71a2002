"""Virtual options as filters: each takes the picture and the sound so far, and gives the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from lib.media import fonts, graph, text, values, virtual
from lib.media.plan import Extra, moving
from lib.media.presets import palette
from lib.media.probe import Probe
from lib.media.request import Checked, Flags
from lib.media.text import Line, Look, Text

LABEL = "ffm"
CELL_WIDTH = 320
"""Of a picture on a contact sheet."""
SUBTITLE_SIZE = "384x288"
PLACES: dict[str, tuple[str, str]] = {
    "top-left": ("l", "t"), "top": ("c", "t"), "top-center": ("c", "t"), "top-right": ("r", "t"),
    "left": ("l", "m"), "center-left": ("l", "m"), "center": ("c", "m"), "middle": ("c", "m"),
    "center-right": ("r", "m"), "right": ("r", "m"),
    "bottom-left": ("l", "b"), "bottom": ("c", "b"), "bottom-center": ("c", "b"),
    "bottom-right": ("r", "b"),
}  # fmt: skip


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
        options = [("x", x), ("y", y)] + ([("enable", enable)] if enable else [])
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
                _speed(base, made)
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
        per_line = max(5, round(style.text_width / (size * 0.55)))
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
    drawn = text.lay_out(lines, look, border=border, box=style.box_color if border else "")
    shown = ""
    if style.start is not None or style.end is not None:
        shown = f"between(t,{style.start or 0:g},{style.end if style.end is not None else 1e9:g})"
    source = _words(base, drawn, count)
    base.over(
        graph.parse("format=rgba"), source, text.placed(x, border, size),
        text.placed(y, border, size), shown,
    )  # fmt: skip


def _place(style: virtual.TextStyle, border: int) -> tuple[str, str]:
    """x and y as drawtext's expressions: what is given, else by the position's name."""
    horizontal, vertical = PLACES.get(
        (style.position or "center").lower().replace("_", "-").replace(" ", "-"), ("c", "m")
    )
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
    lines = [
        Line(words, size, style.font_color, italic=True)
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
    horizontal, vertical = PLACES[made.position]
    margin = round(made.margin)
    x = {"l": f"{margin}", "c": "(main_w-overlay_w)/2", "r": f"main_w-overlay_w-{margin}"}
    y = {"t": f"{margin}", "m": "(main_h-overlay_h)/2", "b": f"main_h-overlay_h-{margin}"}
    width = _known_width(probes)
    scale = f"scale={max(2, round(width * share))}:-1" if width else "null"
    fade = f",colorchannelmixer=aa={made.opacity:g}" if made.opacity < 1 else ""
    base.over(graph.parse(f"format=rgba,{scale}{fade}"), source, x[horizontal], y[vertical])


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
    step = (base.seconds or made.count) / made.count
    base.filter_picture(
        graph.parse(
            f"fps={1 / step:.6f}:start_time=0:round=down,scale={made.width or CELL_WIDTH}:-2,"
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
        overrides |= {"BorderStyle": "3", "OutlineColour": text.ass_colour(style.box_color)}
    if style.bold is not None:
        overrides["Bold"] = str(int(style.bold))
    if style.position:
        overrides["Alignment"] = {"bottom": "2", "center": "5", "top": "8"}[style.position]
    if style.margin is not None:
        overrides["MarginV"] = f"{style.margin:g}"
    options: list[tuple[str | None, str]] = [("filename", name)]
    if overrides:
        written = values.STYLE.parse(",".join(f"{k}={v}" for k, v in overrides.items()))
        options.append(("force_style", written))
    base.filter_picture(((graph.Filter("subtitles", tuple(options)),),))


def _speed(base: Composition, made: virtual.Speed) -> None:
    if base.picture:
        base.filter_picture(graph.parse(f"setpts=PTS/{made.factor:g}"))
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
