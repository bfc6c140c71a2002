"""A folder with many files has rooms: a reader sees at a glance what is where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("api", "bench", "lib", "local", "standins", "tests", "tools", "web/src")
MAX_FILES = 15
SOURCES = (".py", ".ts", ".tsx")


def test_no_folder_of_many_files_is_without_subfolders() -> None:
    assert [each for folder in FOLDERS for each in crowded(ROOT / folder)] == []


@pytest.mark.parametrize(("files", "subfolder", "result"), [
    (15, False, False), (16, False, True), (16, True, False),
])  # fmt: skip
def test_a_crowded_folder_is_found(
    tmp_path: Path, files: int, subfolder: bool, result: bool
) -> None:
    folder = tmp_path / "room"
    folder.mkdir()
    for number in range(files):
        (folder / f"module{number}.py").touch()
    if subfolder:
        (folder / "inner").mkdir()
        (folder / "inner" / "module.py").touch()
    assert list(crowded(tmp_path)) == ([folder] if result else [])


def crowded(top: Path) -> Iterator[Path]:
    """Folders with more than MAX_FILES source files and no folder of source files in them.

    `__init__.py` does not count.
    """
    for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
        sources = [path for path in folder.iterdir() if path.suffix in SOURCES]
        inner = {path.parent for path in folder.rglob("*") if path.suffix in SOURCES} - {folder}
        if sum(path.name != "__init__.py" for path in sources) > MAX_FILES and not inner:
            yield folder
