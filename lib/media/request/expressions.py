"""ffmpeg's arithmetic expressions (libavutil, "Expression Evaluation"): parsed and written again.

Functions that loop, print or guess (while, print, taylor, root) are left out, and names must be
ones that some filter knows, so that a misspelling is refused before the job starts.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 4000
MAX_DEPTH = 60

FUNCTIONS = frozenset(
    str.split(
        """
    abs acos asin atan atan2 between bitand bitor ceil clip cos cosh eq exp floor gauss gcd gt
    gte hypot if ifnot isinf isnan ld lerp log lt lte max min mod not pow random randomi round
    sgn sin sinh sqrt squish st tan tanh time trunc p lum cb cr alpha r g b lumsum cbsum crsum
    alphasum rsum gsum bsum val clipval gammaval gammaval709 a0 a1 a2 a3 b0 b1 b2 b3 a_weighting
    b_weighting c_weighting
    """
    )
)
"""General ones, then those of geq, lut and aeval, xfade and blend, and showcqt."""

NAMES = frozenset(
    str.split(
        """
    PI E PHI iw ih ow oh in_w in_h out_w out_h w h W H a sar dar hsub vsub x y t n pos main_w
    main_h overlay_w overlay_h mw mh rw rh ref_w ref_h ref_a ref_sar ref_dar ref_n ref_t main_a
    main_sar main_dar rotw roth PTS STARTPTS STARTT T N TB FRAME_RATE FR FRAME_COUNT INTERLACED
    RTCTIME RTCSTART S SR NB_SAMPLES NB_CONSUMED_SAMPLES PREV_INPTS PREV_INT PREV_OUTPTS
    PREV_OUTT POS SAMPLE_RATE nb_consumed_samples nb_samples nb_channels sample_rate startpts
    startt volume pts tb s ch text_w text_h tw th line_h lh max_glyph_a max_glyph_d max_glyph_h
    max_glyph_w ascent descent font_a font_d top_a bottom_d rand pict_type zoom pzoom px py
    pduration duration time frame in on in_time it out_time ot intime X Y SW SH val maxval
    minval negval clipval A B TOP BOTTOM P PX PY cw ch selected_n prev_selected_n
    prev_selected_pts prev_selected_t prev_pts prev_t start_pts start_t start_n key scene
    concatdec_select consumed_samples_n samples_n I SI SP BI PROGRESSIVE TOPFIRST BOTTOMFIRST
    interlace_type AVTB intb source_fps ntsc timeclamp fps tc freq f bdepth xa ya PEAK VOLUME
    CHANNEL PICT_TYPE_I PICT_TYPE_P PICT_TYPE_B PICT_TYPE_S PICT_TYPE_SI PICT_TYPE_SP PICT_TYPE_BI
    fill max mdar NAN INF
    """
    )
)

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>0[xX][0-9A-Fa-f]+"
    r"|(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,3})?"
    r"(?:dB|[munkKMG]i?)?(?![A-Za-z0-9_.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]{0,40})"
    r"|(?P<sign>[-+*/^(),;])"
    r")"
)


@lru_cache(maxsize=4096)
def parse(text: str) -> str:
    """The expression without its white space. Raises ValueError, telling what it should be."""
    if not text.strip() or len(text) > MAX_LENGTH:
        raise ValueError(f"an expression of at most {MAX_LENGTH} letters")
    return "".join(_Parser(_tokens(text)).whole())


def constant(text: str) -> float | None:
    """The value when the text is one plain number, else None."""
    try:
        return float(text)
    except ValueError:
        return None


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            raise ValueError(f"an expression that can be read at {text[at : at + 20].strip()!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; what it passes is what is written."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._out: list[str] = []

    def whole(self) -> list[str]:
        self._list()
        if self._at != len(self._tokens):
            raise ValueError(f"an expression without {self._tokens[self._at][1]!r} where it stands")
        return self._out

    def _list(self) -> None:
        self._sum()
        while self._take(";"):
            self._sum()

    def _sum(self) -> None:
        self._product()
        while self._take("+") or self._take("-"):
            self._product()

    def _product(self) -> None:
        self._power()
        while self._take("*") or self._take("/"):
            self._power()

    def _power(self) -> None:
        self._factor()
        while self._take("^"):
            self._factor()

    def _factor(self) -> None:
        while self._take("+") or self._take("-"):
            pass
        if self._at == len(self._tokens):
            raise ValueError("an expression that does not end in the middle")
        kind, text = self._tokens[self._at]
        if kind == "number":
            self._step()
        elif kind == "name":
            self._step()
            self._name(text)
        elif self._take("("):
            self._nested()
        else:
            raise ValueError(f"an expression without {text!r} where it stands")

    def _name(self, name: str) -> None:
        if self._take("("):
            if name not in FUNCTIONS:
                raise ValueError(f"an expression without the function {name}")
            self._nested()
        elif name not in NAMES:
            raise ValueError(f"an expression without {name}, which no filter knows")

    def _nested(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"an expression nested at most {MAX_DEPTH} deep")
        self._list()
        while self._take(","):
            self._list()
        if not self._take(")"):
            raise ValueError("an expression whose brackets are closed")
        self._depth -= 1

    def _take(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign):
            self._step()
            return True
        return False

    def _step(self) -> None:
        self._out.append(self._tokens[self._at][1])
        self._at += 1
