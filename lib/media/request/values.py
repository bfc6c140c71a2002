"""The kinds of values that flags and filter options take: each is parsed and written anew."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from lib.media import address, urls
from lib.media.request import expressions

MAX_SIDE = 16_384
MAX_RATE = 240
MAX_ZOOM_FRAMES = 10_000
MAX_TEXT = 10_000
MAX_DIGITS = 40
"""Digits of a number, before the decimal point and after it."""
LISTED = 20
"""Words that a message lists at most."""


class Kind(NamedTuple):
    """A description of the values that an option accepts, and the parser for them."""

    says: str
    parse: Callable[[str], str]
    """Takes the caller's text, returns what ffmpeg gets. Raises ValueError that says what the value
    must be."""
    low: float | None = None
    """The lowest and the highest number of a numeric kind."""
    high: float | None = None


def names(words: Iterable[str]) -> str:
    """A list of words for a message, cut after the first LISTED."""
    known = list(words)
    cut = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(known[:LISTED]) + cut


def integer(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A whole number from low to high (with k or M for thousands), or one of the words.

    Calculations with numbers, such as 44100*1.25, are done here, since the range counts.
    """
    known = frozenset(words)
    says = f"a whole number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says
    short = f"one of {names(words)}, or a whole number{_between(low, high)}" if known else says

    def parse(text: str) -> str:
        if text in known:
            return text
        match = re.fullmatch(r"([+-]?[0-9]{1,19})([kKM]?)", text)
        if match is None:
            value = _whole(text, short)
        else:
            value = int(match[1]) * {"": 1, "k": 10**3, "K": 10**3, "M": 10**6}[match[2]]
        if not low <= value <= high:
            raise ValueError(short)
        return str(value)

    return Kind(says, parse, low, high)


def number(low: float, high: float, words: Iterable[str] = ()) -> Kind:
    """A number from low to high, perhaps in dB, or a calculation with numbers, or a word."""
    known = frozenset(words)
    says = f"a number{_between(low, high)}"
    says = f"one of {', '.join(words)}, or {says}" if known else says
    short = f"one of {names(words)}, or a number{_between(low, high)}" if known else says
    # As decimals, since the float nearest to 0.01 is larger than 0.01.
    lowest, highest = Decimal(repr(low)), Decimal(repr(high))

    def parse(text: str) -> str:
        if text in known:
            return text
        decibels = text.removesuffix("dB")
        value = _decimal(decibels)
        if value is None:
            return _calculation(text, short)
        if decibels != text:
            if not -200 <= value <= 200:
                raise ValueError(short)
            return f"{value:f}dB"
        if not lowest <= value <= highest:
            raise ValueError(short)
        return _plain(value)

    return Kind(says, parse, low, high)


def choice(*words: str) -> Kind:
    """One of the words."""
    says = f"one of {', '.join(words)}"
    known = frozenset(words)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"one of {names(words)}")
        return text

    return Kind(says, parse)


def renamed(words: dict[str, str]) -> Kind:
    """One of the words, written as ffmpeg calls it."""
    says = f"one of {', '.join(words)}"

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {names(words)}")
        return words[text]

    return Kind(says, parse)


def flags(*words: str) -> Kind:
    """Words joined by + (or -, to switch one off).

    A first word without a sign stands for itself alone; with one it is added to the default.
    """
    says = f"one or more of {', '.join(words)}, joined by +"
    known = frozenset(words)

    def parse(text: str) -> str:
        parts = re.findall(r"([+-]?)(\w+)", text)
        written = "".join(sign + word for sign, word in parts)
        if written != text or any(word not in known for _, word in parts):
            raise ValueError(f"one or more of {names(words)}, joined by +")
        if any(not sign for sign, _ in parts[1:]) or not parts:
            raise ValueError(f"one or more of {names(words)}, joined by +")
        return written

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


def _decimal(text: str) -> Decimal | None:
    """A plain number such as -1.5 or 2e3; None for anything else."""
    match = _DECIMAL.fullmatch(text)
    if match is None or len(text) > 3 * MAX_DIGITS:
        return None
    value = Decimal(text)
    # The exponent is bounded, because numbers are written out without one.
    return value if not value or abs(value.adjusted()) <= 308 else None


