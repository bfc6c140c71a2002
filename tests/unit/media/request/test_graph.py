"""Filter graphs: read as ffmpeg reads them, and written so that it reads the same again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.media.request.graph import Filter, Graph, GraphError, parse, show

_names = st.builds(str.__add__, st.sampled_from("az"), st.text("az09_", max_size=8))
_labels = st.lists(st.text("AZaz09_:.-", min_size=1, max_size=6), max_size=2).map(tuple)
_values = st.text(st.sampled_from(" ab1\\':;,[]=%/\n\té"), max_size=8)
_options = st.lists(st.tuples(_names, _values), max_size=3).map(tuple)
_filters = st.builds(Filter, name=_names, options=_options, inputs=_labels, outputs=_labels)
_graphs = st.lists(st.lists(_filters, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(_graphs.map(tuple))
def test_what_is_shown_is_read_back_the_same(tree: Graph) -> None:
    assert parse(show(tree)) == tree


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab01 \\':;,[]=@\n"), max_size=30))
def test_any_text_is_read_stably_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except GraphError as error:
        assert str(error)
        return
    assert parse(show(tree)) == tree


def test_a_value_that_looks_like_an_option() -> None:
    tree = ((Filter("a", ((None, "b=1"),)),),)
    assert parse(show(tree)) == tree


def test_quotes_and_escapes() -> None:
    tree = parse(r"[0:v] crop='min(iw,ih)':100 , scale=w=a\\\:b [v] ; hflip ;")
    assert tree == (
        (
            Filter("crop", ((None, "min(iw,ih)"), (None, "100")), ("0:v",)),
            Filter("scale", (("w", "a:b"),), (), ("v",)),
        ),
        (Filter("hflip"),),
    )


@pytest.mark.parametrize(
    "text", ["", ",", "a,", "[v", "[a b]c", "a='x", "a=1[v]]", "=", "[]a", "a@", "a@b c"]
)
def test_what_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(GraphError):
        parse(text)
