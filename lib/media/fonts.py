"""The packaged fonts: where they are, how fontconfig finds them, and how large they draw.

Machines (and serverless functions) have no fonts of their own, and ffmpeg then burns nothing in
without a word. Only these fonts are ever seen, so a text looks the same wherever the service runs.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from lib.media import scratch

BUNDLED = Path(__file__).parent.parent.parent / "bin" / "fonts"
"""Where the deployment puts them; one machine has them as packages (requirements-fonts.txt)."""
PACKAGES = (
    "fontpkg_anton", "fontpkg_arimo", "fontpkg_bebas_neue", "fontpkg_lora", "fontpkg_montserrat",
    "fontpkg_open_sans", "fontpkg_oswald", "fontpkg_roboto", "fontpkg_roboto_mono",
    "manimgx_fonts", "manimgx_fonts_cjk",
)  # fmt: skip


class Family(NamedTuple):
    """A packaged family, its extent in ems, and the names it replaces."""

    name: str
    ascent: float
    """OS/2 winAscent by unitsPerEm, and so the next: libass' font size is the sum, not an em."""
    descent: float
    replaces: tuple[str, ...] = ()
    lacks: str = ""
    """Greek and Cyrillic letters it has none of, as a class of a regular expression."""


GREEK, CYRILLIC = "\u0370-\u03ff\u1f00-\u1fff", "\u0400-\u052f"
FAMILIES = (
    Family("Arimo", 1.043, 0.389, ("Arial", "Helvetica", "Liberation Sans", "sans-serif", "Sans")),
    Family("Anton", 1.404, 0.329, ("Impact",), GREEK + CYRILLIC),
    Family("Bebas Neue", 0.95, 0.35, (), GREEK + CYRILLIC),
    Family("Lora", 1.206, 0.294, ("Times New Roman", "Times", "Georgia", "serif", "DejaVu Serif"),
           GREEK),
    Family("Montserrat", 1.109, 0.453, (), GREEK),
    Family("Noto Sans", 1.124, 0.395, ("DejaVu Sans", "Verdana", "Tahoma", "Segoe UI", "Calibri")),
    Family("Open Sans", 1.124, 0.318),
    Family("Oswald", 1.325, 0.377, (), GREEK),
    Family("Roboto", 0.95, 0.25),
    Family("Roboto Mono", 1.048, 0.271, ("Courier New", "Courier", "monospace", "Consolas",
                                  "DejaVu Sans Mono")),
)  # fmt: skip
DEFAULT = FAMILIES[0]


class Script(NamedTuple):
    """A script the families above lack: its letters, and the font that has them."""

    letters: str
    """A class of a regular expression."""
    name: str
    ascent: float
    descent: float


SCRIPTS = (
    Script("\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc", "Noto Sans Arabic",
           1.431, 0.738),
    Script("\u0590-\u05ff\ufb1d-\ufb4f", "Noto Sans Hebrew", 1.068, 0.292),
    Script("\u0900-\u097f\ua8e0-\ua8ff", "Noto Sans Devanagari", 1.348, 0.558),
    Script("\u0980-\u09ff", "Noto Sans Bengali", 0.995, 0.408),
    Script("\u0b80-\u0bff", "Noto Sans Tamil", 0.87, 0.37),
    Script("\u0c00-\u0c7f", "Noto Sans Telugu", 0.995, 0.483),
    Script("\u0e00-\u0e7f", "Noto Sans Thai", 1.061, 0.45),
    Script("\u10a0-\u10ff", "Noto Sans Georgian", 1.086, 0.292),
    Script("\u0530-\u058f", "Noto Sans Armenian", 1.068, 0.292),
    Script("\u1780-\u17ff", "Noto Sans Khmer", 1.155, 0.707),
    Script("\u0a00-\u0a7f", "Noto Sans Gurmukhi", 0.896, 0.408),
    Script("\u0a80-\u0aff", "Noto Sans Gujarati", 1.076, 0.408),
    Script("\u0b00-\u0b7f", "Noto Sans Oriya", 1.069, 0.293),
    Script("\u0c80-\u0cff", "Noto Sans Kannada", 1.105, 0.54),
    Script("\u0d00-\u0d7f", "Noto Sans Malayalam", 0.864, 0.383),
    Script("\u0d80-\u0dff", "Noto Sans Sinhala", 1.011, 0.301),
    Script("\u0e80-\u0eff", "Noto Sans Lao", 1.183, 0.462),
    Script("\u1000-\u109f\uaa60-\uaa7f", "Noto Sans Myanmar", 1.324, 0.86),
    Script("\u1200-\u139f", "Noto Sans Ethiopic", 1.069, 0.293),
    Script("\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff",
           "Noto Sans CJK SC", 1.16, 0.288),
    Script("\u2600-\u27bf\U0001f000-\U0001faff", "Noto Emoji", 0.928, 0.244),
)  # fmt: skip
"""Each with the font that is named for it outright, so that it is drawn as large as the others."""
CJK, EMOJI = SCRIPTS[-2:]
JAPANESE = CJK._replace(name="Noto Sans CJK JP")
KOREAN = CJK._replace(name="Noto Sans CJK KR")
JOINERS = "\u200c\u200d\ufe0e\ufe0f\U000e0020-\U000e007f"
"""Signs that act on the letters next to them, and must not be cut from these."""