_DECIMAL = re.compile(
    rf"[+-]?(?:[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{0,{MAX_DIGITS}}})?|\.[0-9]{{1,{MAX_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


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
    match = _FRACTION.fullmatch(text)
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
    return _size(text) if re.fullmatch(r"[0-9]{1,9}x[0-9]{1,9}", text) else _side(text)


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


MAX_FONT_NAME = 100

_FONT = re.compile(
    r"(?P<family>[^\W_][\w .&'+-]{0,59}?)"
    r"(?:\s*:\s*(?:style\s*=\s*)?(?P<style>Regular|Bold|Italic|Bold Italic|Oblique))?",
    re.IGNORECASE,
)


def _font(text: str) -> str:
    name = text.strip()
    match = _FONT.fullmatch(name) if len(name) <= MAX_FONT_NAME else None
    if match is None:
        raise ValueError(FONT.says)
    family = match["family"].replace("-", "\\-")  # fontconfig's own sign for a size
    return f"{family}:style={match['style'].title()}" if match["style"] else family


def _literal_text(text: str) -> str:
    """drawtext's text without any expansion."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"a text of at most {MAX_TEXT} letters")
    return text


def _time_text(text: str) -> str:
    """drawtext's text as a format of strftime."""
    if "%" in _CONVERSION.sub("", _literal_text(text)):
        raise ValueError("a text whose % are conversions of strftime such as %Y, or %%")
    return text


def _drawn_text(text: str) -> str:
    """drawtext's text in its normal expansion: %{…} of known functions, and literal % as one."""
    _literal_text(text)
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
    """What stands between `%{` and `}`: a function's name and its arguments, joined by `:`."""
    *parts, last = inside.strip().split(":")
    name, *arguments = [*(part.rstrip("\\") for part in parts), last]
    says = (
        "a text whose %{…} is one of pts, n, frame_num, eif, e, pict_type, rand, localtime, gmtime"
    )
    written: list[str]
    match name:
        case "n" | "frame_num" | "pict_type" if not arguments:
            written = [name]
        case "pts" if len(arguments) <= 3:
            if arguments and arguments[0] not in ("flt", "hms", "localtime", "gmtime"):
                raise ValueError(says)
            if not all(_OFFSET.fullmatch(each) or _time_format(each) for each in arguments[1:]):
                raise ValueError(says)
            written = [name, *arguments]
        case "eif" | "expr_int_format" if 2 <= len(arguments) <= 3:
            if arguments[1] not in ("x", "X", "d", "u") or any(
                not re.fullmatch(r"[0-9]{1,2}", each) for each in arguments[2:]
            ):
                raise ValueError(
                    "a text whose eif is %{eif:expression:d:digits}, with digits from 0 to 99"
                )
            written = [name, expressions.parse(arguments[0]), *arguments[1:]]
        case "e" | "expr" if len(arguments) == 1:
            written = [name, expressions.parse(arguments[0])]
        case "rand" if len(arguments) == 2 and all(
            re.fullmatch(r"-?[0-9]{1,9}", each) for each in arguments
        ):
            written = [name, *arguments]
        case "localtime" | "gmtime":
            if len(arguments) > 10 or not all(map(_time_format, arguments)):
                raise ValueError(says)
            written = [name, "\\:".join(arguments)] if arguments else [name]
        case _:
            raise ValueError(says)
    return "%{" + ":".join(written) + "}"


_OFFSET = re.compile(r"[-+]?[0-9.]{0,20}")
_CONVERSION = re.compile(r"%(?:[-_]?[A-Za-z%]|[1-6]N)")


def _time_format(text: str) -> bool:
    """Whether a text is a harmless format of strftime: %1000000000Y would fill the memory."""
    plain = _CONVERSION.sub("", text)
    return len(text) <= 60 and re.fullmatch(r"[-A-Za-z0-9/., ]*", plain) is not None


MAX_STYLE_KEYS = 100
_STYLE_VALUES = {
    "number": re.compile(r"-?[0-9]{1,5}(?:\.[0-9]{1,3})?"),
    "ass_colour": re.compile(r"(?:&[hH])?[0-9A-Fa-f]{1,8}&?"),
    "word": re.compile(r"[A-Za-z0-9 ]{1,40}"),
    "font": re.compile(r"[^\W_][\w .&'+-]{0,59}"),
}

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
    for part in filter(None, (each.strip() for each in text.split(",", MAX_STYLE_KEYS + 1))):
        key, sign, value = (each.strip() for each in part.partition("="))
        kind = _STYLE_KEYS.get(key.lower())
        if not sign or kind is None:
            raise ValueError(
                f"a style without {key[:20]!r}: FontName, FontSize, PrimaryColour, OutlineColour,"
                " BackColour, Bold, Italic, BorderStyle, Outline, Shadow, Alignment, MarginV, …"
            )
        if not _STYLE_VALUES[kind].fullmatch(value):
            raise ValueError(f"a style whose {key} has another value than {value[:20]!r}")
        written.append(f"{key}={value}")
    if not 0 < len(written) <= MAX_STYLE_KEYS:
        raise ValueError("a style such as FontSize=24,PrimaryColour=&H00FFFFFF")
    return ",".join(written)


def _remote_file(text: str) -> str:
    """The address of a file that we fetch; ffmpeg gets our copy."""
    try:
        text = urls.clean(text)
        if not text.startswith("gs://"):
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


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:e[+-]?[0-9]{1,2})?")


