"""What ffmpeg may open: the options before each -i that keep an input to plain media."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mp3", "aac", "wav", "w64", "ogg", "flac",
    "flv", "mpegts", "mpeg", "asf", "aiff", "amr", "ac3", "eac3", "caf", "gif", "gif_pipe",
    "image2", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "apng", "webp",
    "mjpeg", "m4v", "h264", "hevc", "ivf", "webp_anim", "jpegxl_pipe",
)  # fmt: skip
"""Plain media containers: none of them reads other files, and none is a playlist."""
MAX_PIXELS = 1 << 27
"""A picture of more is refused by its header: 134 megapixels, for the largest of cameras."""

LOOPBACK = "http://127.0.0.1:"
"""Where our own proxy serves a remote file to ffmpeg."""


def guards(place: Path | str, *more: str) -> list[str]:
    """Before each -i: no network but our proxy, no playlists, no picture that fills the memory.

    `more` are demuxers for files that we wrote ourselves.
    """
    return [
        "-protocol_whitelist", "http,tcp" if remote(place) else "file",
        "-format_whitelist", ",".join((*more, *DEMUXERS)),
        "-max_pixels", str(MAX_PIXELS),
    ]  # fmt: skip


def ports(*places: Path | str) -> list[int]:
    """The ports that ffmpeg must reach to read these."""
    return [int(str(urlsplit(str(place)).port)) for place in places if remote(place)]


def remote(place: Path | str) -> bool:
    """Whether a place is our proxy's, and not a file."""
    return str(place).startswith(LOOPBACK)
