"""The kinds of values that flags and filter options take: each is parsed and written anew."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from lib.media import address, expressions

MAX_SIDE = 16_384
MAX_RATE = 240
MAX_ZOOM_FRAMES = 10_000
MAX_TEXT = 10_000


class Kind(NamedTuple):
    """What a value may be, in words, and the function that takes it apart."""

    says: str
    parse: Callable[[str], str]
    """Takes the caller's text, gives what ffmpeg is told. Raises ValueError with what it should
    be, should `says` not tell enough."""


def integer(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A whole number from low to high (with k or M for thousands), or one of the words.

    Calculations with numbers, such as 44100*1.25, are done here, since the range counts.
    """
    known = frozenset(words)
    says = f"a whole number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says

    def parse(text: str) -> str:
        if text in known:
            return text
        match = re.fullmatch(r"([+-]?[0-9]{1,19})([kKM]?)", text)
        if match is None:
            value = _whole(text, says)
        else:
            value = int(match[1]) * {"": 1, "k": 10**3, "K": 10**3, "M": 10**6}[match[2]]
        if not low <= value <= high:
            raise ValueError(says)
        return str(value)

    return Kind(says, parse)


def number(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A number from low to high, perhaps in dB, or a calculation with numbers, or a word."""
    known = frozenset(words)
    says = f"a number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says

    def parse(text: str) -> str:
        if text in known:
            return text
        decibels = text.removesuffix("dB")
        try:
            value = Decimal(decibels) if len(decibels) < 40 else Decimal("nan")
        except InvalidOperation:
            return _calculation(text, says)
        if decibels != text:
            if not value.is_finite() or not -200 <= value <= 200:
                raise ValueError(says)
            return f"{value:f}dB"
        if not value.is_finite() or not low <= value <= high:
            raise ValueError(says)
        return _plain(value)

    return Kind(says, parse)


def choice(*words: str) -> Kind:
    """One of the words."""
    says = f"one of {', '.join(words)}"
    known = frozenset(words)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(says)
        return text

    return Kind(says, parse)


def renamed(words: dict[str, str]) -> Kind:
    """One of the words, written as ffmpeg calls it."""
    says = f"one of {', '.join(words)}"

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(says)
        return words[text]

    return Kind(says, parse)


def flags(*words: str) -> Kind:
    """Words joined by + (or -, to switch one off).

    A first word without a sign stands for itself alone; with one it is added to the default.
    """
    says = f"one or more of {', '.join(words)}, joined by +"
    known = frozenset(words)

    def parse(text: str) -> str:
        if not re.fullmatch(r"[+-]?\w+(?:[+-]\w+)*", text):
            raise ValueError(says)
        parts = re.findall(r"([+-]?)(\w+)", text)
        if any(word not in known for _, word in parts):
            raise ValueError(says)
        return "".join(sign + word for sign, word in parts)

    return Kind(says, parse)


def pattern(says: str, expression: str) -> Kind:
    """Text of a fixed shape."""

    def parse(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(says)
        return text

    return Kind(says, parse)


def listed(kind: Kind, separator: str = "|") -> Kind:
    """Several values of a kind."""
    says = f"{kind.says}, or several joined by {separator}"

    def parse(text: str) -> str:
        return separator.join(kind.parse(part.strip()) for part in text.split(separator))

    return Kind(says, parse)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _between(low: float, high: float) -> str:
    """The bounds in words; what no one would reach is none."""
    if abs(low) >= _FAR and abs(high) >= _FAR:
        return ""
    if abs(low) >= _FAR:
        return f" of at most {_short(high)}"
    return f" from {_short(low)}" + (f" to {_short(high)}" if abs(high) < _FAR else " on")


_FAR = 1e18


def _short(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0e}".replace("e+0", "e").replace("+", "")


def _whole(text: str, says: str) -> int:
    """The nearest whole number to a calculation, as ffmpeg rounds it."""
    if not re.fullmatch(r"[-+*/(). 0-9e]{1,60}", text):
        raise ValueError(says)
    try:
        return round(_worked_out(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ArithmeticError, RecursionError, ValueError):
        raise ValueError(says) from None


def _worked_out(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as sign):
            return _SIGNS[type(sign)](_worked_out(left), _worked_out(node.right))
        case _:
            raise ValueError


_SIGNS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def _calculation(text: str, says: str) -> str:
    """A calculation with numbers alone, such as 16/9 or 1/2; ffmpeg checks its range."""
    try:
        written = expressions.parse(text)
    except ValueError:
        raise ValueError(says) from None
    if re.search(r"[A-Zac-df-z_]", re.sub(r"\bPI\b", "", written)):
        raise ValueError(says)
    return written


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """A length or moment: seconds (12.5, 300ms) or [hours:]minutes:seconds. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(TIME.says)
    hours, minutes, rest, plain, unit = match.groups()
    if plain is not None:
        return float(plain) / {"ms": 1e3, "us": 1e6}.get(unit or "s", 1)
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)


