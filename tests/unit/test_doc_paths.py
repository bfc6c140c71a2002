"""Every file that the documents name exists, and every package has its line in dependencies.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.deployment import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in (
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
        *(ROOT / name for name in ("CHANGELOG.md", "SECURITY.md")),
        *(ROOT / ".github").glob("*.md"),
        *(path for path in (ROOT / "docs").rglob("*.md") if path.name != "allowed.md"),
    )
)
BASES = {"docs/rooms/media.md": "lib/media", "docs/rooms/web.md": "web"}
"""Where the paths of a room's page start, besides the project."""
CREATED = ("bin", "public", "node_modules")
"""Folders that commands create."""
PLACEHOLDER = re.compile(r"(?<![A-Za-z])(?:NAME|ROOM|GROUP|TIME|VERSION)(?=[/_.]|$)")


def text_of(document: Path) -> str:
    """A document without its blocks of code."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / document).read_text(), flags=re.M | re.S)
    return re.sub(r"^    .*$", "", text, flags=re.M)


def paths(document: Path) -> Iterator[str]:
    """What stands in backticks and is a path of the project."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - set(CREATED)
    for code in re.findall(r"`([^`\n]+)`", text_of(document)):
        first, slash, _ = code.partition("/")
        of_room = str(document) in BASES and (ROOT / BASES[str(document)] / first).exists()
        file = re.fullmatch(r"[\w.-]+\.(py|md|json|sql|toml|ini|txt|yaml|yml|example)", code)
        plain = re.fullmatch(r"[\w.][\w./*{},-]*", code)
        if file or (slash and plain and (first in folders or of_room)):
            yield code


def exists(document: Path, code: str) -> bool:
    """Whether a path leads somewhere: from the project, its room, or anywhere for a bare name."""
    pattern = PLACEHOLDER.sub("*", code).rstrip("/")
    starts = [ROOT, ROOT / BASES.get(str(document), ".")]
    choices = re.match(r"(.*)\{(.*)\}(.*)", pattern)
    if choices:
        return all(exists(document, f"{choices[1]}{each}*") for each in choices[2].split(","))
    if "/" not in pattern and any(find(ROOT / top, pattern) for top in ("tests", "lib", "web/src")):
        return True
    if PLACEHOLDER.search(code):  # a new file: its folder is there
        pattern = pattern.rpartition("/")[0]
    return any(
        next(start.glob(each), None) for start in starts for each in (pattern, f"{pattern}.py")
    )


def find(folder: Path, name: str) -> bool:
    """Whether a file of this name is anywhere below a folder."""
    return any(path.name == name for path in folder.rglob(name) if "node_modules" not in path.parts)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    assert [code for code in paths(document) if not exists(document, code)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_within_the_project_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(document))
    here = (ROOT / document).parent
    assert [each for each in targets if ":" not in each and not (here / each).exists()] == []


def test_paths_are_found_at_all() -> None:
    assert sum(1 for document in DOCUMENTS for _ in paths(document)) > 150


def test_the_code_cites_sections_that_the_contract_has() -> None:
    headings = re.findall(r"^#+ ([\d.]+?)\.? ", (ROOT / "docs/contract.md").read_text(), re.M)
    cited = set()
    for folder in ("api", "lib", "local", "tests", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            cited |= set(re.findall(r"contract\.md,\s+section ([\d.]+\d|\d)", path.read_text()))
    assert len(cited) > 5
    assert cited <= set(headings)


def test_every_package_has_its_reason() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    reasons = set(re.findall(r"[\w@/.*-]+", " ".join(re.findall(r"^\| (.*?) \|", page, re.M))))
    lines = {
        re.split(r"[=\[;]", line)[0].strip()
        for path in (ROOT / "tools/requirements").glob("*.in")
        for line in path.read_text().splitlines()
        if line and not line.startswith(("#", "-r "))
    }
    for path in ("web", "tests/clients/js", "tests/deploy/js", "tools/vercel"):
        package = json.loads((ROOT / path / "package.json").read_text())
        lines |= {*package.get("dependencies", ()), *package.get("devDependencies", ())}
    fonts = {name for name in lines if name.startswith("fontpkg-")}
    assert lines - fonts - reasons == set()
