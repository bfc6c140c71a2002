"""The home page, signed out: a sample or a file of one's own, a result, a download."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Visitor, picture


def test_a_sample_becomes_smaller(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.go("/")
    picture(page, "home")
    page.get_by_role("button", name="Use our sample").click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()
    picture(page, "home-done")
    with page.expect_download() as under_way:
        page.get_by_role("link", name="Download").click()
    under_way.value.save_as(tmp_path / "result.mp4")
    assert 1000 < (tmp_path / "result.mp4").stat().st_size < 1_000_000
