"""The home page, signed out: a sample or a file of one's own, a result, a download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lib.accounts import keys
from lib.platform import postgres
from tests.rigs.browser.visitors import Visitor, picture, violations


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


def test_a_file_that_is_none_of_ours_is_refused(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.go("/")
    for name, size, sentence in (
        ("letter.docx", 10, "letter.docx can't be uploaded here."),
        ("empty.mp4", 0, "empty.mp4 is empty."),
        ("large.mp4", 26 * 2**20, "at most 25 MB are taken here."),
    ):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        page.get_by_label("A video, a sound or a picture").set_input_files(tmp_path / name)
        page.get_by_text(sentence).wait_for()
    assert violations(page) == []
    picture(page, "home-refused-file")


def test_a_broken_file_is_told_and_another_taken(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing of a video" * 100)
    page = visitor.go("/")
    page.get_by_label("A video, a sound or a picture").set_input_files(tmp_path / "broken.mp4")
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("alert").filter(has_text="can't be read as media").wait_for()
    picture(page, "home-failed")
    page.get_by_role("button", name="Another file").click()
    page.get_by_role("button", name="Use our sample").click()
    page.get_by_role("button", name="Run it").wait_for()


def test_an_hour_that_is_over_is_told(visitor: Visitor) -> None:
    visitor.expected.append("401")
    page = visitor.go("/")
    page.get_by_role("button", name="Use our sample").click()
    page.get_by_role("button", name="Run it").wait_for()
    key = page.evaluate("JSON.parse(sessionStorage.visitor).key")
    postgres.rows(
        "update app.api_keys set revoked_at = now() where hash = %(hash)s",
        {"hash": keys.digest(key)},
    )
    page.get_by_role("button", name="Run it").click()
    page.get_by_text("Your trial session has expired").wait_for()
    page.get_by_role("button", name="Use our sample").click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("heading", name="Done").wait_for()


def test_a_visitors_job_can_be_canceled(visitor: Visitor, make_media: Callable[..., Path]) -> None:
    slow = make_media(
        "long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=50:d=40", "-preset", "ultrafast",
        "-crf", "40",
    )  # fmt: skip
    page = visitor.go("/")
    page.get_by_label("A video, a sound or a picture").set_input_files(slow)
    page.get_by_role("radio", name="The video with words on it").check()
    page.get_by_role("button", name="Run it").click()
    page.get_by_role("button", name="Cancel the job").click()
    page.get_by_text("The job is canceled.").wait_for(timeout=30_000)
