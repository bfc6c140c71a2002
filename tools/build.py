"""Vercel's build command: builds the site into public/, fetches ffmpeg and fonts for the functions.

The binary comes from imageio-ffmpeg's wheel. As a dependency it would be in every function; as a
project file the light functions leave it out (vercel.json, excludeFiles). A manylinux wheel that
comes without its binary, or with one that is too old, fails the build here and not the jobs later.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOOR = (9, 0, 2)
"""The oldest ffmpeg that is accepted, as in lib/media/run/ffmpeg.py. (This script imports nothing
of the product: Vercel runs it before the packages are installed.)"""
FONT_FILES = (".ttf", ".otf", ".ttc")
PLATFORM = "manylinux_2_28_x86_64"


def main() -> None:
    """Write bin/ffmpeg.gz, bin/fonts/ and public/."""
    _site()
    _ffmpeg(ROOT / "bin" / "ffmpeg.gz")
    _fonts(ROOT / "bin" / "fonts")


def _site() -> None:
    """The pages and what they load, with Node. Their policy names the Supabase project."""
    project = os.environ.get("SUPABASE_URL", "")
    if not project:
        print("SUPABASE_URL is not set: the pages may connect to any Supabase project")  # noqa: T201
    environment = os.environ | {"POLICY_PROJECT": project}
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=ROOT / "web", check=True, env=environment)
    # Which entry became which file is the build's own business.
    shutil.rmtree(ROOT / "public" / ".vite")


def _ffmpeg(target: Path) -> None:
    """The binary, packed: it and the fonts would be too large for a function otherwise."""
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _download(folder, "requirements-ffmpeg.txt", "--platform", PLATFORM)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if "/binaries/ffmpeg-linux" in name]
            if len(names) != 1:
                sys.exit(f"{wheel.name} holds no ffmpeg for Linux")
            if version_of(names[0]) < FLOOR:
                sys.exit(f"{names[0]} is older than {'.'.join(map(str, FLOOR))}")
            with archive.open(names[0]) as binary, gzip.open(target, "wb", 6) as packed:
                shutil.copyfileobj(binary, packed, 1024 * 1024)
    print(f"bin/ffmpeg.gz: {target.stat().st_size / 2**20:.0f} MiB")  # noqa: T201


def version_of(name: str) -> tuple[int, ...]:
    """The version in a binary's name, such as "ffmpeg-linux-x86_64-v9.0.2"; () without one."""
    stated = re.search(r"-v(\d+(?:\.\d+)+)$", name)
    return tuple(int(part) for part in stated[1].split(".")) if stated else ()


def _fonts(target: Path) -> None:
    """The font files of the packages in requirements-fonts.txt.

    Every package that the short list names must have some; what these depend on need not.
    """
    listed = (ROOT / "tools" / "requirements" / "requirements-fonts.in").read_text()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _download(folder, "requirements-fonts.txt")
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.endswith(FONT_FILES)]
                package = wheel.name.partition("-")[0].replace("_", "-")
                if not names and f"\n{package}==" in listed:
                    sys.exit(f"{wheel.name} holds no font")
                for name in names:
                    (target / Path(name).name).write_bytes(archive.read(name))
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"bin/fonts: {size / 2**20:.0f} MiB")  # noqa: T201


def _download(folder: str, requirements: str, *more: str) -> None:
    """Download wheels whose hashes are pinned in a file of ROOT.

    Uses pip if this Python has it; Vercel's build image has uv's pip as well.
    """
    options = [
        "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
        "--dest", folder, *more, "-r", str(ROOT / requirements),
    ]  # fmt: skip
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["uvx", "pip"]):
        try:
            subprocess.run([*command, *options], check=True)
        except (subprocess.CalledProcessError, FileNotFoundError):
            continue
        return
    sys.exit(f"{requirements} could not be downloaded: no pip worked, or a hash differs")


if __name__ == "__main__":
    main()
