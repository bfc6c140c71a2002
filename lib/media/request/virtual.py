"""Virtual options: @text-overlay and @quote-card (docs/contract.md, section 3.2), and ours.

Each is an object, or a string that holds one as JSON (n8n's argument field is text). Numbers may
come as text, for the same reason. Here they are checked;
lib/media/plan/options applies them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lib import models
from lib.media import fonts, urls
from lib.media.request import expressions, values

Position = Literal[
    "top-left", "top", "top-center", "top-right", "left", "center-left", "center", "right",
    "center-right", "bottom-left", "bottom", "bottom-center", "bottom-right", "middle",
]  # fmt: skip


Color = Annotated[str, Meta(max_length=40)]
MAX_SECONDS = 10_000_000

PLACES: dict[str, tuple[str, str]] = {
    "top-left": ("l", "t"), "top": ("c", "t"), "top-center": ("c", "t"), "top-right": ("r", "t"),
    "left": ("l", "m"), "center-left": ("l", "m"), "center": ("c", "m"), "middle": ("c", "m"),
    "center-right": ("r", "m"), "right": ("r", "m"),
    "bottom-left": ("l", "b"), "bottom": ("c", "b"), "bottom-center": ("c", "b"),
    "bottom-right": ("r", "b"),
}  # fmt: skip
"""Where a position lies: left, center or right, and top, middle or bottom."""


class _VirtualOption(msgspec.Struct, dict=True):
    """What a caller sent as a virtual option."""

    @cached_property
    def passed_over(self) -> list[str]:
        """Its members that are not known, such as `style.shadow`; they are not an error."""
        return []


class TextStyle(msgspec.Struct, rename="camel"):
    """How @text-overlay looks; pixels throughout. Unknown keys are passed over."""

    chars_per_line: Annotated[int, Meta(ge=5, le=100)] | None = None
    font: Annotated[str, Meta(max_length=80)] = "Arial"
    font_size: Annotated[float, Meta(ge=12, le=200)] = 48
    line_spacing: Annotated[float, Meta(ge=0, le=100)] = 10
    font_color: Color = "white"
    x: float | Annotated[str, Meta(max_length=500)] | None = None
    """An expression as drawtext takes it; the middle by default, like y."""
    y: float | Annotated[str, Meta(max_length=500)] | None = None
    box_border_w: Annotated[float, Meta(ge=0, le=100)] = 20
    """Padding of the box behind the words; 0 draws no box."""
    box_color: Color = "black@0.5"
    position: Annotated[str, Meta(max_length=80)] | None = None
    margin: Annotated[float, Meta(ge=0, le=2000)] = 40
    outline_thickness: Annotated[float, Meta(ge=0, le=20)] = 0
    outline_color: Color = "black"
    text_width: Annotated[float, Meta(ge=20, le=8192)] | None = None
    """Wrap so that a line is about this wide."""
    align: Literal["left", "center", "right"] | None = None
    bold: bool = False
    italic: bool = False
    start: Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None = None
    """Shown from this second on, to `end`."""
    end: Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None = None


class TextOverlay(_VirtualOption):
    """Text over the video."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000)]
    style: TextStyle = msgspec.field(default_factory=TextStyle)


class CardStyle(msgspec.Struct, rename="camel"):
    """How @quote-card looks."""

    font: Annotated[str, Meta(max_length=80)] = "Lora"
    font_size: Annotated[float, Meta(ge=12, le=200)] = 56
    font_color: Color = "white"
    background: Color = "black@0.6"
    chars_per_line: Annotated[int, Meta(ge=5, le=100)] = 28


class QuoteCard(_VirtualOption):
    """A quotation in the middle of the darkened picture, with who said it below."""

    quote: Annotated[str, Meta(min_length=1, max_length=280)]
    name: Annotated[str, Meta(max_length=60)] = ""
    handle: Annotated[str, Meta(max_length=60)] = ""
    style: CardStyle = msgspec.field(default_factory=CardStyle)


