"""Vercel's build command: builds the site into public/, fetches ffmpeg and fonts for the functions.

The binary comes from imageio-ffmpeg's wheel. As a dependency it would ride in every function; as a
project file the light functions leave it out (vercel.json, excludeFiles). A manylinux wheel that
comes without its binary fails the build here and not the jobs later.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = "imageio-ffmpeg==0.8.1"
FONT_FILES = (".ttf", ".otf", ".ttc")
PLATFORM = "manylinux_2_28_x86_64"


def main() -> None:
    """Write bin/ffmpeg.gz, bin/fonts/ and public/."""
    _site()
    _ffmpeg(ROOT / "bin" / "ffmpeg.gz")
    _fonts(ROOT / "bin" / "fonts")


def _site() -> None:
    """The pages and what they load, with Node."""
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=ROOT / "web", check=True)
    # Which entry became which file is the build's own business.
    shutil.rmtree(ROOT / "public" / ".vite")


def _ffmpeg(target: Path) -> None:
    """The binary, packed: it and the fonts would be too large for a function otherwise."""
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _download(folder, "--platform", PLATFORM, PINNED)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if "/binaries/ffmpeg-linux" in name]
            if len(names) != 1:
                sys.exit(f"{wheel.name} holds no ffmpeg for Linux")
            with archive.open(names[0]) as binary, gzip.open(target, "wb", 6) as packed:
                shutil.copyfileobj(binary, packed, 1024 * 1024)
    print(f"bin/ffmpeg.gz: {target.stat().st_size / 2**20:.0f} MiB")  # noqa: T201


def _fonts(target: Path) -> None:
    """The font files of the packages in requirements-fonts.txt."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _download(folder, "-r", str(ROOT / "requirements-fonts.txt"))
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.endswith(FONT_FILES)]
                if not names:
                    sys.exit(f"{wheel.name} holds no font")
                for name in names:
                    (target / Path(name).name).write_bytes(archive.read(name))
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"bin/fonts: {size / 2**20:.0f} MiB")  # noqa: T201


def _download(folder: str, *what: str) -> None:
    """With pip where the Python has it; Vercel's build image has uv's pip at hand as well."""
    options = [
        "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder, *what,
    ]  # fmt: skip
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["uvx", "pip"]):
        try:
            subprocess.run([*command, *options], check=True)
        except (subprocess.CalledProcessError, FileNotFoundError):
            continue
        return
    sys.exit(f"{' '.join(what)} could not be downloaded: no pip worked")


if __name__ == "__main__":
    main()
