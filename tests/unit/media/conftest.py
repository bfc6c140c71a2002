"""Fixtures that the tests of words and pictures share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rigs.media.pixels import Frame, frame


@pytest.fixture(scope="module")
def picture(make_media: Callable[..., Path]) -> Path:
    """A plain still of 480x270."""
    return make_media(
        "plain480.png", "-f", "lavfi", "-i", "color=0x204060:s=480x270", "-frames:v", "1"
    )


@pytest.fixture(scope="module")
def before(picture: Path) -> Frame:
    """The still's pixels, before anything is drawn on it."""
    return frame(picture)