def _curve(text: str) -> str:
    """Points of a curve: pairs x/y joined by spaces."""
    points = [point.partition("/") for point in text.split()]
    for x, slash, y in points:
        if not (slash and _NUMBER.fullmatch(x) and _NUMBER.fullmatch(y)):
            raise ValueError(CURVE.says)
    if not points:
        raise ValueError(CURVE.says)
    return " ".join(f"{x}/{y}" for x, _, y in points)


_SEPARATORS = str.maketrans("|/,", "   ")


def _numbers(text: str) -> str:
    """Numbers, some with the suffix s or k, joined by | / , or spaces."""
    written = text.strip()
    if not written or written[0] in "|/," or written[-1] in "|/,":
        raise ValueError(NUMBERS.says)
    for part in written.translate(_SEPARATORS).split():
        if not _NUMBER.fullmatch(part[:-1] if part[-1] in "sSkK" else part):
            raise ValueError(NUMBERS.says)
    return written


def _equalizer_bands(text: str) -> str:
    """Bands joined by |: the channel, then frequency, width, gain and type."""
    bands = [band.split() for band in text.split("|", MAX_BANDS) if band.strip()]
    for channel, *settings in bands:
        if not re.fullmatch(r"c[0-9]{1,3}", channel) or not settings:
            raise ValueError(EQUALIZER_BANDS.says)
        if not all(re.fullmatch(r"[fwgt]=[-0-9.]{1,20}", each) for each in settings):
            raise ValueError(EQUALIZER_BANDS.says)
    if not 0 < len(bands) <= MAX_BANDS:
        raise ValueError(EQUALIZER_BANDS.says)
    return "|".join(map(" ".join, bands))


MAX_BANDS = 64


def _pan(text: str) -> str:
    """A layout, then a mix for each channel: stereo|c0=0.5*c0+c1|c1<c2."""
    layout, *mixes = text.split("|", MAX_MIXES + 1)
    written = [layout.strip()]
    if not re.fullmatch(r"[A-Za-z0-9.()+]{1,30}", written[0]) or len(mixes) > MAX_MIXES:
        raise ValueError(PAN.says)
    for mix in mixes:
        match = _MIX.fullmatch(mix.strip())
        if match is None:
            raise ValueError(PAN.says)
        written.append("".join(match.groups()))
    return "|".join(written)


MAX_MIXES = 64
_MIX = re.compile(r"([A-Za-z0-9]{1,4}) {0,9}([=<])([-+*. A-Za-z0-9]{1,120})")

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
LITERAL_TEXT = Kind("a text", _literal_text)
TIME_TEXT = Kind("a format of strftime", _time_text)
STYLE = Kind("style overrides such as FontSize=24,PrimaryColour=&H00FFFFFF", _subtitle_style)
REMOTE_FILE = Kind(
    "the public http(s) URL or gs:// address of a file (SRT, VTT, ASS); never a path", _remote_file
)
CURVE = Kind("points such as 0/0 0.5/0.4 1/1", _curve)
NUMBERS = Kind("numbers joined by | or spaces", _numbers)
EQUALIZER_BANDS = Kind("bands such as c0 f=200 w=100 g=-10 t=1", _equalizer_bands)
PAN = Kind("a layout and mixes such as stereo|c0=c0|c1=c1", _pan)
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
    "curve": CURVE,
    "drawn_text": DRAWN_TEXT,
    "duration": SIGNED_TIME,
    "equalizer_bands": EQUALIZER_BANDS,
    "expression": EXPRESSION,
    "expressions": listed(EXPRESSION),
    "font": FONT,
    "frames": FRAMES,
    "gain": GAIN,
    "image_size": SIZE,
    "mcompand_bands": pattern("bands as mcompand takes them", r"[-0-9., |\\]{1,1000}"),
    "numbers": NUMBERS,
    "pan": PAN,
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
