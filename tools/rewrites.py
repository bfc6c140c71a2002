"""The rewrites of vercel.json: which paths go to which function, from the declared routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools import declared

PATH = Path(__file__).parent.parent / "vercel.json"
REST = "service"
"""The function that gets every path that no other has, and answers what does not exist."""


def text() -> str:
    """vercel.json with the rewrites to functions as they are declared; the rest as it stands."""
    configuration: dict[str, Any] = json.loads(PATH.read_text())
    pages = [
        each for each in configuration["rewrites"] if not each["destination"].startswith("/api/")
    ]
    last = {"source": "/(.*)", "destination": f"/api/{REST}"}
    configuration["rewrites"] = [*rewrites(), *pages, last]
    return json.dumps(configuration, indent=2) + "\n"


def rewrites() -> list[dict[str, str]]:
    """Longer paths come first, since the first rewrite that matches counts.

    A path's fixed beginning goes to its function, with all that is below it, unless a shorter
    beginning of the same function has it already.
    """
    owners = {
        _beginning(route.path): name
        for name, routes in declared.functions().items()
        for route in routes
    }
    needed = {
        path: name
        for path, name in owners.items()
        if name != owners.get(_above(path, owners), REST)
    }
    return [
        {"source": source, "destination": f"/api/{needed[path]}"}
        for path in sorted(needed, key=lambda path: (-path.count("/"), path))
        for source in (path, f"{path}/(.*)")
    ]


def _beginning(path: str) -> str:
    return path.partition("/{")[0]


def _above(path: str, owners: dict[str, str]) -> str:
    """The longest other path that this one is below."""
    parts = path.split("/")
    above = ("/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
    return next((each for each in above if each in owners), "")
