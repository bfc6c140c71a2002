"""Words over a picture: laid out as an ASS script, which libass shapes, orders and draws.

libass does what drawtext can't: scripts from right to left, letters that join, and another font
for letters that the named one lacks, all in one line.
"""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

import msgspec

from lib.media import fonts
from lib.media.request import expressions

LINE_HEIGHT = 1.2
"""Of the font size, from a line to the next, before the spacing that is asked for."""
WIDEST = 1.3
"""Ems that the widest letters take, emoji and a bold W among them."""
MAX_CANVAS = 8192
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufe0e\ufe0f\u20e3]")
"""Control characters, and selectors of an emoji's color or key, which none of our fonts has."""


class Line(NamedTuple):
    """A line of words; `size` in pixels an em."""

    words: str
    size: int
    color: str
    bold: bool = False
    italic: bool = False


class Text(msgspec.Struct, frozen=True):
    """A transparent picture of words to be drawn before the job: the script and its canvas."""

    script: str
    width: int
    height: int
    border: int = 0
    """Pixels of box around the words; 0 for no box."""
    box: str = ""


class Look(NamedTuple):
    """What all lines share."""

    family: fonts.Family
    align: str
    """left, center or right, of the lines to each other."""
    spacing: int
    outline: float
    outline_color: str