_TIME = re.compile(
    r"(?:(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)"
    r"|((?:[0-9]{1,7}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}))(ms|us|s)?)"
)


def _time(text: str) -> str:
    return f"{seconds(text):.6f}".rstrip("0").rstrip(".")


def _signed_time(text: str) -> str:
    return "-" + _time(text[1:]) if text.startswith("-") else _time(text)


def _bitrate(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,10}(?:\.[0-9]{1,3})?)([kKmM]?)", text)
    bits = float(match[1]) * {"k": 1e3, "m": 1e6}.get(match[2].lower(), 1) if match else -1
    if not match or not 0 <= bits <= 400e6:
        raise ValueError(BITRATE.says)
    return match[1] + {"K": "k", "m": "M"}.get(match[2], match[2])


_RATES = {
    "ntsc": 30000 / 1001, "pal": 25, "qntsc": 30000 / 1001, "qpal": 25, "sntsc": 30000 / 1001,
    "spal": 25, "film": 24, "ntsc-film": 24000 / 1001,
}  # fmt: skip


_FRACTION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,6})?)(?:[/:]([0-9]{1,7}(?:\.[0-9]{1,4})?))?")


def _rate(text: str) -> str:
    if text in _RATES or text == "source_fps":
        return text
    match = re.fullmatch(
        r"([0-9]{1,7}(?:\.[0-9]{1,6})?)(?:[/:]([0-9]{1,7}(?:\.[0-9]{1,4})?))?", text
    )
    if match is None or not float(match[2] or 1):
        raise ValueError(RATE.says)
    if not 0.0005 <= float(match[1]) / float(match[2] or 1) <= MAX_RATE:
        raise ValueError(RATE.says)
    return text.replace(":", "/")


def frames_per_second(text: str) -> float:
    """The number a rate stands for; 0 for the source's own."""
    if text == "source_fps":
        return 0.0
    if text in _RATES:
        return _RATES[text]
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def _ratio(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]{1,6})?)(?:[:/]([0-9]{1,5}))?", text)
    if match is None:
        return expressions.parse(text)
    if match[2] and not int(match[2]):
        raise ValueError(RATIO.says)
    return text.replace(":", "/")


_COLOUR = re.compile(
    r"(?:[A-Za-z]{3,24}|(?:#|0x|0X)?[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?)"
    r"(?:@(?:0x[0-9A-Fa-f]{1,2}|[01](?:\.[0-9]{0,6})?|\.[0-9]{1,6}))?"
)


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError(COLOUR.says)
    return text


_SIZES = frozenset(
    str.split(
        """
    ntsc pal qntsc qpal sntsc spal film ntsc-film sqcif qcif cif 4cif 16cif qqvga qvga vga svga
    xga uxga qxga sxga qsxga hsxga wvga wxga wsxga wuxga woxga wqsxga wquxga whsxga whuxga cga
    ega hd480 hd720 hd1080 2k 2kflat 2kscope 4k 4kflat 4kscope nhd hqvga wqvga fwqvga hvga qhd
    2kdci 4kdci uhd2160 uhd4320
    """
    )
)


def _size(text: str) -> str:
    match = re.fullmatch(r"([0-9]{1,5})[xX:]([0-9]{1,5})", text)
    if match is None:
        if text in _SIZES:
            return text
        raise ValueError(SIZE.says)
    width, height = int(match[1]), int(match[2])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(SIZE.says)
    return f"{width}x{height}"


