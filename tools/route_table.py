"""The README's table of routes and the docs' table of errors, from their declarations."""

from __future__ import annotations

from pathlib import Path

from lib.platform.error_codes import CODES
from tools import declared

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
ERRORS = ROOT / "web" / "docs" / "errors.md"


def readme() -> str:
    """The README with the routes as they are declared."""
    rows = [
        f"| `{route.method} {route.path}` | {route.summary} |" for route in declared.documented()
    ]
    table = ["| route | what it does |", "|---|---|", *rows]
    return _between(README.read_text(), "routes", "the declarations in api/", table)


def errors() -> str:
    """The page of errors with the codes as they are."""
    rows = [
        f"| `{name}` | {code.status} | {code.meaning} | {code.action} |"
        for name, code in sorted(CODES.items(), key=lambda item: item[1].status)
    ]
    table = ["| code | status | what it means | what to do |", "|---|---|---|---|", *rows]
    return _between(ERRORS.read_text(), "codes", "lib/platform/error_codes.py", table)


def _between(text: str, name: str, source: str, lines: list[str]) -> str:
    begin = f"<!-- {name}: from {source} by `make openapi` -->"
    end = f"<!-- end of {name} -->"
    before, marker, rest = text.partition(begin)
    if not marker or end not in rest:
        raise ValueError(f"{begin} … {end} is missing")
    return "\n".join([before + begin, "", *lines, "", end + rest.partition(end)[2]])
