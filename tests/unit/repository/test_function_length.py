"""Functions stay short enough to read without scrolling."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("api", "bench", "lib", "local", "standins", "tools")
MAX_LINES = 60


def test_no_function_is_longer_than_a_screen() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert [each for path in paths for each in longer(path.read_text())] == []


@pytest.mark.parametrize(("lines", "names"), [(60, []), (61, ["long"])])
def test_a_function_past_the_limit_is_found(lines: int, names: list[str]) -> None:
    body = "    pass\n" * (lines - 1)
    assert [name for name, _ in longer(f"def long():\n{body}")] == names


def longer(source: str) -> Iterator[tuple[str, int]]:
    """The name and the number of lines of each function of more than MAX_LINES."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_LINES:
                yield node.name, lines
