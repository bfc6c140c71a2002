"""Names are nouns of the field: a row is `row` and a probe `probe`, not `made` or `found`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("api", "bench", "lib", "local", "standins", "tests", "tools")
BANNED = frozenset({
    "again", "anew", "asked", "cancelled", "found", "given", "gone", "heal", "held", "kept",
    "made", "named", "over", "sent", "shown", "taken", "told", "wanted",
})  # fmt: skip
"""Words that say what happened to a value, or nothing, instead of what it is."""
LIBRARY = {"given": "hypothesis"}
"""Names that a library chose, which may be imported from it."""


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The names that a module binds or reads off an object, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname or LIBRARY.get(alias.name) != node.module:
                    yield alias.asname or alias.name, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((each.asname or each.name, node.lineno) for each in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno


def banned(source: str) -> list[tuple[str, int]]:
    """The names of a module that are banned, also with an underscore before them."""
    return [
        (name, line) for name, line in names(ast.parse(source)) if name.strip("_").lower() in BANNED
    ]


def test_names_are_nouns() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in paths
        for name, line in banned(path.read_text())
    ]
    assert wrong == []


def test_no_module_has_such_a_name() -> None:
    stems = {path.stem for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    assert stems & BANNED == set()


@pytest.mark.parametrize("source", [
    "made = 1",
    "def read(found): ...",
    "def told(): ...",
    "class Kept: ...",
    "row._held = 1",
    "for asked in (): ...",
    "with open('a') as given: ...",
    "read(cancelled=True)",
    "from a import b as taken",
    "from a import given",
    "from hypothesis import settings as given",
    "import made",
    "sizes = [sent for sent in ()]",
    "try: ...\nexcept OSError as gone: ...",
    "match 1:\n    case wanted: ...",
])  # fmt: skip
def test_a_banned_name_is_found(source: str) -> None:
    assert len(banned(source)) == 1


@pytest.mark.parametrize(
    "source", ["'made'", "# found", "overlay = 1", "sent_bytes = 1", "from hypothesis import given"]
)
def test_other_uses_of_the_words_are_not(source: str) -> None:
    assert banned(source) == []
