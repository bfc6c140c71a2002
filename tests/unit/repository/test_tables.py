"""The generated files say what their sources say."""

from __future__ import annotations

import pytest

from lib.files.upload_types import FILE_TYPES
from lib.media.run import ffmpeg
from tools import allowed, filters, upload_types


def test_the_page_of_what_is_allowed_is_current() -> None:
    assert allowed.TARGET.read_text() == allowed.text(), "run `make tables`"


def test_the_page_names_flags_filters_options_and_fonts() -> None:
    page = allowed.text()
    for names in (
        "| `-crf` | `:v` | a number from -1 to 63 |",
        "### xfade",
        "- `transition`: one of custom, fade,",
        "### @watermark",
        "| `charsPerLine` | a whole number from 5 to 100 |",
        "| `Arimo` | Arial,",
        "`rc-lookahead`",
    ):
        assert names in page, names
    for refused in ("movie", "textfile", "lavfi", "stats_file", "`fontfile`"):
        assert f"### {refused}\n" not in page
        assert f"- `{refused}`" not in page


@pytest.mark.slow
def test_the_filters_are_described_as_this_ffmpeg_does() -> None:
    if "linux-x86_64" not in ffmpeg.binary().name:
        pytest.skip(f"the table is of another build of ffmpeg than {ffmpeg.build()}")
    assert filters.TARGET.read_text() == filters.text(), "run `make tables`"


def test_the_site_takes_the_files_that_the_service_takes() -> None:
    assert upload_types.TARGET.read_text() == upload_types.module(), "run `make tables`"


def test_the_page_of_uploads_names_every_extension_and_type() -> None:
    page = (upload_types.TARGET.parents[3] / "docs" / "uploads.md").read_text()
    for entry in FILE_TYPES:
        for each in (*entry.extensions, *entry.types):
            assert f"`{each}`" in page, each


def test_an_extension_is_one_kind_of_file() -> None:
    extensions = [each for entry in FILE_TYPES for each in entry.extensions]
    assert len(extensions) == len(set(extensions))
