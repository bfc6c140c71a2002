"""Test modules share code through tests/rigs only, never by importing each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py"))
MAX_FILES = 15
"""Python files in one folder, not counting `__init__.py`."""


def imported(source: str) -> Iterator[str]:
    """The full names of the modules and symbols that a module imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = "." * node.level + (node.module or "")
            yield from (f"{parent}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_imports_from_tests_are_rigs(module: str) -> None:
    names = list(imported((TESTS / module).read_text()))
    assert [name for name in names if name.startswith(".")] == [], "use absolute imports"
    own = [name for name in names if name.partition(".")[0] == "tests"]
    assert [name for name in own if not name.startswith("tests.rigs.")] == []


def test_rigs_hold_no_tests() -> None:
    assert list((TESTS / "rigs").rglob("test_*.py")) == []
    assert list((TESTS / "rigs").rglob("conftest.py")) == []


def test_folders_are_small_enough_to_read() -> None:
    large = {
        str(folder.relative_to(TESTS)): len(files)
        for folder in (TESTS, *TESTS.rglob("*"))
        if folder.is_dir()
        and len(files := set(folder.glob("*.py")) - {folder / "__init__.py"}) > MAX_FILES
    }
    assert large == {}
