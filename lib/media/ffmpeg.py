"""Which ffmpeg runs, and whether it is recent enough to be let near strangers' files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

BUNDLED = Path(__file__).parent.parent.parent / "bin" / "ffmpeg"
"""Where the deployment puts the binary for the functions that run it."""
FLOOR = {7: (7, 1, 5), 8: (8, 0, 3)}
"""The first release of each line without CVE-2026-8461 and CVE-2026-40962; 8.1 needs 8.1.2."""


@cache
def binary() -> Path:
    """The ffmpeg to run: FFMPEG_PATH, the deployment's own, or the one of imageio-ffmpeg."""
    named = os.environ.get("FFMPEG_PATH")
    if named:
        return Path(named)
    if BUNDLED.exists():
        return _executable(BUNDLED)
    import imageio_ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def build() -> str:
    """The first line that our ffmpeg says of itself: version and build."""
    said = subprocess.run(
        [str(binary()), "-version"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    return said.partition("\n")[0].partition(" Copyright")[0]


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def version(program: Path | None = None) -> str:
    """The version of `program` (else of `binary`), such as "9.0.2"."""
    report = subprocess.run(
        [str(program or binary()), "-version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    match = re.match(r"ffmpeg version n?(\d+(?:\.\d+)*)", report)
    if match is None:
        raise RuntimeError("ffmpeg does not state a release version")
    return match[1]


def meets_floor(stated: str) -> bool:
    """Whether a version has the security fixes we rely on."""
    parts = tuple(int(part) for part in stated.split("."))
    if parts[0] > 8:
        return True
    if parts[:2] == (8, 1):
        return parts >= (8, 1, 2)
    return parts[0] in FLOOR and parts >= FLOOR[parts[0]]


def _executable(path: Path) -> Path:
    """`path` made executable, since bundlers drop the bit; a copy where it can't be."""
    if os.access(path, os.X_OK):
        return path
    try:
        path.chmod(0o755)
    except OSError:
        copy = Path(tempfile.gettempdir(), "ffmpeg")
        if not copy.exists() or copy.stat().st_size != path.stat().st_size:
            partial = copy.with_suffix(f".{os.getpid()}")
            shutil.copyfile(path, partial)
            partial.chmod(0o755)
            partial.rename(copy)
        return copy
    return path
