"""Fonts, text that is drawn, styles of subtitles, and files by URL."""

from __future__ import annotations

import re

from lib.media import address, urls
from lib.media.request import expressions
from lib.media.request.values.kinds import Kind

MAX_TEXT = 10_000
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
    "ass_color": re.compile(r"(?:&[hH])?[0-9A-Fa-f]{1,8}&?"),
    "word": re.compile(r"[A-Za-z0-9 ]{1,40}"),
    "font": re.compile(r"[^\W_][\w .&'+-]{0,59}"),
}
_STYLE_KEYS: dict[str, str] = {
    "fontname": "font", "name": "word", "fontsize": "number", "primarycolour": "ass_color",
    "secondarycolour": "ass_color", "outlinecolour": "ass_color", "backcolour": "ass_color",
    "tertiarycolour": "ass_color", "bold": "number", "italic": "number", "underline": "number",
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


FONT = Kind("a font's name such as Arial, perhaps with :style=Bold; never a file", _font)
DRAWN_TEXT = Kind("a text", _drawn_text)
LITERAL_TEXT = Kind("a text", _literal_text)
TIME_TEXT = Kind("a format of strftime", _time_text)
STYLE = Kind("style overrides such as FontSize=24,PrimaryColour=&H00FFFFFF", _subtitle_style)
REMOTE_FILE = Kind(
    "the public http(s) URL or gs:// address of a file (SRT, VTT, ASS); never a path", _remote_file
)
