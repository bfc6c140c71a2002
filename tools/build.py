"""Vercel's build command: fetches ffmpeg for the functions that run it, and makes public/.

The binary comes from imageio-ffmpeg's wheel. As a dependency it would ride in every function; as a
project file the light functions leave it out (vercel.json, excludeFiles). A manylinux wheel that
comes without its binary fails the build here and not the jobs later.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = "imageio-ffmpeg==0.8.1"
PLATFORM = "manylinux_2_28_x86_64"


def main() -> None:
    """Write bin/ffmpeg and public/."""
    (ROOT / "public").mkdir(exist_ok=True)
    (ROOT / "public" / "robots.txt").write_text("User-agent: *\nDisallow: /v1/\n")
    with tempfile.TemporaryDirectory() as folder:
        _download(folder)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if "/binaries/ffmpeg-linux" in name]
            if len(names) != 1:
                sys.exit(f"{wheel.name} holds no ffmpeg for Linux")
            target = ROOT / "bin" / "ffmpeg"
            target.parent.mkdir(exist_ok=True)
            with archive.open(names[0]) as packed, target.open("wb") as binary:
                while chunk := packed.read(1024 * 1024):
                    binary.write(chunk)
            target.chmod(0o755)
    print(f"bin/ffmpeg: {target.stat().st_size / 2**20:.0f} MiB")  # noqa: T201


def _download(folder: str) -> None:
    """With pip where the Python has it; Vercel's build image has uv's pip at hand as well."""
    options = [
        "download", "--quiet", "--no-deps", "--only-binary=:all:", "--platform", PLATFORM,
        "--dest", folder, PINNED,
    ]  # fmt: skip
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["uvx", "pip"]):
        try:
            subprocess.run([*command, *options], check=True)
        except (subprocess.CalledProcessError, FileNotFoundError):
            continue
        return
    sys.exit("ffmpeg could not be downloaded: no pip worked")


if __name__ == "__main__":
    main()
