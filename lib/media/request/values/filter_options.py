"""The kinds of filter options by name, and those that only a few filters take."""

from __future__ import annotations

import re

from lib.media.request import expressions
from lib.media.request.values.kinds import Kind, flags, integer, listed, pattern
from lib.media.request.values.sizes import BOOLEAN, COLOR, FRAMES, GAIN, SIDE, SIZE, _side_or_size
from lib.media.request.values.texts import DRAWN_TEXT, FONT, REMOTE_FILE, STYLE
from lib.media.request.values.times import RATE, RATIO, SIGNED_TIME

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
EXPRESSION = Kind("an arithmetic expression", expressions.parse)
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
    "color": COLOR,
    "colors": listed(COLOR),
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
    "volume_color": EXPRESSION,
    "words": listed(WORD),
}  # fmt: skip
"""The kinds of filter options by name: of ffmpeg's types, then those that policy.TEXTS names."""