class Watermark(_VirtualOption):
    """A picture over the video: `url`, or the number of one of the job's inputs."""

    url: Annotated[str, Meta(max_length=urls.RAW_LENGTH)] | None = None
    input: Annotated[int, Meta(ge=0, le=99)] | None = None
    position: Position = "bottom-right"
    size: float | Literal["small", "medium", "large"] = "small"
    """Its width as a share of the video's, 0.01 to 1; small, medium, large are 0.12, 0.2, 0.35."""
    opacity: Annotated[float, Meta(ge=0, le=1)] = 1
    margin: Annotated[float, Meta(ge=0, le=2000)] = 20


class Thumbnail(_VirtualOption):
    """One picture of the video (`at` seconds, 00:00:05 or "50%"), or a sheet of `count`."""

    at: float | Annotated[str, Meta(max_length=20)] | None = None
    count: Annotated[int, Meta(ge=2, le=100)] | None = None
    columns: Annotated[int, Meta(ge=1, le=20)] | None = None
    width: Annotated[int, Meta(ge=16, le=4096)] | None = None
    """Width of the image, or of each on the sheet (320)."""


class SubtitleStyle(msgspec.Struct, rename="camel"):
    """How @subtitles look; sizes as of a picture 288 pixels high, as ffmpeg's."""

    font: Annotated[str, Meta(max_length=80)] | None = None
    font_size: Annotated[float, Meta(ge=4, le=100)] | None = None
    font_color: Color | None = None
    outline_color: Color | None = None
    outline: Annotated[float, Meta(ge=0, le=10)] | None = None
    box: bool = False
    box_color: Color = "black@0.6"
    bold: bool | None = None
    position: Literal["bottom", "center", "top"] | None = None
    margin: Annotated[float, Meta(ge=0, le=200)] | None = None


class Subtitles(_VirtualOption):
    """Subtitles burned in: an SRT, WebVTT or ASS file by URL."""

    url: Annotated[str, Meta(min_length=1, max_length=urls.RAW_LENGTH)]
    style: SubtitleStyle = msgspec.field(default_factory=SubtitleStyle)


class Trim(_VirtualOption):
    """The part from `start` on, to `end` or for `duration`."""

    start: float | Annotated[str, Meta(max_length=20)] = 0
    end: float | Annotated[str, Meta(max_length=20)] | None = None
    duration: float | Annotated[str, Meta(max_length=20)] | None = None


class Speed(_VirtualOption):
    """Faster (2) or slower (0.5), picture and sound alike; the pitch stays."""

    factor: Annotated[float, Meta(ge=0.1, le=10)]


class Normalize(_VirtualOption):
    """Loudness by EBU R 128: integrated `target` in LUFS, `peak` in dBTP, `range` in LU."""

    target: Annotated[float, Meta(ge=-70, le=-5)] = -16
    peak: Annotated[float, Meta(ge=-9, le=0)] = -1.5
    range: Annotated[float, Meta(ge=1, le=50)] = 11


Virtual = TextOverlay | QuoteCard | Watermark | Thumbnail | Subtitles | Trim | Speed | Normalize

TYPES: dict[str, type[Virtual]] = {
    "@text-overlay": TextOverlay,
    "@quote-card": QuoteCard,
    "@watermark": Watermark,
    "@thumbnail": Thumbnail,
    "@subtitles": Subtitles,
    "@trim": Trim,
    "@speed": Speed,
    "@normalize": Normalize,
}
SOUND_ONLY_TOO = (Trim, Speed, Normalize)
"""The options that need no picture."""
MAX_MEMBERS = 50
"""That are looked at for a warning."""
SIZES = {"small": 0.12, "medium": 0.2, "large": 0.35}


def parse(name: str, argument: Any) -> Virtual:
    """The option's object. Raises ValueError that says what the argument must be.

    Unknown members are ignored; `warnings` names them.
    """
    if isinstance(argument, str):
        try:
            argument = msgspec.json.decode(argument) if argument.strip() else {}
        except (msgspec.DecodeError, RecursionError):
            raise ValueError("an object, or a string that holds one as JSON") from None
    if name == "@speed" and isinstance(argument, int | float):
        argument = {"factor": argument}
    if argument is None:
        argument = {}
    if not isinstance(argument, dict):
        raise ValueError("an object, or a string that holds one as JSON")
    try:
        option = models.convert(argument, TYPES[name], strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"an object that fits: {str(error)[:300]}") from None
    CHECKS.get(type(option), lambda _: None)(option)
    option.passed_over.extend(_passed_over(TYPES[name], argument))
    return option


