"""How large the output is."""

from __future__ import annotations

from lib.media.formats import Format
from lib.media.model import Video

SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}
GIF_SHORT_SIDE = 480


def displayed_size(picture: Video) -> tuple[int, int]:
    """Width and height as displayed: rotated, with square pixels."""
    width = round(picture.width * picture.sample_aspect)
    if picture.rotation in (90, 270):
        return picture.height, width
    return width, picture.height


def output_size(file_format: Format, resolution: str | None, picture: Video) -> tuple[int, int]:
    """The output's size: fitted by the short side, never enlarged, even where codecs want it."""
    width, height = displayed_size(picture)
    short = SHORT_SIDES[resolution] if resolution else None
    if short is None and file_format.name == "gif":
        short = GIF_SHORT_SIDE
    factor = min(1.0, short / min(width, height)) if short else 1.0
    if file_format.kind == "image" and factor == 1.0:
        return width, height
    return _even(width * factor), _even(height * factor)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