def _side(text: str) -> str:
    written = expressions.parse(text)
    value = expressions.constant(written)
    if value is not None and abs(value) > MAX_SIDE:
        raise ValueError(SIDE.says)
    return written


def _side_or_size(text: str) -> str:
    """A width; 1280x720, which ffmpeg also takes in a width's place, is both sides."""
    return _size(text) if re.fullmatch(r"[0-9]+x[0-9]+", text) else _side(text)


def _frames(text: str) -> str:
    written = expressions.parse(text)
    value = expressions.constant(written)
    if value is not None and not 0 <= value <= MAX_ZOOM_FRAMES:
        raise ValueError(FRAMES.says)
    return written


def _gain(text: str) -> str:
    match = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,6})?)(dB)?", text, re.IGNORECASE)
    if match is None:
        return expressions.parse(text)
    low, high = (-200, 60) if match[2] else (0, 1000)
    if not low <= float(match[1]) <= high:
        raise ValueError(GAIN.says)
    return match[1].removeprefix("+") + ("dB" if match[2] else "")


_YES = {"1": "1", "true": "1", "yes": "1", "on": "1", "enable": "1", "enabled": "1", "y": "1",
        "0": "0", "false": "0", "no": "0", "off": "0", "disable": "0", "disabled": "0", "n": "0",
        "auto": "auto", "-1": "auto"}  # fmt: skip


def _boolean(text: str) -> str:
    if text.lower() not in _YES:
        raise ValueError(BOOLEAN.says)
    return _YES[text.lower()]


_FONT = re.compile(
    r"(?P<family>[^\W_][\w .&'+-]{0,59}?)"
    r"(?:\s*:\s*(?:style\s*=\s*)?(?P<style>Regular|Bold|Italic|Bold Italic|Oblique))?",
    re.IGNORECASE,
)


def _font(text: str) -> str:
    match = _FONT.fullmatch(text.strip())
    if match is None:
        raise ValueError(FONT.says)
    family = match["family"].replace("-", "\\-")  # fontconfig's own sign for a size
    return f"{family}:style={match['style'].title()}" if match["style"] else family


