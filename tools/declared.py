"""The routes that the files in api/ declare."""

from __future__ import annotations

import importlib
from pathlib import Path

from lib.http.routes.declaration import Route

ROOT = Path(__file__).parent.parent


def functions() -> dict[str, list[Route]]:
    """Each function's routes, by the name of its file."""
    names = sorted(path.stem for path in (ROOT / "api").glob("[!_]*.py"))
    return {name: importlib.import_module(f"api.{name}").route.routes for name in names}


def documented() -> list[Route]:
    """The routes that callers use, in the order of the documentation's groups."""
    from tools.openapi_docs import TAGS

    routes = [route for routes in functions().values() for route in routes if not route.internal]
    return sorted(routes, key=lambda route: list(TAGS).index(route.tag))