def lay_out(lines: list[Line], look: Look, *, border: int, box: str) -> Text:
    """The lines as a script, each at its place."""
    whole = "\n".join(line.words for line in lines)
    heights = [round(line.size * LINE_HEIGHT) + look.spacing for line in lines]
    room = 2 * max(line.size for line in lines) + round(look.outline)
    widest = max(_width(line) for line in lines)
    width = min(MAX_CANVAS, widest + 2 * room)
    height = min(MAX_CANVAS, sum(heights) + 2 * room)
    anchor, x = {"left": (7, room), "center": (8, width // 2), "right": (9, width - room)}[
        look.align
    ]
    events: list[str] = []
    y = room
    for line, step in zip(lines, heights, strict=True):
        if line.words.strip() and y < height:
            # Lines hang by the highest of their fonts; what is even is the line they stand on.
            runs = fonts.runs(line.words, whole)
            top = round(y + line.size * (1 - _ascent(runs, look.family)))
            tags = f"{{\\an{anchor}\\pos({x},{top})\\b{int(line.bold)}\\i{int(line.italic)}"
            tags += f"\\c{_opaque(line.color)}}}"
            events.append(
                "Dialogue: 0,0:00:00.00,9:59:59.00,D,,0,0,0,,"
                f"{tags}{_body(runs, line.size, look.family)}"
            )
        y += step
    return Text(_HEAD.format(
        width=width, height=height, family=look.family.name, outline=f"{look.outline:g}",
        outline_color=_opaque(look.outline_color),
    ) + "\n".join(events) + "\n", width, height, border, box)  # fmt: skip


def wrap(text: str, per_line: int | None) -> list[str]:
    """Lines of at most `per_line` letters; the text's own line breaks stay."""
    visible = UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    lines: list[str] = []
    for line in visible.split("\n"):
        lines += (textwrap.wrap(line, per_line) or [""]) if per_line else [line]
    return lines


def placed(expression: str, border: int, size: int) -> str:
    """An x or y of drawtext as overlay understands it, for a picture that includes the border."""
    known = {
        "w": "main_w", "h": "main_h", "W": "main_w", "H": "main_h",
        "text_w": f"(overlay_w-{2 * border})", "tw": f"(overlay_w-{2 * border})",
        "text_h": f"(overlay_h-{2 * border})", "th": f"(overlay_h-{2 * border})",
        "line_h": f"{round(size * LINE_HEIGHT)}", "lh": f"{round(size * LINE_HEIGHT)}",
        "max_glyph_w": f"{size}", "max_glyph_h": f"{size}", "max_glyph_a": f"{size}",
        "ascent": f"{size}", "descent": f"{size // 4}", "max_glyph_d": f"{-(size // 4)}",
    }  # fmt: skip
    parsed = expressions.parse(expression)
    translated = re.sub(
        r"(?<![A-Za-z0-9_.])[A-Za-z_]\w*", lambda match: known.get(match[0], match[0]), parsed
    )
    return f"{translated}-{border}" if border else translated


_HEAD = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: D,{family},48,&H00FFFFFF,&H00FFFFFF,{outline_color},&H00000000,0,0,0,0,100,100,0,0,1,\
{outline},0,7,0,0,0,-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


_Runs = list[tuple[str, fonts.Script | None]]


def _body(runs: _Runs, size: int, family: fonts.Family) -> str:
    """The words, the font and its size before each run: an em is another share of each's height."""
    body = ""
    for words, script in runs:
        font = script or family
        height = size * (font.ascent + font.descent)
        body += f"{{\\fn{font.name}\\fs{height:.1f}}}{escape(words)}"
    return body


def _ascent(runs: _Runs, family: fonts.Family) -> float:
    """The highest ascent of the fonts in a line, in ems."""
    return max((script or family).ascent for _, script in runs)


def escape(words: str) -> str:
    """Words as libass shows them: no override tags, no escapes."""
    return words.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")


def _width(line: Line) -> int:
    """At least as many pixels as the line takes."""
    return round(len(line.words) * line.size * WIDEST) + line.size


def ass_color(color: str) -> str:
    """&HAABBGGRR of #RRGGBB@opacity or a color's name."""
    red, green, blue, _ = _rgb(color.partition("@")[0])
    return f"&H{round(255 * (1 - opacity(color))):02X}{blue:02X}{green:02X}{red:02X}"


def opacity(color: str) -> float:
    """0 to 1, of a color such as white@0.5 or #ffffff80."""
    name, _, stated = color.partition("@")
    seen = _rgb(name)[3]
    if stated:
        seen *= int(stated, 16) / 255 if stated.startswith("0x") else float(stated)
    return seen


def _opaque(color: str) -> str:
    """As ass_color: on a transparent canvas ffmpeg weighs an opacity by itself, and squares it."""
    return f"&H00{ass_color(color)[4:]}"


def _rgb(name: str) -> tuple[int, int, int, float]:
    digits = re.fullmatch(r"(?:#|0[xX])?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?", name)
    if digits is None:
        return (*COLOR_NAMES.get(name.lower(), (255, 255, 255)), 1.0)
    value = int(digits[1], 16)
    seen = int(digits[2], 16) / 255 if digits[2] else 1.0
    return value >> 16, value >> 8 & 255, value & 255, seen


COLOR_NAMES = {
    "white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "lime": (0, 255, 0),
    "green": (0, 128, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "cyan": (0, 255, 255),
    "aqua": (0, 255, 255), "magenta": (255, 0, 255), "fuchsia": (255, 0, 255),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192),
    "maroon": (128, 0, 0), "olive": (128, 128, 0), "navy": (0, 0, 128), "purple": (128, 0, 128),
    "teal": (0, 128, 128), "orange": (255, 165, 0), "pink": (255, 192, 203),
    "brown": (165, 42, 42), "gold": (255, 215, 0), "violet": (238, 130, 238),
    "indigo": (75, 0, 130), "coral": (255, 127, 80), "crimson": (220, 20, 60),
    "turquoise": (64, 224, 208), "tomato": (255, 99, 71), "salmon": (250, 128, 114),
    "khaki": (240, 230, 140), "beige": (245, 245, 220), "ivory": (255, 255, 240),
    "lavender": (230, 230, 250), "chocolate": (210, 105, 30), "hotpink": (255, 105, 180),
    "deeppink": (255, 20, 147), "skyblue": (135, 206, 235), "darkblue": (0, 0, 139),
    "darkgreen": (0, 100, 0), "darkred": (139, 0, 0), "darkgray": (169, 169, 169),
    "lightgray": (211, 211, 211), "lightblue": (173, 216, 230), "lightgreen": (144, 238, 144),
}  # fmt: skip
"""Colors by name (CSS), of those that people use for words."""