_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]")
_RESOLVED = {name.lower(): each for each in FAMILIES for name in (each.name, *each.replaces)}


def resolve(name: str) -> Family:
    """The packaged family for a font's name; the default for one that is not packaged."""
    return _RESOLVED.get(name.strip().lower(), DEFAULT)


def known(name: str) -> bool:
    """Whether a font of this name, or its stand-in, is packaged."""
    return name.strip().lower() in _RESOLVED or name in {each.name for each in SCRIPTS}


def script(text: str) -> Script | None:
    """The script whose font draws most of a text; None where the named families do.

    For drawtext, which draws with one font. Those of Chinese, Japanese and Korean have Latin too.
    """
    letters: dict[Script | None, int] = {}
    for words, each_script in runs(text):
        count = sum(map(str.isalpha, words)) if each_script is None else len(words)
        letters[each_script] = letters.get(each_script, 0) + count
    asian = next((each for each in letters if each and each.letters == CJK.letters), None)
    if asian:
        return asian
    if not any(count for each, count in letters.items() if each is not EMOJI):
        return EMOJI if EMOJI in letters else None
    letters.pop(EMOJI, None)
    return max(letters, key=lambda each: letters[each])


def single(name: str, text: str) -> tuple[str, str]:
    """The one font that draws a text best, and the text without emoji that it lacks."""
    dominant, family = script(text), resolve(name)
    if dominant is EMOJI:
        return dominant.name, text
    text = "".join(words for words, each in runs(text) if each is not EMOJI)
    if dominant:
        return dominant.name, text
    if family.lacks and _any_of(family.lacks).search(text):
        family = DEFAULT
    return family.name, text


def runs(text: str, whole: str = "") -> list[tuple[str, Script | None]]:
    """A text cut where its script changes; None is what the named family has itself.

    `whole` is what the text is a line of: it tells in which language Chinese letters are.
    """
    cut: list[tuple[str, Script | None]] = []
    asian: Script | None = None
    at = 0
    for match in _script_runs().finditer(text):
        if match.start() > at:
            cut.append((text[at : match.start()], None))
        current = SCRIPTS[int(match.lastindex or 1) - 1]
        if current is CJK:
            asian = asian or _language(whole or text)
            current = asian
        cut.append((match[0], current))
        at = match.end()
    return cut + ([(text[at:], None)] if at < len(text) else [])


@cache
def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{letters}]")


@cache
def _script_runs() -> re.Pattern[str]:
    """Made at first use: it takes as long as a third of all our imports."""
    return re.compile(
        "|".join(f"([{script.letters}][{script.letters}{JOINERS}]*)" for script in SCRIPTS)
    )


@lru_cache(maxsize=16)
def _language(text: str) -> Script:
    """Japanese has kana, Korean Hangul; without either, Chinese letters are Chinese.

    Cached, because each line of a text asks for the language of the whole text.
    """
    if _KANA.search(text):
        return JAPANESE
    return KOREAN if _HANGUL.search(text) else CJK


@cache
def folders() -> tuple[Path, ...]:
    """Where the font files are. Raises RuntimeError when none are installed."""
    if BUNDLED.is_dir():
        return (BUNDLED,)
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    paths = tuple(
        Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()
    )
    if not paths:
        raise RuntimeError("no fonts are installed: pip install -r requirements-fonts.txt")
    return paths


CACHE = "cache"
"""Where fontconfig keeps what it found in the fonts, beside its configuration: else each run of
ffmpeg would read them all again. `run` fills it once, since a sandboxed ffmpeg can't."""


@cache
def configuration() -> Path:
    """fontconfig's configuration, written once for this process: our folders and our names."""
    places = "".join(f"<dir>{folder}</dir>" for folder in folders())
    names = "".join(
        f'<match target="pattern"><test name="family"><string>{other}</string></test>'
        f'<edit name="family" mode="prepend" binding="same"><string>{each.name}</string></edit>'
        "</match>"
        for each in FAMILIES
        for other in each.replaces
    )
    folder = scratch.lasting("fonts")
    (folder / CACHE).mkdir()
    text = (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"{places}<cachedir>{folder / CACHE}</cachedir>{names}"
        '<match target="pattern"><edit name="family" mode="append_last">'
        f"<string>{DEFAULT.name}</string></edit></match></fontconfig>"
    )
    path = folder / "fonts.conf"
    path.write_text(text)
    return path


def environment() -> dict[str, str]:
    """The environment that ffmpeg needs to find the fonts, and nothing else."""
    return {"FONTCONFIG_FILE": str(configuration())}


def readable() -> list[Path]:
    """What ffmpeg must be let read to use them."""
    return [configuration().parent, *folders()]
