"""A sample clip, made by ffmpeg itself: ten seconds of a moving test picture with a tone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lib.media.run.ffmpeg import binary


def make(path: Path, *, seconds: float = 10, size: str = "1280x720", rate: int = 30) -> Path:
    """Write the clip (H.264 and AAC in MP4) to `path`."""
    subprocess.run(
        [
            str(binary()), "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
            "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}",
            "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
            "-t", str(seconds),
            "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
            "-c:a", "aac", "-movflags", "+faststart", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path
