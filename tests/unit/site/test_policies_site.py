"""The policy and terms that the site shows are those that people accept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SEEDED = re.compile(r"insert into app\.policies .*?values \('([^']+)', '(\d{4}-\d\d-\d\d)", re.S)


def seeded() -> tuple[str, str]:
    """Version and day of the newest policy that the migrations bring."""
    text = "".join(
        path.read_text() for path in sorted((ROOT / "supabase" / "migrations").glob("*.sql"))
    )
    version, day = max(SEEDED.findall(text), key=lambda result: str(result[1]))
    return version, day


@pytest.mark.parametrize("folder", ["policies", "terms"])
def test_each_version_says_which_it_is(folder: str) -> None:
    files = sorted((ROOT / "web" / folder).glob("*.md"))
    heads = {path.stem: yaml.safe_load(path.read_text().split("---")[1]) for path in files}
    assert all(head["version"] == name for name, head in heads.items())
    newest = max(heads.values(), key=lambda head: str(head["date"]))
    assert (newest["version"], str(newest["date"])) == seeded()


@pytest.mark.parametrize(
    "promised",
    ["a name, an email address and a password", "13 or older", "never see a card number",
     "3 days", "7 days", "30 days", "Nobody looks at your files", "sell and rent no data",
     "script, font or tracker", "encrypted", "as long as the account", "export, correct and delete",
     "only mails that matter", "new version and date", "{operator}", "{place}", "{support}"],
)  # fmt: skip
def test_the_promises_stand_in_it(promised: str) -> None:
    text = (ROOT / "web" / "policies" / "1.md").read_text()
    assert promised in " ".join(text.split())
