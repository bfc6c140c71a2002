"""Writes the README's part about deploying from the page of the docs, `make guide`: one source."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "web" / "docs" / "deploy.md"
BEGIN = "<!-- From web/docs/deploy.md by `make guide`. Edit that file. -->"
END = "<!-- The end of web/docs/deploy.md -->"


def part() -> str:
    """The page below a heading of its own: each heading is one level deeper."""
    text = PAGE.read_text().partition("---\n")[2].partition("---\n")[2].strip()
    deeper = re.sub(r"^(#+ [A-Z0-9])", r"#\1", text, flags=re.M)
    return f"{BEGIN}\n\n{deeper}\n\n{END}"


def readme() -> str:
    """The README with the page as it is now."""
    before, _, rest = README.read_text().partition(BEGIN)
    return before + part() + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(readme())