def _drawn_text(text: str) -> str:
    """drawtext's text in its normal expansion: %{…} of known functions, and literal % as one."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"a text of at most {MAX_TEXT} letters")
    written: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            written.append(text[at : at + 2] if at + 1 < len(text) else "\\\\")
            at += 2
        elif text.startswith("%{", at):
            end = text.find("}", at)
            if end < 0:
                raise ValueError("a text whose %{ is closed with }")
            written.append(_expansion(text[at + 2 : end]))
            at = end + 1
        elif letter == "%":
            written.append("\\%")
            at += 1
        else:
            written.append(letter)
            at += 1
    return "".join(written)


def _expansion(inside: str) -> str:
    name, *arguments = re.split(r"\\*:", inside.strip())
    says = (
        "a text whose %{…} is one of pts, n, frame_num, eif, e, pict_type, rand, localtime, gmtime"
    )
    match name:
        case "n" | "frame_num" | "pict_type" if not arguments:
            written = [name]
        case "pts" if len(arguments) <= 3:
            if arguments and arguments[0] not in ("flt", "hms", "localtime", "gmtime"):
                raise ValueError(says)
            if any(not re.fullmatch(r"[-+0-9.%A-Za-z ]{0,40}", each) for each in arguments[1:]):
                raise ValueError(says)
            written = [name, *arguments]
        case "eif" | "expr_int_format" if 2 <= len(arguments) <= 3:
            if not re.fullmatch(r"[xXdu]", arguments[1]) or any(
                not each.isdigit() for each in arguments[2:]
            ):
                raise ValueError("a text whose eif is %{eif:expression:d:digits}")
            written = [name, expressions.parse(arguments[0]), *arguments[1:]]
        case "e" | "expr" if len(arguments) == 1:
            written = [name, expressions.parse(arguments[0])]
        case "rand" if len(arguments) == 2 and all(
            re.fullmatch(r"-?[0-9]{1,9}", each) for each in arguments
        ):
            written = [name, *arguments]
        case "localtime" | "gmtime":
            if any(not re.fullmatch(r"[-A-Za-z0-9%/., ]{0,60}", each) for each in arguments):
                raise ValueError(says)
            written = [name, "\\:".join(arguments)] if arguments else [name]
        case _:
            raise ValueError(says)
    return "%{" + ":".join(written) + "}"


_STYLE_KEYS: dict[str, str] = {
    "fontname": "font", "name": "word", "fontsize": "number", "primarycolour": "ass_colour",
    "secondarycolour": "ass_colour", "outlinecolour": "ass_colour", "backcolour": "ass_colour",
    "tertiarycolour": "ass_colour", "bold": "number", "italic": "number", "underline": "number",
    "strikeout": "number", "scalex": "number", "scaley": "number", "spacing": "number",
    "angle": "number", "borderstyle": "number", "outline": "number", "shadow": "number",
    "alignment": "number", "marginl": "number", "marginr": "number", "marginv": "number",
    "encoding": "number", "justify": "number", "blur": "number", "wrapstyle": "number",
    "playresx": "number", "playresy": "number", "scaledborderandshadow": "word",
}  # fmt: skip


def _subtitle_style(text: str) -> str:
    """ASS style overrides, Key=Value joined by commas."""
    written = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        key, sign, value = (each.strip() for each in part.partition("="))
        kind = _STYLE_KEYS.get(key.lower())
        if not sign or kind is None:
            raise ValueError(
                f"a style without {key[:20]!r}: FontName, FontSize, PrimaryColour, OutlineColour,"
                " BackColour, Bold, Italic, BorderStyle, Outline, Shadow, Alignment, MarginV, …"
            )
        shapes = {
            "number": r"-?[0-9]{1,5}(?:\.[0-9]{1,3})?",
            "ass_colour": r"(?:&[hH])?[0-9A-Fa-f]{1,8}&?",
            "word": r"[A-Za-z0-9 ]{1,40}",
            "font": r"[^\W_][\w .&'+-]{0,59}",
        }
        if not re.fullmatch(shapes[kind], value):
            raise ValueError(f"a style whose {key} has another value than {value[:20]!r}")
        written.append(f"{key}={value}")
    if not written:
        raise ValueError("a style such as FontSize=24,PrimaryColour=&H00FFFFFF")
    return ",".join(written)


def _remote_file(text: str) -> str:
    """The address of a file that we fetch; ffmpeg gets our copy."""
    if text.startswith("gs://") and len(text) <= address.MAX_LENGTH:
        return text
    try:
        address.parts(text)
    except ValueError:
        raise ValueError(REMOTE_FILE.says) from None
    return text


_SCALERS = ("fast_bilinear", "bilinear", "bicubic", "experimental", "neighbor", "area", "bicublin",
            "gauss", "sinc", "lanczos", "spline")  # fmt: skip
_SCALING = flags(*_SCALERS, "print_info", "accurate_rnd", "full_chroma_int", "full_chroma_inp",
                 "bitexact")  # fmt: skip


def _scaler_flags(text: str) -> str:
    """One scaler at most: +lanczos would join the default one, and ffmpeg refuses two."""
    written = _SCALING.parse(text)
    return written.removeprefix("+") if set(_SCALERS) & set(written.split("+")) else written


_NUMBER = r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:e[+-]?[0-9]{1,2})?"

TIME = Kind("a time such as 12.5 or 00:00:12.5", _time)
SIGNED_TIME = Kind("a time such as 12.5, -1 or 00:00:12.5", _signed_time)
BITRATE = Kind("a bit rate such as 800k or 2M, at most 400M", _bitrate)
RATE = Kind(f"a frame rate such as 25 or 30000/1001, at most {MAX_RATE}", _rate)
RATIO = Kind("a ratio such as 16/9", _ratio)
COLOUR = Kind("a colour such as black, #ff8800 or white@0.5", _colour)
SIZE = Kind(f"a size such as 1280x720 or hd720, at most {MAX_SIDE} a side", _size)
SIDE = Kind(f"a length in pixels or an expression, at most {MAX_SIDE}", _side)
FRAMES = Kind(f"a number of frames or an expression, at most {MAX_ZOOM_FRAMES}", _frames)
GAIN = Kind("a factor, decibels such as -6dB, or an expression", _gain)
BOOLEAN = Kind("1 or 0", _boolean)
EXPRESSION = Kind("an arithmetic expression", expressions.parse)
FONT = Kind("a font's name such as Arial, perhaps with :style=Bold; never a file", _font)
DRAWN_TEXT = Kind("a text", _drawn_text)
STYLE = Kind("style overrides such as FontSize=24,PrimaryColour=&H00FFFFFF", _subtitle_style)
REMOTE_FILE = Kind(
    "the public http(s) URL or gs:// address of a file (SRT, VTT, ASS); never a path", _remote_file
)
WORD = pattern("a word", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
LAYOUT = pattern("a channel layout such as stereo or 5.1", r"[A-Za-z0-9][A-Za-z0-9.()+|]{0,80}")
PIXEL_FORMAT = pattern("a pixel format such as yuv420p", r"[a-z][a-z0-9_]{1,19}")

KINDS: dict[str, Kind] = {
    "boolean": BOOLEAN,
    "box_border": listed(integer(0, 1000)),
    "channel_layout": LAYOUT,
    "channel_map": pattern("a map such as 0-0|1-1 or FL-FR", r"[A-Za-z0-9.|-]{1,200}"),
    "channels": LAYOUT,
    # What we hand over is UTF-8, whatever the caller's file was.
    "charenc": Kind("an encoding such as UTF-8", lambda text: WORD.parse(text) and "UTF-8"),
    "color": COLOUR,
    "colour": COLOUR,
    "colours": listed(COLOUR),
    "curve": pattern("points such as 0/0 0.5/0.4 1/1",
                     rf"\s*{_NUMBER}/{_NUMBER}(?:\s+{_NUMBER}/{_NUMBER})*\s*"),
    "drawn_text": DRAWN_TEXT,
    "duration": SIGNED_TIME,
    "equalizer_bands": pattern("bands such as c0 f=200 w=100 g=-10 t=1",
                               r"(?:c[0-9]+(?: [fwgt]=[-0-9.]+)+\|?\s*){1,64}"),
    "expression": EXPRESSION,
    "expressions": listed(EXPRESSION),
    "font": FONT,
    "frames": FRAMES,
    "gain": GAIN,
    "image_size": SIZE,
    "mcompand_bands": pattern("bands as mcompand takes them", r"[-0-9., |\\]{1,1000}"),
    "numbers": pattern("numbers joined by | or spaces",
                       rf"\s*{_NUMBER}[sSkK]?(?:[\s|/,]+{_NUMBER}[sSkK]?)*\s*"),
    "pan": pattern("a layout and mixes such as stereo|c0=c0|c1=c1",
                   r"[A-Za-z0-9.()+]{1,30}"
                   r"(?:\s*\|\s*[A-Za-z0-9]{1,4}\s*[=<][-+*. A-Za-z0-9]{1,120})*"),
    "pix_fmt": PIXEL_FORMAT,
    "pix_fmts": listed(PIXEL_FORMAT),
    "pixel_formats": listed(PIXEL_FORMAT),
    "rate": RATE,
    "ratio": RATIO,
    "rational": RATIO,
    "sample_fmt": WORD,
    "sample_fmts": listed(WORD),
    "channel_layouts": LAYOUT,
    "sample_rate": integer(1000, 384_000),
    "scaler_flags": Kind(_SCALING.says, _scaler_flags),
    "side": SIDE,
    "side_or_size": Kind(SIDE.says, _side_or_size),
    "size": SIZE,
    "stack_layout": pattern("positions such as 0_0|w0_0", r"[0-9wh_+|]{1,400}"),
    "subtitle_style": STYLE,
    "subtitles": REMOTE_FILE,
    "timebase": EXPRESSION,
    "timecode": pattern("a timecode such as 00:00:00:00",
                        r"[0-9]{2}:[0-9]{2}:[0-9]{2}[:;.][0-9]{2}"),
    "video_rate": RATE,
    "volume_colour": EXPRESSION,
    "words": listed(WORD),
}  # fmt: skip
"""The kinds of filter options by name: of ffmpeg's types, then those that policy.TEXTS names."""
