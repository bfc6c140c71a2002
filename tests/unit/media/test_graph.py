"""Filter graphs: what is printed reads back as the same tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.media.graph import Filter, GraphError, parse, show

NAMES = some.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = some.text(some.characters(min_codepoint=32, max_codepoint=126), min_size=1)
FILTERS = some.builds(
    Filter,
    NAMES,
    some.lists(some.tuples(NAMES, VALUES), max_size=3).map(tuple),
    some.lists(NAMES, max_size=2).map(tuple),
    some.lists(NAMES, max_size=2).map(tuple),
)
GRAPHS = some.lists(
    some.lists(FILTERS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3
).map(tuple)


@given(GRAPHS)
def test_printed_and_read_back(graph: tuple[tuple[Filter, ...], ...]) -> None:
    assert parse(show(graph)) == graph


@pytest.mark.parametrize("text", ["", ";", "[a", "scale=", "a,,b", "scale='1", "[ü]scale", "a b"])
def test_what_is_no_graph(text: str) -> None:
    try:
        parsed = parse(text)
    except GraphError:
        return
    assert parse(show(parsed)) == parsed
