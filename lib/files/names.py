"""File names as callers see them: labels, kept apart from the names of stored objects.

A label is what its owner calls a file, in any script. It is shown and is the name of downloads, and
never becomes a path. The name of a stored object is made of ASCII letters, digits, `-` and `_`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

MAX_BYTES = 255
"""Of a label in UTF-8: what file systems take."""
CUT = "…"
"""Stands in a label for what did not fit."""
UNNAMED = "file"
OUTPUT = "output"
"""What the output of an input without a name is called."""
STORED_STEM = 80
"""Characters of a label that the name of its stored object repeats."""
STORED_PREFIX = re.compile(r"^\d{8}-\d{6}-[0-9a-f]{8}-")
"""What an upload's stored name begins with."""

_SEPARATORS = re.compile(r"[/\\]+")
_SPACED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Embeddings, overrides, isolates and marks that change the order in which a name is shown; the byte
# order mark; what no text may hold.
_DROPPED = re.compile(
    "[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,12}\Z")
JOINER = "\u200d"
"""Makes one emoji of several, and shapes letters of some scripts."""
MAX_CHARACTER = 32
"""Code points that one character may have; longer ones are cut."""


def label(name: str) -> str:
    """A caller's name for a file as one clean line of at most MAX_BYTES; UNNAMED if none is left.

    Its extension survives where a long name is cut.
    """
    text = name.encode("utf-8", "replace").decode()
    text = _DROPPED.sub("", _SPACED.sub(" ", unicodedata.normalize("NFC", text)))
    parts = [part for part in _SEPARATORS.split(text.strip()) if part.strip(". ")]
    text = "_".join(parts).strip()
    return _fitted(*_split(text)) if text else UNNAMED


def label_of_url(url: str) -> str:
    """The label of a file by its URL: the last segment of the path, decoded; else the host."""
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    return label(unquote(path.rpartition("/")[2], errors="replace"))


def output_label(source: str, extension: str) -> str:
    """The label of what is made of a file: its label, with the new extension."""
    stem, _ = _split(label(source) if source else OUTPUT)
    return _fitted(stem or OUTPUT, f".{extension}")


def extension(name: str) -> str:
    """A name's extension in lower case, without its dot; empty when it has none."""
    return _split(name)[1][1:].lower()


def stored_stem(name: str, default: str = UNNAMED) -> str:
    """What the name of a stored object repeats of a label: ASCII letters, digits, `-` and `_`."""
    stem, _ = _split(name)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:STORED_STEM].strip("-") or default


def label_in_row(filename: str, object_name: str) -> str:
    """The label in a row of app.jobs; rows of earlier versions hold the stored name there."""
    if filename == object_name.rpartition("/")[2]:
        return STORED_PREFIX.sub("", filename) or UNNAMED
    return filename


def _split(name: str) -> tuple[str, str]:
    """A name's stem and its extension with the dot, either of which may be empty."""
    match = _EXTENSION.search(name)
    return (name[: match.start()], match[0]) if match else (name, "")


def _fitted(stem: str, suffix: str) -> str:
    """Both together, with as much of the stem as there is room for, cut between characters."""
    room = MAX_BYTES - len(suffix.encode())
    if len(stem.encode()) <= room:
        return stem + suffix
    head = stem.encode()[: room - len(CUT.encode())].decode("utf-8", "ignore")
    for at in range(len(head), max(0, len(head) - MAX_CHARACTER), -1):
        if not _continues(stem[at]) and stem[at - 1] != JOINER:
            head = stem[:at]
            break
    return head.rstrip() + CUT + suffix


def _continues(letter: str) -> bool:
    """Whether a code point belongs to the character before it."""
    return letter in f"{JOINER}\ufe0e\ufe0f" or unicodedata.category(letter).startswith("M")
