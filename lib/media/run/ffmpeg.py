"""Which ffmpeg runs, and whether it is recent enough to read files from strangers."""

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

BUNDLED = Path(__file__).parent.parent.parent.parent / "bin" / "ffmpeg.gz"
"""Where the deployment puts the binary for the functions that run it; packed, since together with
the fonts it would pass the platform's limit."""
FLOOR = (9, 0, 2)
"""The oldest release we run: CVE-2026-70628 to CVE-2026-70632 are fixed from here on."""


class FfmpegRefused(Exception):
    """The ffmpeg to run is missing, too old, or of unknown age; the sentence says what to do."""


@cache
def binary() -> Path:
    """The ffmpeg to run: FFMPEG_PATH, the deployment's own, or the one of imageio-ffmpeg.

    Raises FfmpegRefused if it can't be run or is below FLOOR.
    """
    program = _chosen()
    stated = version(program)
    if not meets_floor(stated):
        raise FfmpegRefused(
            f"{program} is ffmpeg {stated}, which has known security holes. {_INSTEAD}"
        )
    return program


def _chosen() -> Path:
    path = os.environ.get("FFMPEG_PATH")
    if path:
        return Path(path)
    if BUNDLED.exists():
        return _unpacked(BUNDLED)
    import imageio_ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def build() -> str:
    """The first line of our ffmpeg's version report: version and build."""
    return _report(binary()).partition("\n")[0].partition(" Copyright")[0]


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def version(program: Path | None = None) -> str:
    """The release of `program` (default: `binary`), such as "9.0.2".

    Raises FfmpegRefused if it can't be run or states no release: a nightly build ("N-118273-g…", a
    date) does not show which fixes it has.
    """
    program = program or binary()
    report = _report(program)
    match = re.match(r"ffmpeg version n?(\d+(?:\.\d+)+)(?![\w.])", report)
    if match is None:
        raise FfmpegRefused(
            f"{program} states no release version: {report[:60].partition(chr(10))[0]!r}."
            f" {_INSTEAD}"
        )
    return match[1]


def meets_floor(stated: str) -> bool:
    """Whether a release has the security fixes we rely on."""
    return tuple(int(part) for part in stated.split(".")) >= FLOOR


@cache
def _report(program: Path) -> str:
    try:
        return subprocess.run(
            [str(program), "-version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise FfmpegRefused(
            f"{program} can't be run ({type(error).__name__}). {_INSTEAD}"
        ) from error


_INSTEAD = (
    f"Use release {'.'.join(map(str, FLOOR))} or later, or leave FFMPEG_PATH empty for the bundled"
    " one."
)


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
