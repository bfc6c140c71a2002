"""Pins every package, with the hashes of its files: `python -m tools.pins [--upgrade]`.

Reads the short lists in tools/requirements and writes the requirements files that pip and Vercel
install. The pins hold for Python 3.11 to 3.14 on Linux and macOS, transitive packages included.
A pin that is already written stays unless a list or `--upgrade` changes it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "tools" / "requirements"
FILES: dict[str, tuple[str, ...]] = {
    "requirements-pip": (),
    "requirements-node": (),
    "requirements": (),
    "requirements-ffmpeg": (),
    "requirements-fonts": (),
    "requirements-local": ("requirements", "requirements-ffmpeg", "requirements-fonts"),
    "requirements-dev": ("requirements-local",),
}
"""What is written, in order, and the files whose pins it must share."""


def main() -> None:
    """Write all files."""
    for name, shared in FILES.items():
        constraints = [part for each in shared for part in ("--constraints", f"{each}.txt")]
        subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-config"),
                *("--universal", "--python-version", "3.11", "--generate-hashes"),
                *("--custom-compile-command", "make pins", "--no-annotate"),
                *constraints,
                *("--output-file", f"{name}.txt", str((LISTS / f"{name}.in").relative_to(ROOT))),
                *sys.argv[1:],
            ],
            cwd=ROOT,
            check=True,
        )


if __name__ == "__main__":
    main()
