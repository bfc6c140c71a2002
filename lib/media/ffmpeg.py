"""Which ffmpeg runs, and whether it is recent enough to be let near strangers' files."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from lib.media import scratch

BUNDLED = Path(__file__).parent.parent.parent / "bin" / "ffmpeg.gz"
"""Where the deployment puts the binary for the functions that run it; packed, since together with
the fonts it would pass the platform's limit."""
FLOOR = {7: (7, 1, 5), 8: (8, 0, 3)}
"""The first release of each line without CVE-2026-8461 and CVE-2026-40962; 8.1 needs 8.1.2."""


@cache
def binary() -> Path:
    """The ffmpeg to run: FFMPEG_PATH, the deployment's own, or the one of imageio-ffmpeg."""
    named = os.environ.get("FFMPEG_PATH")
    if named:
        return Path(named)
    if BUNDLED.exists():
        return _unpacked(BUNDLED)
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


def _unpacked(packed: Path) -> Path:
    """The binary out of `packed`, once for each instance: 0.6 s."""
    folder = Path(tempfile.gettempdir(), f"ffm-ffmpeg-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} is somebody else's")
    program = folder / f"ffmpeg-{packed.stat().st_size}"
    if not program.exists():
        with scratch.folder("unpack") as work:
            partial = work / "ffmpeg"
            with gzip.open(packed) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
            partial.chmod(0o700)
            partial.rename(program)
    return program
