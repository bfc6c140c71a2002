"""Filter graphs: parsed into a tree as ffmpeg parses them, and printed back from the tree.

The grammar is libavfilter's (ffmpeg-filters, "Filtergraph description"): chains separated by `;`,
filters by `,`, link labels in brackets, options after `=` separated by `:`, and two levels of
quoting, each with `'…'` and backslashes.
"""

from __future__ import annotations

import re

import msgspec

from lib.media.request.policy import SOURCES as SOURCE_FILTERS

_NAME = re.compile(r"[A-Za-z0-9_]+")
_INSTANCE = re.compile(r"@[A-Za-z0-9_]{1,40}")
_LABEL = re.compile(r"[A-Za-z0-9_:.-]{1,40}")
_KEY = re.compile(r"[A-Za-z0-9_-]+")


class GraphError(Exception):
    """The text is not a filter graph; the sentence says where it ends to be one."""


class Filter(msgspec.Struct, frozen=True):
    """One filter: link labels, name, options in order (the key is None when given by position)."""

    name: str
    options: tuple[tuple[str | None, str], ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


Options = tuple[tuple[str | None, str], ...]
"""Options in order; the key is None when an option was given by position."""
Graph = tuple[tuple[Filter, ...], ...]
"""Chains of filters."""
SOURCES = frozenset(SOURCE_FILTERS)
"""Filters that take nothing in."""


def parse(text: str) -> Graph:
    """The tree of a filter graph. Raises GraphError."""
    reader = _Reader(text)
    chains: list[tuple[Filter, ...]] = []
    while True:
        chain = [_filter(reader)]
        while reader.take(","):
            chain.append(_filter(reader))
        chains.append(tuple(chain))
        if not reader.take(";"):
            break
        if reader.at_end():  # a trailing ";" is harmless
            break
    if not reader.at_end():
        raise GraphError(f"it can't be read from {reader.rest()[:30]!r} on")
    return tuple(chains)


def open_outputs(graph: Graph) -> list[str]:
    """The labels that the graph ends in: given, and not taken up by another filter."""
    inputs = {label for chain in graph for each in chain for label in each.inputs}
    outputs = (label for chain in graph for each in chain for label in each.outputs)
    return [label for label in outputs if label not in inputs]


def outside_labels(graph: Graph) -> list[str]:
    """The labels that the graph takes from outside: used, and given by none of its filters."""
    outputs = {label for chain in graph for each in chain for label in each.outputs}
    used = (label for chain in graph for each in chain for label in each.inputs)
    return [label for label in used if label not in outputs]


def labels(graph: Graph) -> set[str]:
    """Every label in the graph."""
    return {label for chain in graph for each in chain for label in (*each.inputs, *each.outputs)}


def joined(graph: Graph, start: str, end: str) -> Graph:
    """A graph with one open end on either side, tied to the labels `start` and `end`.

    Open ends are unlabelled, or called in and out as in ffmpeg's own simple graphs.
    """
    outputs = {label for chain in graph for each in chain for label in each.outputs}
    chains = [list(chain) for chain in graph]
    for chain in chains:
        first = chain[0]
        if "in" in first.inputs and "in" not in outputs:
            renamed = tuple(start if label == "in" else label for label in first.inputs)
            chain[0] = msgspec.structs.replace(first, inputs=renamed)
            break
        if not first.inputs and first.name not in SOURCES:
            chain[0] = msgspec.structs.replace(first, inputs=(start,))
            break
    for chain in chains:
        last = chain[-1]
        if not last.outputs or last.outputs == ("out",):
            chain[-1] = msgspec.structs.replace(last, outputs=(end,))
            break
    return tuple(map(tuple, chains))


def show(graph: Graph) -> str:
    """The text of a graph, quoted so that ffmpeg reads exactly this tree."""
    return ";".join(",".join(_show(each) for each in chain) for chain in graph)


def _show(each: Filter) -> str:
    text = "".join(f"[{label}]" for label in each.inputs) + each.name
    if each.options:
        options = ":".join(
            f"{key}=" + _escape(value, "\\':") if key else _escape(value, "\\':=")
            for key, value in each.options
        )
        text += "=" + _escape(options, "\\'[],;")
    return text + "".join(f"[{label}]" for label in each.outputs)


def _escape(text: str, special: str) -> str:
    last = len(text) - 1
    return "".join(
        # White space at the ends would be dropped.
        f"\\{letter}" if letter in special or (at in (0, last) and letter.isspace()) else letter
        for at, letter in enumerate(text)
    )


def _filter(reader: _Reader) -> Filter:
    inputs = _labels(reader)
    name = reader.match(_NAME)
    if name is None:
        raise GraphError(f"a filter's name is missing at {reader.rest()[:30]!r}")
    reader.match(_INSTANCE)  # the name of the instance, which only commands need
    options: tuple[tuple[str | None, str], ...] = ()
    if reader.take("="):
        options = _options(reader.token("[],;"))
    return Filter(name, options, inputs, _labels(reader))


def _labels(reader: _Reader) -> tuple[str, ...]:
    labels: list[str] = []
    while reader.take("["):
        label = reader.match(_LABEL)
        if label is None or not reader.take("]"):
            raise GraphError("a link label may hold letters, digits and : . _ - only")
        labels.append(label)
    return tuple(labels)


def _options(text: str) -> tuple[tuple[str | None, str], ...]:
    reader = _Reader(text)
    options: list[tuple[str | None, str]] = []
    while True:
        key = reader.match_key()
        options.append((key, reader.token(":")))
        if not reader.take(":"):
            return tuple(options)


class _Reader:
    """A text and a position in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        return self._text[self._at :]

    def at_end(self) -> bool:
        self._skip()
        return self._at >= len(self._text)

    def take(self, letter: str) -> bool:
        self._skip()
        if self._text[self._at : self._at + 1] != letter:
            return False
        self._at += 1
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        self._skip()
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def match_key(self) -> str | None:
        self._skip()
        match = _KEY.match(self._text, self._at)
        if match is None:
            return None
        end = match.end()
        while self._text[end : end + 1].isspace():
            end += 1
        if self._text[end : end + 1] != "=":
            return None
        self._at = end + 1
        return match[0]

    def token(self, terminators: str) -> str:
        """As libavutil's av_get_token: up to a terminator, one level of quoting taken off."""
        self._skip()
        letters: list[str] = []
        length = 0  # white space after this many letters is dropped, unless it was quoted
        while self._at < len(self._text) and self._text[self._at] not in terminators:
            letter = self._text[self._at]
            self._at += 1
            if letter == "\\" and self._at < len(self._text):
                letters.append(self._text[self._at])
                self._at += 1
                length = len(letters)
            elif letter == "'":
                end = self._text.find("'", self._at)
                if end < 0:
                    raise GraphError("a quote ' is not closed")
                letters += self._text[self._at : end]
                self._at = end + 1
                length = len(letters)
            else:
                letters.append(letter)
                if not letter.isspace():
                    length = len(letters)
        return "".join(letters[:length])

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
