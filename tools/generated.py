"""Writes what is made from the declared routes, models and error codes: `make openapi`.

With `--check` nothing is written: it fails when a file is stale (`make lint`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools import openapi, rewrites, route_table, typescript

ROOT = Path(__file__).parent.parent
FILES: dict[Path, Callable[[], str]] = {
    ROOT / "lib" / "http" / "service" / "openapi.yaml": openapi.text,
    rewrites.PATH: rewrites.text,
    route_table.README: route_table.readme,
    route_table.ERRORS: route_table.errors,
    typescript.PATH: typescript.text,
}


def stale() -> dict[Path, str]:
    """The files that are not what they should be, and what they should be."""
    texts = {path: make() for path, make in FILES.items()}
    return {
        path: text for path, text in texts.items() if not path.exists() or path.read_text() != text
    }


def main() -> None:
    """Write the files, or check them."""
    files = stale()
    if "--check" in sys.argv[1:]:
        if files:
            names = ", ".join(str(path.relative_to(ROOT)) for path in files)
            sys.exit(f"Stale: {names}. Run `make openapi`.")
        return
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