def needs_picture(options: Sequence[Virtual]) -> str | None:
    """The name of the first option that needs a picture, or None."""
    drawn = next((each for each in options if not isinstance(each, SOUND_ONLY_TOO)), None)
    return next((name for name, kind in TYPES.items() if kind is type(drawn)), None)


def warnings(option: Virtual) -> list[str]:
    """What the caller may not expect."""
    sentences = [f"{each[:80]!r} is not known and changes nothing." for each in option.passed_over]
    style = getattr(option, "style", None)
    font = getattr(style, "font", None)
    if font and not fonts.known(font):
        sentences.append(f"The font {font!r} is not packaged; {fonts.DEFAULT.name} is used.")
    if isinstance(style, TextStyle) and style.position and place(style.position) not in PLACES:
        sentences.append(f"There is no position {style.position[:40]!r}; the middle is used.")
    return sentences


def place(position: str) -> str:
    """A position's name as PLACES has it: also bottom_right, Bottom Right and bottomRight."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", position.strip())
    return re.sub(r"[\s_-]+", "-", apart).lower()


def _passed_over(model: type, members: dict[str, Any], within: str = "") -> Iterator[str]:
    """The members of an object that its type does not have, those of its style too."""
    known = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for key, value in islice(members.items(), MAX_MEMBERS):
        if key not in known:
            yield within + key
        elif isinstance(value, dict):
            yield from _passed_over(known[key].type, value, f"{within}{key}.")


def moment(value: float | str) -> float:
    """Seconds of a number or of 00:00:05. Raises ValueError."""
    seconds = values.seconds(value) if isinstance(value, str) else float(value)
    if not abs(seconds) <= MAX_SECONDS:
        raise ValueError(f"an object whose times are at most {MAX_SECONDS} seconds")
    return seconds


def _text(option: TextOverlay) -> None:
    style = option.style
    _colors(style.font_color, style.box_color, style.outline_color)
    _font(style.font)
    for each in (style.x, style.y):
        if isinstance(each, str):
            expressions.parse(each)
    if style.end is not None and style.end <= (style.start or 0):
        raise ValueError("an object whose end is after its start")


def _card(option: QuoteCard) -> None:
    _colors(option.style.font_color, option.style.background)
    _font(option.style.font)


def _watermark(option: Watermark) -> None:
    if (option.url is None) == (option.input is None):
        raise ValueError("an object with either url or input, the number of an input")
    if option.url is not None:
        values.REMOTE_FILE.parse(option.url)
    if isinstance(option.size, float) and not 0.01 <= option.size <= 1:
        raise ValueError("an object whose size is from 0.01 to 1, or small, medium, large")


def _thumbnail(option: Thumbnail) -> None:
    if option.at is not None and option.count is not None:
        raise ValueError("an object with either at or count")
    if isinstance(option.at, str) and option.at.endswith("%"):
        if not 0 <= float(values.number(0, 100).parse(option.at[:-1])) <= 100:
            raise ValueError("an object whose at is at most 100%")
    elif option.at is not None and moment(option.at) < 0:
        raise ValueError("an object whose at is not negative")
    if option.count and option.columns and option.columns > option.count:
        raise ValueError("an object with at most as many columns as images")


def _subtitles(option: Subtitles) -> None:
    style = option.style
    values.REMOTE_FILE.parse(option.url)
    _colors(*filter(None, (style.font_color, style.outline_color, style.box_color)))
    if style.font is not None:
        _font(style.font)


def _trim(option: Trim) -> None:
    start = moment(option.start)
    if option.end is not None and option.duration is not None:
        raise ValueError("an object with either end or duration")
    if option.end is not None and moment(option.end) <= start:
        raise ValueError("an object whose end is after its start")
    if start < 0 or (option.duration is not None and moment(option.duration) <= 0):
        raise ValueError("an object whose times are positive")


def _colors(*colors: str) -> None:
    for each in colors:
        values.COLOR.parse(each)


def _font(name: str) -> None:
    values.FONT.parse(name)


CHECKS: dict[type, Callable[[Any], None]] = {
    TextOverlay: _text,
    QuoteCard: _card,
    Watermark: _watermark,
    Thumbnail: _thumbnail,
    Subtitles: _subtitles,
    Trim: _trim,
}
